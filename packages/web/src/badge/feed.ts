import { readEvents } from "@mach/sdk";
import { decimal } from "./said.ts";
import { readText } from "./shared-fetch.ts";
import { withinMs } from "./time-limit.ts";

/** What an endpoint says of a rollup's head: only a reason to ask again. */
export interface Hint {
  readonly rollupId: bigint;
  /** The height up to which it calls the rollup fast-final; null where it names none. */
  readonly fastFinal: bigint | null;
  readonly isContradicted: boolean;
}

/** The hints of one endpoint, by one connection for all badges of a page. */
export interface Feed {
  /** Tells of a rollup until the function that it gives is called. */
  follow(rollupId: bigint, onHint: (hint: Hint) => void): () => void;
  /** Opens its connection where the page is seen, and closes it where it is not. */
  look(): void;
  /** Leaves its connection to others for a while, in which badges ask without hints. */
  giveWay(): void;
}

export interface FeedPorts {
  readonly fetch: typeof globalThis.fetch;
  readonly isHidden: () => boolean;
}

/** Twice the heartbeat of a node, and some. */
const IDLE_MS = 45_000;
const RETRY_MS = 500;
/** All badges of a page are connected before a stream is opened. */
const GATHER_MS = 20;
/** How long a stream may take to open before answers are waited for as well. */
const STREAM_PATIENCE_MS = 1_000;
const WAIT_SECONDS = 20;
const [LEAST_PAUSE_MS, MOST_PAUSE_MS] = [300, 15_000];
const MAX_HINT_BYTES = 1_048_576;
/** At least so long, and up to twice: pages that gave way together do not come back together. */
const GIVE_WAY_MS = 20_000;

/** Follows one endpoint by server-sent events, and by answers that are waited for without them. */
export function createFeed(endpoint: string, ports: FeedPorts): Feed {
  return new EndpointFeed(endpoint, ports);
}

class EndpointFeed implements Feed {
  readonly #endpoint: string;
  readonly #ports: FeedPorts;
  readonly #followers = new Map<bigint, Set<(hint: Hint) => void>>();
  #end = new AbortController();
  /** Whether a connection is open, or on its way. */
  #isConnected = false;
  #isOpen = false;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #givingWay: ReturnType<typeof setTimeout> | undefined;

  constructor(endpoint: string, ports: FeedPorts) {
    this.#endpoint = endpoint;
    this.#ports = ports;
  }

  follow(rollupId: bigint, onHint: (hint: Hint) => void): () => void {
    const known = this.#followers.get(rollupId) ?? new Set();
    if (known.size === 0) this.#changed();
    this.#followers.set(rollupId, known.add(onHint));
    return () => {
      known.delete(onHint);
      if (known.size > 0 || this.#followers.get(rollupId) !== known) return;
      this.#followers.delete(rollupId);
      this.#changed();
    };
  }

  look(): void {
    if (this.#isConnected === this.#ports.isHidden()) this.#changed();
  }

  giveWay(): void {
    if (!this.#isConnected) return;
    this.#close();
    const ms = GIVE_WAY_MS * (1 + Math.random());
    this.#givingWay = setTimeout(() => {
      this.#givingWay = undefined;
      this.#changed();
    }, ms);
  }

  #changed(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#open();
    }, GATHER_MS);
  }

  /** One stream whatever the number of rollups: browsers open six connections to an origin. */
  #open(): void {
    this.#close();
    const { signal } = this.#end;
    const rollups = [...this.#followers.keys()];
    const [only] = rollups;
    if (only === undefined) {
      clearTimeout(this.#givingWay);
      this.#givingWay = undefined;
      return;
    }
    // A page that nobody sees needs no hint, and a browser has few connections to a host.
    if (this.#givingWay !== undefined || this.#ports.isHidden()) return;
    this.#isConnected = true;
    const url = new URL("/v1/events?topics=finality", this.#endpoint);
    if (rollups.length === 1) url.searchParams.set("rollupId", `${only}`);
    void readEvents(
      { url, fetch: this.#ports.fetch, signal, idleMs: IDLE_MS, retryMs: RETRY_MS },
      {
        onEvent: ({ data }) => this.#tell(hintOf(data)),
        onOpen: (isOpen) => {
          if (signal.aborted) return;
          this.#isOpen = isOpen;
          // What came while no stream was open was not heard.
          for (const rollupId of isOpen ? rollups : []) {
            this.#tell({ rollupId, fastFinal: null, isContradicted: false });
          }
        },
      },
    );
    for (const rollupId of rollups) void this.#waitInstead(rollupId, signal);
  }

  #close(): void {
    this.#end.abort();
    this.#end = new AbortController();
    this.#isConnected = false;
    this.#isOpen = false;
  }

  #tell(hint: Hint | null): void {
    if (hint === null) return;
    for (const onHint of this.#followers.get(hint.rollupId) ?? []) onHint(hint);
  }

  /** Asks for the next head while no stream is open. Never rejects. */
  async #waitInstead(rollupId: bigint, signal: AbortSignal): Promise<void> {
    let head: bigint | null = null;
    let pauseMs = STREAM_PATIENCE_MS;
    while (!signal.aborted) {
      await sleep(pauseMs, signal);
      if (this.#isOpen || signal.aborted) {
        pauseMs = STREAM_PATIENCE_MS;
        continue;
      }
      const began = performance.now();
      const hint = await this.#askHead({ rollupId, head, signal });
      const isHigher = hint !== null && hint.fastFinal !== null && hint.fastFinal > (head ?? -1n);
      // An answer that was held is a good one, and so is a new head. Whoever answers anything else
      // at once is asked less and less often.
      const isHeld = performance.now() - began > STREAM_PATIENCE_MS;
      pauseMs = isHeld || isHigher ? LEAST_PAUSE_MS : Math.min(2 * pauseMs, MOST_PAUSE_MS);
      if (isHigher) head = hint.fastFinal;
      this.#tell(hint);
    }
  }

  /** The head as it is, or the next above one that is known; null where none came. */
  async #askHead(question: {
    readonly rollupId: bigint;
    readonly head: bigint | null;
    readonly signal: AbortSignal;
  }): Promise<Hint | null> {
    const { rollupId, head, signal } = question;
    const url = new URL(`/v1/rollups/${rollupId}/finality`, this.#endpoint);
    if (head !== null) {
      url.searchParams.set("minBlockNumber", `${head + 1n}`);
      url.searchParams.set("wait", `${WAIT_SECONDS}`);
    }
    try {
      return await withinMs((WAIT_SECONDS + 5) * 1_000, async (late) => {
        const init = { cache: "no-store", credentials: "omit" } as const;
        const both = AbortSignal.any([signal, late]);
        const response = await this.#ports.fetch(url, { ...init, signal: both });
        const text = await readText(response, MAX_HINT_BYTES);
        return response.status === 200 ? hintOf(text) : null;
      });
    } catch {
      // The network's failures are no news: it is asked again, later each time.
      return null;
    }
  }
}

/** The hint in a finality document; null for any other text. */
function hintOf(text: string): Hint | null {
  try {
    const { data } = JSON.parse(text);
    const { rollupId, fastFinal, reason } = data;
    return {
      rollupId: decimal(rollupId),
      fastFinal: fastFinal === null ? null : decimal(fastFinal.blockNumber),
      isContradicted: reason?.code === "contradicted",
    };
  } catch {
    // An endpoint can push any text.
    return null;
  }
}

/** Waits, or until the signal aborts. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
