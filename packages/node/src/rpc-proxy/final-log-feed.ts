import { readFinalLogs } from "./final-calls.ts";
import type { FinalHead } from "./final-head.ts";
import type { HeadFeed } from "./head-feed.ts";
import type { FinalLogs } from "./log-range.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/**
 * Tells of each log once its block is fast-final, until the returned function is called. A head
 * whose logs no node gives is made up for with the next one: there is no gap.
 */
export function followFinalLogs(
  dependencies: {
    readonly pool: UpstreamPool;
    readonly heads: HeadFeed;
    /** The logs cannot be followed any more. */
    readonly onLost: () => void;
    /** A block whose logs were told of is contradicted. */
    readonly onFallen: () => void;
  },
  from: { readonly logs: FinalLogs; readonly head: FinalHead },
  reader: { readonly isWanted: () => boolean; readonly onLog: (log: unknown) => void },
): () => void {
  const { pool, heads, onLost, onFallen } = dependencies;
  const { logs } = from;
  let next = logs.from;
  let newest: FinalHead | null = null;
  let isReading = false;

  async function read(head: FinalHead): Promise<void> {
    if (next > head.number || !reader.isWanted()) return;
    const passed = await readFinalLogs(pool, head, { filter: logs.filter, from: next });
    if (!passed.ok || !passed.answer.ok || !Array.isArray(passed.value)) return;
    next = head.number + 1n;
    for (const log of passed.value) reader.onLog(log);
  }

  async function run(): Promise<void> {
    for (let head = newest; head !== null; head = newest) {
      newest = null;
      await read(head);
    }
  }

  function onHead(head: FinalHead): void {
    newest = head;
    if (isReading) return;
    isReading = true;
    void run()
      .catch(onLost)
      .finally(() => {
        isReading = false;
      });
  }

  return heads.listen({ onHead, onFallen }, from.head);
}
