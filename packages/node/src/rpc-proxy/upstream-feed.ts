import { type RpcFailureCode, WebSocketClient } from "@mach/rpc";

/** One subscription of a node, over a connection of its own. */
export interface UpstreamFeed {
  /** Who hears of it. */
  readonly readers: Set<FeedReader>;
  close(): Promise<void>;
}

export interface FeedReader {
  /** The notification's result, as JSON. */
  readonly onEvent: (text: string) => void;
  readonly onLost: () => void;
}

export interface UpstreamFeedOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
}

/** A connection whose other end has gone may be silent for ever, as a chain without blocks is. */
const BEAT_MS = 15_000;
/** It is never made again: who listened is told that it is gone, and may ask anew. */
const NO_RETRY_MS = 2_147_483_647;

/** Subscribes at a node, or says why not. `onLost` comes when the connection is gone. */
export async function connectFeed(
  params: readonly unknown[],
  options: UpstreamFeedOptions,
  onLost: (feed: UpstreamFeed) => void,
): Promise<UpstreamFeed | RpcFailureCode> {
  let feed: UpstreamFeed | null = null;
  const { client, isOpen } = await connect(options, () => {
    if (feed !== null) onLost(feed);
  });
  const readers = new Set<FeedReader>();
  const tell = (event: unknown): void => {
    const text = JSON.stringify(event ?? null);
    for (const reader of readers) reader.onEvent(text);
  };
  const result = isOpen ? await client.subscribe(params, tell) : null;
  if (!result?.ok) {
    await client.close();
    return result?.code ?? "unreachable";
  }
  const made: UpstreamFeed = {
    readers,
    close() {
      clearInterval(heartbeat);
      return client.close();
    },
  };
  const heartbeat = setInterval(() => {
    void client.call("eth_chainId", []).then((answer) => {
      const isThere = answer.ok || answer.code === "rpc-error" || answer.code === "busy";
      if (!isThere && answer.code !== "stopped") onLost(made);
    });
  }, BEAT_MS);
  heartbeat.unref();
  feed = made;
  return made;
}

function connect(
  { url, timeoutMs, maxResponseBytes }: UpstreamFeedOptions,
  onLost: () => void,
): Promise<{ readonly client: WebSocketClient; readonly isOpen: boolean }> {
  const pauses = { minBackoffMs: NO_RETRY_MS, maxBackoffMs: NO_RETRY_MS };
  const limits = { timeoutMs, maxResponseBytes, maxInFlight: 2 };
  return new Promise((resolve) => {
    const client = new WebSocketClient(
      { url, ...limits, ...pauses },
      {
        onOpen: () => resolve({ client, isOpen: true }),
        onLost() {
          resolve({ client, isOpen: false });
          onLost();
        },
      },
    );
  });
}
