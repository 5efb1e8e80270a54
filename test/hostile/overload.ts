import { createNativeBls } from "@mach/bls";
import { networkNames } from "../../packages/node/src/gossip/topics.ts";
import { type FloodFigure, flood } from "./flood.ts";
import { startInformant } from "./informant.ts";
import { type Attacked, forger } from "./member-attacks.ts";
import { startMemberPeer, strayPoints } from "./member-peer.ts";

export interface OverloadFigure extends FloodFigure {
  /** Signatures that one thread of this machine checks in a second, right now. */
  readonly capacity: number;
  /** From the end of the flood to the next certificate. */
  readonly recoveredMs: number;
  /** Operators' peers before and after. */
  readonly operators: readonly [before: number, after: number];
}

const SENDERS = 5;
const MEASURED = 100;

/** Ten times what a node could check, by several peers at once, most of them bound to nobody. */
export async function overload(
  attacked: Attacked,
  { durationMs }: { readonly durationMs: number },
): Promise<OverloadFigure> {
  const { arena, victim, member } = attacked;
  const informant = await startInformant(arena, victim);
  const next = await forger(attacked, informant);
  const topic = networkNames(arena.domain).attestations;
  const operators = async (): Promise<number> => (await victim.metrics()).peers("operator");
  const before = await operators();
  const capacity = measureCapacity(attacked);
  const perSecond = (10 * capacity) / SENDERS;
  const figures = await Promise.all(
    Array.from({ length: SENDERS }, (_, i) => {
      const connect = () => startMemberPeer(arena, victim, i === 0 ? member : null);
      return flood({ topic, next, connect, perSecond, durationMs });
    }),
  );
  await informant.stop();
  const endedAt = performance.now();
  await arena.untilProgress(victim);
  const recoveredMs = performance.now() - endedAt;
  const total = (pick: (each: FloodFigure) => number): number =>
    figures.reduce((sum, each) => sum + pick(each), 0);
  return {
    sent: total((each) => each.sent),
    perSecond: total((each) => each.perSecond),
    identities: total((each) => each.identities),
    ...{ capacity, recoveredMs, operators: [before, await operators()] },
  };
}

function measureCapacity({ member }: Attacked): number {
  const bls = createNativeBls();
  const [signature] = strayPoints(member, 1);
  const key = bls.secretKeyFromBytes(member.secretKey);
  if (signature === undefined || key === null) throw new Error("no key");
  const entries = [{ publicKey: bls.publicKeyOf(key), signature }];
  const startedAt = performance.now();
  for (let i = 0; i < MEASURED; i++) {
    bls.verifyBatch({ message: `0x${i.toString(16).padStart(64, "0")}`, entries });
  }
  return Math.round((MEASURED * 1_000) / (performance.now() - startedAt));
}
