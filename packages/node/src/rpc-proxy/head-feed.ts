import { setTimeout as sleep } from "node:timers/promises";
import type { ReportFailure } from "../http/failure-report.ts";
import type { NodeView } from "../http/node-view.ts";
import type { FinalHead, ReadHead } from "./final-head.ts";
import { toCertifiedHeader } from "./header-notice.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** Tells of fast-final heads as they rise. */
export interface HeadFeed {
  /** Hears of each head from now on; the header has been checked against the certificate. */
  listen(listener: HeadListener): () => void;
  stop(): void;
}

export type HeadListener = (head: FinalHead, header: Readonly<Record<string, unknown>>) => void;

/** A node may learn of a block a moment after its certificate. */
const RETRY_MS = 100;
const MAX_RETRIES = 50;

/**
 * Reads the head after each event of the view, for as long as somebody listens. A head that is
 * overtaken before a node gives its block is passed over: the next one covers it.
 */
export function createHeadFeed(
  dependencies: {
    readonly view: Pick<NodeView, "subscribe">;
    readonly pool: Pick<UpstreamPool, "readBlock">;
    readonly readHead: ReadHead;
    readonly reportFailure: ReportFailure;
  },
  options: { readonly rollupId: bigint },
): HeadFeed {
  const { view, pool, readHead, reportFailure } = dependencies;
  const listeners = new Set<HeadListener>();
  let unsubscribe: (() => void) | null = null;
  let told = -1n;
  let isDirty = false;
  let isRunning = false;

  function start(): void {
    unsubscribe = view.subscribe((event) => {
      if (event.topic !== "finality" || event.rollupId !== options.rollupId) return;
      isDirty = true;
      if (!isRunning) void run();
    });
  }

  async function run(): Promise<void> {
    isRunning = true;
    try {
      while (isDirty && listeners.size > 0) {
        isDirty = false;
        await tellNewest();
      }
    } catch (error) {
      reportFailure("rpc-heads", error);
    } finally {
      isRunning = false;
    }
  }

  async function tellNewest(): Promise<void> {
    for (let retries = 0; retries < MAX_RETRIES && listeners.size > 0; retries++) {
      const head = await readHead();
      if (!head.ok || head.number <= told) return;
      const params = JSON.stringify([head.hash, false]);
      const read = await pool.readBlock(head, { method: "eth_getBlockByHash", params });
      if (read.ok) {
        told = head.number;
        const header = toCertifiedHeader(read.block, head);
        for (const listener of [...listeners]) listener(head, header);
        return;
      }
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }

  return {
    listen(listener) {
      listeners.add(listener);
      if (unsubscribe === null) start();
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        unsubscribe?.();
        unsubscribe = null;
      };
    },
    stop() {
      listeners.clear();
      unsubscribe?.();
      unsubscribe = null;
    },
  };
}
