import { type CallAnswer, fault, type RpcFault, resultAnswer } from "./errors.ts";
import { readFinalLogs } from "./final-calls.ts";
import type { CheckHead, FinalHead, ReadHead } from "./final-head.ts";
import type { FinalLogs } from "./log-range.ts";
import type { Passed, UpstreamPool } from "./upstream-pool.ts";

/** How a filter is asked. */
export interface Poll {
  readonly readHead: ReadHead;
  /** By `performance.now()`; later nobody waits for the answer any more. */
  readonly deadlineMs: number;
}

/** A filter that ends with the newest fast-final block: no node has such a one. */
export interface FinalFilter {
  /** The logs of what became fast-final since the last time that somebody was told. */
  changes(poll: Poll): Promise<CallAnswer | RpcFault>;
  /** All logs from where the filter begins. */
  all(poll: Poll): Promise<CallAnswer | RpcFault>;
}

/** A filter for what becomes fast-final after this head, of the logs that are wanted. */
export function createFinalFilter(
  { pool, checkHead }: { readonly pool: UpstreamPool; readonly checkHead: CheckHead },
  logs: FinalLogs,
  head: FinalHead,
): FinalFilter {
  /** The first block whose logs have not been given yet. */
  let next = logs.from > head.number ? logs.from : head.number + 1n;
  /** What the client was told goes up to it. */
  let last = head;
  let turn: Promise<unknown> = Promise.resolve();

  async function readSince(from: bigint, to: FinalHead): Promise<Passed | null> {
    return from > to.number ? null : await readFinalLogs(pool, to, { filter: logs.filter, from });
  }

  async function readChanges(poll: Poll): Promise<CallAnswer | RpcFault> {
    // It has waited for its turn for too long, and so have those behind it.
    if (performance.now() >= poll.deadlineMs) return fault("timeout");
    const to = await poll.readHead();
    if (!to.ok) return to;
    const standing = await checkHead(last);
    if (standing === "unknown") return fault("unavailable");
    if (standing === "fallen") return fault("filter-not-found", { reason: "contradicted" });
    const passed = await readSince(next, to);
    if (passed === null) return resultAnswer([]);
    if (!passed.ok) return passed;
    if (passed.answer.ok && performance.now() < poll.deadlineMs) {
      next = to.number + 1n;
      last = to;
    }
    return passed.answer;
  }

  return {
    changes(poll) {
      // One poll after the other: two at once would be given the same logs.
      const mine = turn.then(() => readChanges(poll));
      turn = mine.catch(() => undefined);
      return mine;
    },
    async all({ readHead }) {
      const to = await readHead();
      if (!to.ok) return to;
      const passed = await readSince(logs.from, to);
      if (passed === null) return resultAnswer([]);
      return passed.ok ? passed.answer : passed;
    },
  };
}
