import { setTimeout as sleep } from "node:timers/promises";
import type { ReportFailure } from "../http/failure-report.ts";
import type { NodeView } from "../http/node-view.ts";
import type { CheckHead, FinalHead, ReadHead } from "./final-head.ts";
import { toCertifiedHeader } from "./header-notice.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** Tells of fast-final heads as they rise. */
export interface HeadFeed {
  /** Hears of each head from now on, which is after `last`; null where there was none yet. */
  listen(listener: HeadListener, last: FinalHead | null): () => void;
  stop(): void;
}

export interface HeadListener {
  /** The header has been checked against the certificate. */
  readonly onHead: (head: FinalHead, header: Readonly<Record<string, unknown>>) => void;
  /** What it was told of is contradicted: it hears no more. */
  readonly onFallen: () => void;
}

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
    readonly checkHead: CheckHead;
    readonly reportFailure: ReportFailure;
  },
  options: { readonly rollupId: bigint },
): HeadFeed {
  const { view, pool, readHead, checkHead, reportFailure } = dependencies;
  /** With the head that each was told of last. */
  const listeners = new Map<HeadListener, FinalHead | null>();
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
      if (!head.ok) {
        if (head.code === "contradicted") endAll();
        return;
      }
      const areSound = await endFallen();
      if (head.number <= told || (areSound && (await tell(head)))) return;
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }

  /** False where no node gives the block now. */
  async function tell(head: FinalHead): Promise<boolean> {
    const params = JSON.stringify([head.hash, false]);
    const read = await pool.readBlock(head, { method: "eth_getBlockByHash", params });
    if (!read.ok) return false;
    told = head.number;
    const header = toCertifiedHeader(read.block, head);
    for (const listener of [...listeners.keys()]) {
      listeners.set(listener, head);
      listener.onHead(head, header);
    }
    return true;
  }

  function endAll(): void {
    for (const listener of [...listeners.keys()]) end(listener);
  }

  /** Ends whoever was told of a head that has fallen; false where nobody knows that now. */
  async function endFallen(): Promise<boolean> {
    const known = new Map<string, Awaited<ReturnType<CheckHead>>>();
    for (const [listener, last] of [...listeners]) {
      if (last === null) continue;
      const standing = known.get(last.hash) ?? (await checkHead(last));
      known.set(last.hash, standing);
      if (standing === "unknown") return false;
      if (standing === "fallen") end(listener);
    }
    return true;
  }

  function end(listener: HeadListener): void {
    leave(listener);
    listener.onFallen();
  }

  function leave(listener: HeadListener): void {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    unsubscribe?.();
    unsubscribe = null;
  }

  return {
    listen(listener, last) {
      listeners.set(listener, last);
      if (unsubscribe === null) start();
      return () => leave(listener);
    },
    stop() {
      listeners.clear();
      unsubscribe?.();
      unsubscribe = null;
    },
  };
}
