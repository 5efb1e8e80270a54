import type { Certificate, Contradiction } from "@mach/core";
import type { AgingKind, PruneStep } from "./store.ts";

type CertificatesStep = Extract<PruneStep, { kind: "certificates" }>;
type SetsStep = Extract<PruneStep, { kind: "sets" }>;

/** The name under which a store keeps how far a kind has gone. */
export function agingName(of: AgingKind): string {
  return of.kind === "certificates"
    ? `kept-from certificates ${of.rollupId}`
    : `kept-from ${of.kind}`;
}

/** The heights whose certificates are contradicted: they stay, for whoever asks what was signed. */
export function contestedHeights(contradictions: readonly Contradiction[]): ReadonlySet<bigint> {
  return new Set(
    contradictions.flatMap(({ claims }) => claims.map(({ blockNumber }) => blockNumber)),
  );
}

/** Which of a rollup's lowest certificates go, and from where on all are kept then. */
export interface CertificatesPlan {
  readonly heights: readonly bigint[];
  readonly keptFrom: bigint;
  readonly isDone: boolean;
}

/** Plans a batch; `lowest` are the certificates from `keptFrom` on, up to `limit` of them. */
export function planCertificates(
  step: CertificatesStep,
  kept: {
    readonly keptFrom: bigint;
    readonly lowest: readonly Pick<Certificate, "claim">[];
    readonly limit: number;
    readonly contested: ReadonlySet<bigint>;
  },
): CertificatesPlan {
  const { lowest, contested, limit } = kept;
  const heights: bigint[] = [];
  let keptFrom = kept.keptFrom;
  for (const { claim } of lowest) {
    const { blockNumber, epoch } = claim;
    if (blockNumber >= step.belowBlock) return planEnd(step, heights, keptFrom);
    if (epoch >= step.belowEpoch) return { heights, keptFrom, isDone: true };
    if (!contested.has(blockNumber)) heights.push(blockNumber);
    keptFrom = blockNumber + 1n;
  }
  if (lowest.length < limit) return planEnd(step, heights, keptFrom);
  return { heights, keptFrom, isDone: false };
}

/** Nothing is left below the height: what comes for one there comes too late. */
function planEnd(
  { belowBlock }: CertificatesStep,
  heights: readonly bigint[],
  keptFrom: bigint,
): CertificatesPlan {
  return { heights, keptFrom: belowBlock > keptFrom ? belowBlock : keptFrom, isDone: true };
}

/** Whether an epoch's set goes. */
export function setMayGo({ belowEpoch, except }: SetsStep, epoch: bigint): boolean {
  return epoch < belowEpoch && !except.has(epoch);
}

/** Whether the update into an epoch goes: it is signed by the set before, over the epoch's own. */
export function updateMayGo(step: SetsStep, epoch: bigint): boolean {
  return setMayGo(step, epoch) || (epoch > 0n && setMayGo(step, epoch - 1n));
}
