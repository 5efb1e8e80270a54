import { addressOf, eventSchemas, parseDocument } from "@mach/api";
import type { Certificate } from "@mach/core";
import type { FinalityAnswer } from "./answers.ts";
import type { Endpoint } from "./endpoints.ts";
import { pause, readEvents, type ServerEvent } from "./event-source.ts";

export interface WatchOptions {
  readonly pollMs: number;
  readonly signal: AbortSignal | undefined;
  readonly fetch: typeof globalThis.fetch;
}

export interface WatchQuestion {
  readonly rollupId: bigint;
  /** Asks every endpoint. */
  readonly read: () => Promise<FinalityAnswer>;
  /** Checks a pushed certificate; the answer is the rollup's, as this client knows it then. */
  readonly take: (certificate: Certificate, endpoint: string) => Promise<FinalityAnswer | null>;
}

/** Twice the heartbeat of a node, and some. */
const IDLE_MS = 45_000;
const RETRY_MS = 1_000;
/** No endpoint can have this client check, or poll, more often than this. */
const BREATH_MS = 50;
const GAP_POLL_MS = 1_000;
/** While events come, polling only finds what a stream was not told. */
const CALM_POLLS = 10;

interface Pushed {
  readonly endpoint: string;
  readonly data: string;
}

/**
 * The rollup's verified head each time that it rises, and every change of what it is otherwise.
 * Events of any endpoint are but hints to check; while no stream is open it polls. Ends with the
 * signal, or when the reader leaves.
 */
export async function* watchFinality(
  endpoints: readonly Endpoint[],
  question: WatchQuestion,
  options: WatchOptions,
): AsyncGenerator<FinalityAnswer, void, void> {
  const end = new AbortController();
  const signals = options.signal === undefined ? [end.signal] : [options.signal, end.signal];
  const signal = AbortSignal.any(signals);
  const feed = createFeed(endpoints, question.rollupId, { ...options, signal });
  let last: FinalityAnswer | null = null;
  try {
    let polled = 0;
    while (!signal.aborted) {
      const answers = polled === 0 || feed.isDue() ? [await question.read()] : [];
      if (answers.length > 0) feed.polled();
      polled += answers.length;
      for (const { endpoint, data } of feed.drain()) {
        const certificate = certificateOf(data);
        const taken = certificate && (await question.take(certificate, endpoint));
        if (taken) answers.push(taken);
      }
      for (const answer of answers) {
        if (signal.aborted || !isNews(last, answer)) continue;
        last = answer;
        yield answer;
      }
      await feed.wake(signal);
    }
  } finally {
    end.abort();
  }
}

interface Feed {
  /** The newest certificate that each endpoint has pushed since the last time. */
  drain(): readonly Pushed[];
  isDue(): boolean;
  polled(): void;
  /** Until something was pushed, or it is time to poll. */
  wake(signal: AbortSignal): Promise<void>;
}

function createFeed(
  endpoints: readonly Endpoint[],
  rollupId: bigint,
  options: Omit<WatchOptions, "signal"> & { readonly signal: AbortSignal },
): Feed {
  const { fetch, pollMs, signal } = options;
  const newest = new Map<string, string>();
  const open = new Set<string>();
  let mustPoll = false;
  let lastPoll = 0;
  let awake = new AbortController();

  function receive(endpoint: string, event: ServerEvent): void {
    // Only the newest of a flood is checked: its height makes the others old.
    if (event.name === "certificate") newest.set(endpoint, event.data);
    else if (event.name === "gap") mustPoll = true;
    else return;
    awake.abort();
  }

  for (const { url } of endpoints) {
    const address = addressOf("events", { topics: ["certificate"], rollupId });
    const source = {
      url: new URL(address, url),
      fetch,
      signal,
      idleMs: IDLE_MS,
      retryMs: RETRY_MS,
    };
    void readEvents(source, {
      onEvent: (event) => receive(url, event),
      onOpen(isOpen) {
        if (isOpen) open.add(url);
        else open.delete(url);
      },
    });
  }

  return {
    drain() {
      const pushed = [...newest].map(([endpoint, data]) => ({ endpoint, data }));
      newest.clear();
      return pushed;
    },
    isDue() {
      const calmMs = open.size === endpoints.length ? CALM_POLLS * pollMs : pollMs;
      const everyMs = mustPoll ? Math.min(GAP_POLL_MS, calmMs) : calmMs;
      return performance.now() - lastPoll >= everyMs;
    },
    polled() {
      mustPoll = false;
      lastPoll = performance.now();
    },
    async wake(signal) {
      await pause(BREATH_MS, signal);
      if (newest.size > 0) return;
      awake = new AbortController();
      const ms = mustPoll ? Math.min(GAP_POLL_MS, pollMs) : pollMs;
      await pause(ms, AbortSignal.any([signal, awake.signal]));
    },
  };
}

/** The certificate in an event's data, or null: what is malformed is no news. */
function certificateOf(data: string): Certificate | null {
  try {
    const parsed = parseDocument(eventSchemas.certificate, JSON.parse(data));
    return parsed.ok ? parsed.value.data : null;
  } catch {
    // An endpoint can push any text.
    return null;
  }
}

/** A head that rose, or another status or code: a head that an endpoint forgot is none. */
function isNews(last: FinalityAnswer | null, next: FinalityAnswer): boolean {
  if (last === null || last.status !== next.status) return true;
  if (next.status === "fast-final" && last.status === "fast-final") {
    return next.block.blockNumber > last.block.blockNumber;
  }
  return "code" in last && "code" in next && last.code !== next.code;
}
