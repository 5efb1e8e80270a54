import { type RpcFailureCode, WebSocketClient } from "@mach/rpc";
import { fault, type RpcFault } from "./errors.ts";

/** The subscriptions that a rollup's nodes push, each shared by all who ask for the same. */
export interface UpstreamFeeds {
  /** `onLost` comes at most once, when the node is gone: what it would have told is missing. */
  open(
    params: readonly unknown[],
    reader: FeedReader,
  ): Promise<{ readonly ok: true; readonly close: () => void } | RpcFault>;
  stop(): Promise<void>;
}

export interface FeedReader {
  /** The notification's result, as JSON. */
  readonly onEvent: (text: string) => void;
  readonly onLost: () => void;
}

export interface UpstreamFeedsOptions {
  readonly urls: readonly string[];
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  /** Of different subscriptions. */
  readonly maxFeeds: number;
}

interface Feed {
  readonly readers: Set<FeedReader>;
  readonly client: WebSocketClient;
}

/** They are kept for as long as somebody listens. */
const MAX_PARAMS_LENGTH = 65_536;
/** It is never made again: who listened is told that it is gone, and may ask anew. */
const NO_RETRY_MS = 2_147_483_647;

/**
 * One connection for each subscription: a flood in one, for which its node is dropped, is not
 * another's loss.
 */
export function createUpstreamFeeds(options: UpstreamFeedsOptions): UpstreamFeeds {
  const { urls, timeoutMs, maxResponseBytes } = options;
  const feeds = new Map<string, Promise<Feed | RpcFault>>();

  function end(key: string, feed: Feed): void {
    feeds.delete(key);
    void feed.client.close();
    for (const reader of [...feed.readers]) reader.onLost();
    feed.readers.clear();
  }

  async function start(key: string, params: readonly unknown[]): Promise<Feed | RpcFault> {
    const causes: string[] = [];
    for (const url of urls) {
      const feed = await connect(key, url, params);
      if (typeof feed !== "string") return feed;
      causes.push(feed);
    }
    return fault("upstream-unavailable", { causes });
  }

  /** A feed from one node, or why there is none. */
  async function connect(
    key: string,
    url: string,
    params: readonly unknown[],
  ): Promise<Feed | RpcFault | RpcFailureCode> {
    const readers = new Set<FeedReader>();
    let feed: Feed | null = null;
    let client: WebSocketClient | null = null;
    const limits = { timeoutMs, maxResponseBytes, maxInFlight: 2 };
    const pauses = { minBackoffMs: NO_RETRY_MS, maxBackoffMs: NO_RETRY_MS };
    const isOpen = await new Promise<boolean>((resolve) => {
      client = new WebSocketClient(
        { url, ...limits, ...pauses },
        {
          onOpen: () => resolve(true),
          onLost() {
            resolve(false);
            if (feed !== null) end(key, feed);
          },
        },
      );
    });
    const connected = client as WebSocketClient | null;
    if (connected === null) return "unreachable";
    const result = isOpen
      ? await connected.subscribe(params, (event) => {
          const text = JSON.stringify(event ?? null);
          for (const reader of readers) reader.onEvent(text);
        })
      : null;
    if (result?.ok) {
      feed = { readers, client: connected };
      return feed;
    }
    await connected.close();
    return result?.code ?? "unreachable";
  }

  return {
    async open(params, reader) {
      const key = JSON.stringify(params);
      if (key.length > MAX_PARAMS_LENGTH) return fault("invalid-params");
      let starting = feeds.get(key);
      if (starting === undefined) {
        if (feeds.size >= options.maxFeeds) return fault("too-many-subscriptions");
        starting = start(key, params);
        feeds.set(key, starting);
      }
      const feed = await starting;
      if ("code" in feed) {
        if (feeds.get(key) === starting) feeds.delete(key);
        return feed;
      }
      // The last reader may have left, or the node, while this one waited.
      if (feeds.get(key) !== starting) return fault("upstream-unavailable");
      feed.readers.add(reader);
      return {
        ok: true,
        close() {
          feed.readers.delete(reader);
          if (feed.readers.size === 0 && feeds.get(key) === starting) end(key, feed);
        },
      };
    },
    async stop() {
      const all = await Promise.all(feeds.values());
      feeds.clear();
      for (const feed of all) if (!("code" in feed)) await feed.client.close();
    },
  };
}
