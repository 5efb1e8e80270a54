import type { Hex } from "@mach/core";
import type { Accusation, EncodedEvidence } from "./evidence-calldata.ts";
import { type KnownWalk, type SubmissionState, walkDistances } from "./evidence-plan.ts";
import type { ChargeState, SlasherReader, SlasherTerms, SlashPreview } from "./slasher-reader.ts";

/** What an operator would lose at a source if it were slashed now. */
export interface Expectation extends Accusation {
  readonly source: Hex;
  readonly preview: SlashPreview;
}

/** Questions under way to one endpoint. */
const MAX_IN_FLIGHT = 16;

/** What the Slasher knows of evidence already. Rejects where the L1 cannot be asked. */
export async function readState(
  reader: SlasherReader,
  terms: SlasherTerms,
  evidence: EncodedEvidence,
): Promise<Omit<SubmissionState, "hasSettlement">> {
  const convicted = new Set<Hex>();
  const collected = new Set<string>();
  await inBatches(evidence.accused, async ({ convictionId }) => {
    if ((await reader.readConviction(convictionId)) === null) return;
    convicted.add(convictionId);
    for (const source of terms.sources) {
      if (await reader.isCollected(convictionId, source)) collected.add(convictionId + source);
    }
  });
  const { charge } = evidence;
  const known = charge && (await reader.readCharge(charge.chargeId));
  return {
    now: await reader.readTime(),
    convicted,
    collected: (convictionId, source) => collected.has(convictionId + source),
    charge: known,
    walk: await readWalk({ reader, terms, known }, evidence),
  };
}

/** What every source would give that has not been taken from. Rejects as `readState` does. */
export async function readExpected(
  context: {
    readonly reader: SlasherReader;
    readonly terms: SlasherTerms;
    readonly state: Pick<SubmissionState, "collected">;
  },
  { kind, accused }: EncodedEvidence,
): Promise<readonly Expectation[]> {
  const { reader, terms, state } = context;
  const present = await reader.readWad(kind);
  const expected = await inBatches(accused, async (each) => {
    const wad = (await reader.readConviction(each.convictionId))?.wad ?? present;
    const slash = { operator: each.operator, wad, kind };
    const found: Expectation[] = [];
    for (const source of terms.sources) {
      if (state.collected(each.convictionId, source)) continue;
      found.push({ ...each, source, preview: await reader.previewSlash(source, slash) });
    }
    return found;
  });
  return expected.flat();
}

/** Maps in order, with a bounded number under way at once. */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += MAX_IN_FLIGHT) {
    results.push(...(await Promise.all(items.slice(from, from + MAX_IN_FLIGHT).map(map))));
  }
  return results;
}

/** The deepest end of a part of the headers that the contract has walked already. */
async function readWalk(
  context: {
    readonly reader: SlasherReader;
    readonly terms: SlasherTerms;
    readonly known: ChargeState | null;
  },
  { charge }: EncodedEvidence,
): Promise<KnownWalk> {
  const { reader, terms, known } = context;
  if (charge === null) return { start: "0x", offset: 0, walked: 0 };
  const start = known?.walkStart ?? charge.higherHash;
  const offset = known === null ? 0 : Number(known.walkNumber - charge.higherNumber);
  for (const distance of [0, ...walkDistances(charge.headers)].toReversed()) {
    if (offset + distance === 0) return { start, offset, walked: 0 };
    if (await reader.isWalked(terms.headerWalks, start, offset + distance)) {
      return { start, offset, walked: distance };
    }
  }
  return { start, offset, walked: null };
}
