import type { Claim, Hex } from "@mach/core";
import type { BlockExecutor, Verdict } from "@mach/execution";
import { type Alerts, EVENT_LASTS_MS } from "../alerts.ts";
import type { ClaimSigner } from "./ports.ts";

export interface ExecutedClaimsPorts {
  readonly signer: ClaimSigner;
  readonly alerts: Alerts;
  /** Undefined for a rollup that nothing here can execute. */
  readonly executorOf: (rollupId: bigint) => BlockExecutor | undefined;
  /** Waits so many milliseconds. */
  readonly delay: (milliseconds: number) => Promise<void>;
  /** How many blocks one claim stands for; null while that is not known. */
  readonly intervalOf: (claim: Claim) => bigint | null;
}

type Refusal = { readonly ok: false; readonly code: "not-executed" | "block-invalid" };

/** The pauses after which a source that lacks the block, or is gone, is asked again. */
const RETRY_MS = [250, 500, 1_000, 2_000] as const;

/** Hashes of blocks that were executed are remembered, so that none is executed twice. */
const MAX_REMEMBERED = 4_096;

/**
 * A signer that signs a claim of level 2 only when its block, and those since the claim before,
 * were executed to their hashes. Whatever keeps one from being executed is a refusal: a claim says
 * how the block was checked, and that is never said of a check that did not happen.
 */
export function requireExecution(ports: ExecutedClaimsPorts): ClaimSigner {
  const { signer } = ports;
  const executed = new Set<Hex>();
  const queues = new Map<bigint, Promise<unknown>>();

  /** A source may see a block later than those that announced it. */
  async function execute(
    executor: BlockExecutor,
    hash: Hex,
    isStillWanted: () => boolean,
  ): Promise<Verdict> {
    let verdict = await executor.execute(hash);
    for (const pauseMs of RETRY_MS) {
      const isGone = verdict.outcome === "unverifiable" && verdict.code === "unavailable";
      if (!isGone || !isStillWanted()) return verdict;
      await ports.delay(pauseMs);
      verdict = await executor.execute(hash);
    }
    return verdict;
  }

  async function check(claim: Claim, isStillWanted: () => boolean): Promise<Refusal | null> {
    const { rollupId, blockNumber } = claim;
    const executor = ports.executorOf(rollupId);
    const interval = ports.intervalOf(claim);
    if (executor === undefined || interval === null) {
      raiseNotExecuted(ports.alerts, claim, "no execution is configured for it");
      return { ok: false, code: "not-executed" };
    }
    let hash = claim.blockHash;
    for (let back = 0n; back < interval && back < blockNumber; back++) {
      if (executed.has(hash)) break;
      const verdict = await execute(executor, hash, isStillWanted);
      if (verdict.outcome !== "valid") return refuse(ports.alerts, { claim, hash, verdict });
      remember(executed, hash);
      hash = verdict.parentHash;
    }
    ports.alerts.clear({ code: "block-not-executed", rollupId });
    return null;
  }

  /** One after the other: claims of a rollup are signed in the order of their heights. */
  function inOrder<T>(rollupId: bigint, work: () => Promise<T>): Promise<T> {
    const before = queues.get(rollupId) ?? Promise.resolve();
    const result = before.then(work, work);
    queues.set(rollupId, result);
    return result;
  }

  return {
    publicKey: signer.publicKey,
    lastSigned: (rollupId) => signer.lastSigned(rollupId),
    signSetUpdate: (request) => signer.signSetUpdate(request),
    sign(request) {
      const { claim } = request;
      if (claim.verification === 1) return signer.sign(request);
      return inOrder(claim.rollupId, async () => {
        if (!request.isStillWanted()) return { ok: false, code: "not-executed" };
        return (await check(claim, request.isStillWanted)) ?? (await signer.sign(request));
      });
    },
  };
}

function refuse(
  alerts: Alerts,
  about: {
    readonly claim: Claim;
    readonly hash: Hex;
    readonly verdict: Exclude<Verdict, { outcome: "valid" }>;
  },
): Refusal {
  const { claim, hash, verdict } = about;
  if (verdict.outcome === "unverifiable") {
    raiseNotExecuted(alerts, claim, `${hash}: ${verdict.code}, ${verdict.detail}`);
    return { ok: false, code: "not-executed" };
  }
  const { field, expected, got } = verdict;
  alerts.raise({
    code: "block-invalid",
    severity: "critical",
    rollupId: claim.rollupId,
    subject: hash,
    message:
      `Block ${hash} of rollup ${claim.rollupId}, at or below height ${claim.blockNumber}, does ` +
      `not follow from its parent: ${field} is ${got}, execution gives ${expected}.`,
  });
  return { ok: false, code: "block-invalid" };
}

function raiseNotExecuted(alerts: Alerts, { rollupId, blockNumber }: Claim, why: string): void {
  alerts.raise({
    code: "block-not-executed",
    severity: "warning",
    rollupId,
    message: `Height ${blockNumber} of rollup ${rollupId} was not executed, nor signed (${why}).`,
    lastsMs: EVENT_LASTS_MS,
  });
}

function remember(hashes: Set<Hex>, hash: Hex): void {
  hashes.add(hash);
  const [oldest] = hashes;
  if (hashes.size > MAX_REMEMBERED && oldest !== undefined) hashes.delete(oldest);
}
