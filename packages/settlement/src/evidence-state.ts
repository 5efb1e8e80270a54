import type { Hex } from "@mach/core";
import type { Accusation, EncodedEvidence } from "./evidence-calldata.ts";
import { type KnownWalk, type SubmissionState, walkDistances } from "./evidence-plan.ts";
import type {
  ChargeState,
  Conviction,
  SlasherReader,
  SlasherTerms,
  SlashPreview,
} from "./slasher-reader.ts";

/** What an operator would lose at a source if it were slashed now. */
export interface Expectation extends Accusation {
  readonly source: Hex;
  readonly preview: SlashPreview;
}

/** Questions under way to one endpoint. */
const MAX_IN_FLIGHT = 16;
/** All, as the contract's fractions have it. */
const WAD = 10n ** 18n;

/** What the Slasher knows of evidence already. Rejects where the L1 cannot be asked. */
export async function readState(
  reader: SlasherReader,
  terms: SlasherTerms,
  evidence: EncodedEvidence,
): Promise<Omit<SubmissionState, "hasSettlement">> {
  const convicted = new Set<Hex>();
  const collected = new Set<string>();
  const present = await reader.readWad(evidence.kind);
  await inBatches(evidence.accused, async ({ convictionId }) => {
    const conviction = await reader.readConviction(convictionId);
    // Evidence of a dearer kind convicts once more, and what it adds is taken from every source.
    if (conviction === null || isDearer(present, conviction)) return;
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
    const conviction = await reader.readConviction(each.convictionId);
    const isMore = conviction === null || isDearer(present, conviction);
    const full = isMore ? present : conviction.wad;
    const found: Expectation[] = [];
    for (const source of terms.sources) {
      if (state.collected(each.convictionId, source)) continue;
      const isTaken = conviction !== null && (await reader.isCollected(each.convictionId, source));
      const wad = isTaken ? remaining(full, conviction.wad) : full;
      const slash = { operator: each.operator, wad, kind };
      found.push({ ...each, source, preview: await reader.previewSlash(source, slash) });
    }
    return found;
  });
  return expected.flat();
}

/** Whether evidence that costs this much now makes a conviction dearer, as the contract says it. */
function isDearer(wad: bigint, conviction: Conviction): boolean {
  return wad > conviction.wad && wad > conviction.presentWad;
}

/** The fraction of what an earlier taking left that makes both together the whole one, rounded up. */
function remaining(wad: bigint, taken: bigint): bigint {
  const left = WAD - taken;
  return left === 0n ? 0n : ((wad - taken) * WAD + left - 1n) / left;
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
