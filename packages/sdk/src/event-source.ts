/** One server-sent event. */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

export interface EventSourceOptions {
  readonly url: URL;
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal;
  /** How long a stream may be silent, heartbeats included, before it is given up. */
  readonly idleMs: number;
  /** Milliseconds before the first new attempt; doubled for each one after it. */
  readonly retryMs: number;
}

export interface EventHandlers {
  readonly onEvent: (event: ServerEvent) => void;
  /**
   * A stream has told something, or has ended: without one, only polling tells. A proxy that keeps
   * what a node sends to itself opens nothing.
   */
  readonly onOpen: (isOpen: boolean) => void;
}

const MAX_EVENT_CHARACTERS = 1_048_576;
const MAX_RETRY_MS = 30_000;

/**
 * Reads server-sent events (HTML standard, section 9.2) until the signal aborts. It comes back
 * with Last-Event-ID after every ending, later each time that nothing came. Never rejects.
 */
export async function readEvents(
  options: EventSourceOptions,
  handlers: EventHandlers,
): Promise<void> {
  const { signal, retryMs } = options;
  let lastEventId: string | null = null;
  let failures = 0;
  while (!signal.aborted) {
    const parser = createEventParser((event, id) => {
      failures = 0;
      if (id !== null) lastEventId = id;
      handlers.onEvent(event);
    });
    try {
      await readStream(options, { lastEventId, parser, handlers });
    } catch {
      // Any ending of a stream is the same: it is opened again.
    }
    handlers.onOpen(false);
    await pause(Math.min(retryMs * 2 ** failures, MAX_RETRY_MS), signal);
    failures = Math.min(failures + 1, 16);
  }
}

interface EventParser {
  push(text: string): void;
}

/** Cuts a stream's text into events. Throws a RangeError for one that does not end. */
export function createEventParser(
  onEvent: (event: ServerEvent, id: string | null) => void,
): EventParser {
  let rest = "";
  let name = "";
  let data: string[] = [];
  let id: string | null = null;
  let size = 0;

  function dispatch(): void {
    if (data.length > 0) onEvent({ name: name || "message", data: data.join("\n") }, id);
    name = "";
    data = [];
    size = 0;
  }

  function take(line: string): void {
    size += line.length;
    if (size > MAX_EVENT_CHARACTERS) throw new RangeError("an event without end");
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  }

  return {
    push(text) {
      const lines = (rest + text).split(/\r\n|\n/);
      rest = lines.pop() ?? "";
      if (rest.length > MAX_EVENT_CHARACTERS) throw new RangeError("a line without end");
      for (const line of lines) {
        if (line === "") dispatch();
        else take(line);
      }
    },
  };
}

async function readStream(
  options: EventSourceOptions,
  state: {
    readonly lastEventId: string | null;
    readonly parser: EventParser;
    readonly handlers: EventHandlers;
  },
): Promise<void> {
  const { url, fetch, signal, idleMs } = options;
  const { lastEventId, parser, handlers } = state;
  const idle = new AbortController();
  let timer = setTimeout(() => idle.abort(), idleMs);
  try {
    const response = await fetch(url, {
      headers: {
        accept: "text/event-stream",
        ...(lastEventId === null ? {} : { "last-event-id": lastEventId }),
      },
      credentials: "omit",
      signal: AbortSignal.any([signal, idle.signal]),
    });
    const reader = response.body?.getReader();
    if (response.status !== 200 || reader === undefined) {
      await reader?.cancel();
      return;
    }
    const decoder = new TextDecoder();
    for (let isOpen = false; ; isOpen = true) {
      const { done, value } = await reader.read();
      if (done) return;
      if (!isOpen) handlers.onOpen(true);
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), idleMs);
      parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    clearTimeout(timer);
    idle.abort();
  }
}

/** Waits, or until the signal aborts. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
