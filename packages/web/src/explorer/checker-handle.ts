import type { MachNetwork } from "@mach/sdk";
import type {
  Checker,
  CheckQuestion,
  CheckResult,
  EvidenceCheck,
  EvidenceQuestion,
} from "./check-certificate.ts";

export interface CheckerRequest {
  readonly id: number;
  readonly endpoint: string;
  readonly network: MachNetwork;
  readonly asked: CheckQuestion | EvidenceQuestion;
}

export interface CheckerReply {
  readonly id: number;
  readonly result: CheckResult | EvidenceCheck;
}

/** Longer than every request that one check makes may take. */
const PATIENCE_MS = 60_000;
const MAX_PENDING = 64;

type Settle = (result: CheckerReply["result"] | { readonly failed: string }) => void;

/** A checker that can be done with. */
export interface CheckerHandle extends Checker {
  /** Ends its worker; what is under way is unchecked. */
  stop(): void;
}

/** A checker that runs in a worker. A worker that fails or is silent leaves everything unchecked. */
export function createCheckerHandle(
  startWorker: () => Worker,
  node: { readonly endpoint: string; readonly network: MachNetwork },
): CheckerHandle {
  const pending = new Map<number, Settle>();
  let worker: Worker | null = null;
  let lastId = 0;

  function failAll(): void {
    for (const settle of pending.values()) settle({ failed: "worker-failed" });
    worker?.terminate();
    worker = null;
  }

  function start(): Worker {
    const started = startWorker();
    started.addEventListener("message", ({ data }: MessageEvent<CheckerReply>) => {
      pending.get(data.id)?.(data.result);
    });
    started.addEventListener("error", failAll);
    return started;
  }

  function ask<Result extends CheckerReply["result"]>(
    asked: CheckerRequest["asked"],
    nothing: (code: string) => Result,
  ): Promise<Result> {
    if (pending.size >= MAX_PENDING) return Promise.resolve(nothing("busy"));
    lastId += 1;
    const id = lastId;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle({ failed: "timed-out" }), PATIENCE_MS);
      const settle: Settle = (result) => {
        clearTimeout(timer);
        pending.delete(id);
        // The worker answers each request by its own kind of result.
        resolve("failed" in result ? nothing(result.failed) : (result as Result));
      };
      pending.set(id, settle);
      const request: CheckerRequest = { id, ...node, asked };
      try {
        worker ??= start();
        worker.postMessage(request);
      } catch {
        // The browser starts no worker, or hands it nothing: then nothing is checked.
        settle({ failed: "worker-failed" });
      }
    });
  }

  return {
    check: (question) =>
      ask<CheckResult>(question, (code) => ({ status: "unchecked", basis: "named-by-node", code })),
    checkEvidence: (question) =>
      ask<EvidenceCheck>(question, (code) => ({ status: "unchecked", code })),
    stop: failAll,
  };
}
