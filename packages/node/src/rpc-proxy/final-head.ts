import type { Finality } from "@mach/api";
import type { Hex } from "@mach/core";
import type { NodeView } from "../http/node-view.ts";
import { fault, type RpcFault } from "./errors.ts";

/** The newest fast-final block of a rollup, and the certificate that says so. */
export interface FinalHead {
  readonly ok: true;
  readonly number: bigint;
  readonly hash: Hex;
  readonly certificateId: Hex;
  readonly certificateAgeMs: number;
  readonly signedWeight: bigint;
}

/** Reads what `finalized` means now. */
export type ReadHead = () => Promise<FinalHead | RpcFault>;

/**
 * Whether a head that was served still stands. It has fallen where its height is contradicted, or
 * the view has no such certificate: whoever was told of it must not be told of what follows as if
 * it went on from there.
 */
export type CheckHead = (head: FinalHead) => Promise<"stands" | "fallen" | "unknown">;

/** Asks a node's own view. */
export function createHeadCheck(
  view: Pick<NodeView, "certificate">,
  { rollupId }: { readonly rollupId: bigint },
): CheckHead {
  return async ({ number, hash }) => {
    try {
      const result = await view.certificate(rollupId, number);
      if (result.ok) return result.value.certificate.claim.blockHash === hash ? "stands" : "fallen";
      return result.code === "unavailable" || result.code === "stale" ? "unknown" : "fallen";
    } catch {
      // A view that cannot tell now, such as one without its database, tells later.
      return "unknown";
    }
  };
}

/** What `finalized` means by a node's own view: the one that /v1/rollups/{rollupId}/finality tells. */
export function createHeadReader(
  view: Pick<NodeView, "finality">,
  options: { readonly rollupId: bigint; readonly maxStalenessMs: number },
): ReadHead {
  const { rollupId, maxStalenessMs } = options;
  return async () => {
    const result = await view.finality(rollupId);
    if (result.ok) return judgeFinality(result.value, { rollupId, maxStalenessMs });
    return fault(result.code === "unknown-rollup" ? "unknown-rollup" : "unavailable");
  };
}

/**
 * The head that may be served, or why none may. While a contradiction is open, or a reorg has bound
 * the operators, what is left of fast finality would be a head that went back: L1 decides then.
 */
function judgeFinality(
  finality: Finality,
  options: { readonly rollupId: bigint; readonly maxStalenessMs: number },
): FinalHead | RpcFault {
  const { fastFinal, certificate, rule, reason, agesMs } = finality;
  if (reason?.code === "contradicted") return fault("contradicted");
  if (reason?.code === "split") return fault("split");
  if (fastFinal === null || certificate === null) {
    return fault("not-yet", {
      reason: reason?.code ?? null,
      presentWeight: reason?.presentWeight?.toString() ?? null,
      requiredWeight: reason?.requiredWeight?.toString() ?? null,
    });
  }
  const { claim, certificateId } = certificate;
  const isItsBlock =
    claim.rollupId === options.rollupId &&
    claim.blockNumber === fastFinal.blockNumber &&
    claim.blockHash === fastFinal.blockHash;
  const signedWeight = rule?.signedWeight ?? null;
  if (!isItsBlock || signedWeight === null || agesMs.certificate === null) return fault("internal");
  // By the block's own time: a certificate that has only just arrived may be of an old block.
  const ageMs = agesMs.fastFinal;
  if (ageMs === null || ageMs > options.maxStalenessMs) {
    const { maxStalenessMs } = options;
    return fault("stale", { blockNumber: fastFinal.blockNumber.toString(), ageMs, maxStalenessMs });
  }
  return {
    ok: true,
    number: fastFinal.blockNumber,
    hash: fastFinal.blockHash,
    certificateId,
    certificateAgeMs: agesMs.certificate,
    signedWeight,
  };
}
