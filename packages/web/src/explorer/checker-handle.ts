import type { MachNetwork } from "@mach/sdk";
import type { Checker, CheckQuestion, CheckResult } from "./check-certificate.ts";

export interface CheckerRequest {
  readonly id: number;
  readonly endpoint: string;
  readonly network: MachNetwork;
  readonly question: CheckQuestion;
}

export interface CheckerReply {
  readonly id: number;
  readonly result: CheckResult;
}

/** Longer than every request that one check makes may take. */
const PATIENCE_MS = 60_000;
const MAX_PENDING = 64;

/** A checker that runs in a worker. A worker that fails or is silent leaves everything unchecked. */
export function createCheckerHandle(
  startWorker: () => Worker,
  node: { readonly endpoint: string; readonly network: MachNetwork },
): Checker {
  const pending = new Map<number, (result: CheckResult) => void>();
  let worker: Worker | null = null;
  let lastId = 0;

  function failAll(): void {
    for (const settle of pending.values()) settle(nothing("worker-failed"));
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

  return {
    check(question) {
      if (pending.size >= MAX_PENDING) return Promise.resolve(nothing("busy"));
      lastId += 1;
      const id = lastId;
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle(nothing("timed-out")), PATIENCE_MS);
        const settle = (result: CheckResult): void => {
          clearTimeout(timer);
          pending.delete(id);
          resolve(result);
        };
        pending.set(id, settle);
        const request: CheckerRequest = { id, ...node, question };
        worker ??= start();
        worker.postMessage(request);
      });
    },
  };
}

function nothing(code: string): CheckResult {
  return { status: "unchecked", basis: "named-by-node", code };
}
