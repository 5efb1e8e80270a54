import { randomBytes } from "node:crypto";
import { toHex } from "@mach/core";
import { mentionsTag } from "@mach/rpc";
import type { SubscriptionDesk } from "./call-router.ts";
import { type CallAnswer, fault, type RpcFault, resultAnswer } from "./errors.ts";
import type { FinalHead, ReadHead } from "./final-head.ts";
import { followFinalLogs } from "./final-log-feed.ts";
import type { HeadFeed } from "./head-feed.ts";
import { endsWithFinal, readFinalFilter } from "./log-range.ts";
import type { UpstreamFeeds } from "./upstream-feeds.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

export interface Subscriptions extends SubscriptionDesk {
  /** Pushes from now on what an answer, which was sent, has told the client of. */
  activate(answer: string): void;
  /** Ends all of them. */
  close(): void;
}

interface Subscription {
  /** Before the client has its id nothing is pushed under it. */
  isActive: boolean;
  readonly close: () => void;
}

interface Started {
  readonly ok: true;
  readonly close: () => void;
}

/** The subscriptions of one connection. */
export function createSubscriptions(
  dependencies: {
    readonly pool: UpstreamPool;
    readonly heads: HeadFeed;
    readonly feeds: UpstreamFeeds;
    readonly tags: ReadonlySet<string>;
    /** Sends a notification. */
    readonly push: (text: string) => void;
    /** The client has missed something: it must see that. */
    readonly onLost: () => void;
    /** The client was told of what is contradicted: it must see that too. */
    readonly onFallen: () => void;
  },
  options: { readonly maxSubscriptions: number },
): Subscriptions {
  const { heads, feeds, tags, push, onLost, onFallen } = dependencies;
  const open = new Map<string, Subscription>();
  let opening = 0;
  let isClosed = false;

  function pushUnder(id: string, text: string): void {
    if (open.get(id)?.isActive !== true) return;
    push(
      `{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"${id}","result":${text}}}`,
    );
  }

  /** It waits for the first head; but not while L1 alone decides. */
  async function startHeads(id: string, readHead: ReadHead): Promise<Started | RpcFault> {
    const head = await readHead();
    if (!head.ok && head.code === "contradicted") return head;
    const onHead = (_: FinalHead, header: object): void => pushUnder(id, JSON.stringify(header));
    return { ok: true, close: heads.listen({ onHead, onFallen }, head.ok ? head : null) };
  }

  async function start(
    id: string,
    params: readonly unknown[],
    readHead: ReadHead,
  ): Promise<Started | RpcFault> {
    const [kind, filter] = params;
    if (typeof kind !== "string") return fault("invalid-params");
    if (kind === "fastFinalHeads") {
      return params.length > 1 ? fault("invalid-params") : await startHeads(id, readHead);
    }
    if (kind === "logs" && endsWithFinal(filter, tags)) {
      const head = await readHead();
      if (!head.ok) return head;
      const logs = readFinalFilter(filter, { tags, head });
      if (!logs.ok) return logs;
      const isWanted = (): boolean => open.get(id)?.isActive === true;
      const onLog = (log: unknown): void => pushUnder(id, JSON.stringify(log));
      const close = followFinalLogs(dependencies, { logs, head }, { isWanted, onLog });
      return { ok: true, close };
    }
    if (mentionsTag(params, tags)) return fault("unsupported-tag");
    return await feeds.open(params, { onEvent: (text) => pushUnder(id, text), onLost });
  }

  return {
    async subscribe(params, { readHead, deadlineMs }) {
      if (open.size + opening >= options.maxSubscriptions) return fault("too-many-subscriptions");
      opening += 1;
      try {
        const id = toHex(randomBytes(16));
        const started = await start(id, params, readHead);
        if (!started.ok) return started;
        // The client may have left meanwhile, or been told that it took too long.
        if (isClosed || performance.now() >= deadlineMs) {
          started.close();
          return fault("timeout");
        }
        open.set(id, { isActive: false, close: started.close });
        return resultAnswer(id);
      } finally {
        opening -= 1;
      }
    },
    unsubscribe([id]): CallAnswer | RpcFault {
      const found = typeof id === "string" ? open.get(id.toLowerCase()) : undefined;
      if (found === undefined) return fault("subscription-not-found");
      open.delete(String(id).toLowerCase());
      found.close();
      return resultAnswer(true);
    },
    activate(answer) {
      for (const [id, subscription] of open) {
        if (!subscription.isActive && answer.includes(id)) subscription.isActive = true;
      }
    },
    close() {
      isClosed = true;
      for (const { close } of open.values()) close();
      open.clear();
    },
  };
}
