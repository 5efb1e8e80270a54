import { fault, type RpcFault } from "./errors.ts";
import { connectFeed, type FeedReader, type UpstreamFeed } from "./upstream-feed.ts";

/** The subscriptions that a rollup's nodes push, each shared by all who ask for the same. */
export interface UpstreamFeeds {
  /** `onLost` comes at most once, when the node is gone: what it would have told is missing. */
  open(
    params: readonly unknown[],
    reader: FeedReader,
  ): Promise<{ readonly ok: true; readonly close: () => void } | RpcFault>;
  /** What is being connected closes as soon as it is. */
  stop(): void;
}

export interface UpstreamFeedsOptions {
  readonly urls: readonly string[];
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  /** Of different subscriptions. */
  readonly maxFeeds: number;
}

type Started = { readonly ok: true; readonly feed: UpstreamFeed } | RpcFault;

/** They are kept for as long as somebody listens. */
const MAX_PARAMS_LENGTH = 65_536;

/**
 * One connection for each subscription: a flood in one, for which its node is dropped, is not
 * another's loss.
 */
export function createUpstreamFeeds(options: UpstreamFeedsOptions): UpstreamFeeds {
  const { urls, ...limits } = options;
  const feeds = new Map<string, Promise<Started>>();

  function end(key: string, feed: UpstreamFeed): void {
    feeds.delete(key);
    void feed.close();
    for (const reader of [...feed.readers]) reader.onLost();
    feed.readers.clear();
  }

  async function start(key: string, params: readonly unknown[]): Promise<Started> {
    const causes: string[] = [];
    for (const url of urls) {
      const feed = await connectFeed(params, { url, ...limits }, (lost) => end(key, lost));
      if (typeof feed !== "string") return { ok: true, feed };
      causes.push(feed);
    }
    return fault("upstream-unavailable", { causes });
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
      const started = await starting;
      if (!started.ok) {
        if (feeds.get(key) === starting) feeds.delete(key);
        return started;
      }
      // The last reader may have left, or the node, while this one waited.
      if (feeds.get(key) !== starting) return fault("upstream-unavailable");
      const { feed } = started;
      feed.readers.add(reader);
      return {
        ok: true,
        close() {
          feed.readers.delete(reader);
          if (feed.readers.size === 0 && feeds.get(key) === starting) end(key, feed);
        },
      };
    },
    stop() {
      for (const starting of feeds.values()) {
        void starting.then(async (each) => {
          if (each.ok) await each.feed.close();
        });
      }
      feeds.clear();
    },
  };
}
