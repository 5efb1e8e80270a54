import { withinMs } from "./time-limit.ts";

type Fetch = typeof globalThis.fetch;

/** The longest that a read may take. */
export const READ_TIMEOUT_MS = 5_000;
/** The most bytes of one answer; a batch may hold 32 answers. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_BATCH = 32;
/** Long enough for all badges that one event wakes. */
const GATHER_MS = 4;
/** Who asks later gets an answer of its own: the other may be older than its reason to ask. */
const SHARED_MS = 20;
/** How long an origin that takes no batches is read one by one. */
const NO_BATCH_MS = 300_000;

interface Answer {
  readonly status: number;
  readonly text: string;
}

const NO_ANSWER: Answer = { status: 500, text: "" };

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * A `fetch` that asks each address of an API once for all who ask at one moment, and many blocks of
 * one origin by one request. Only the statuses of blocks are put together: those of transactions may
 * take their time, and would hold the others up. Everything else passes as it is.
 */
export function createSharedFetch(dependencies: {
  readonly fetch: Fetch;
  /** Milliseconds, by a clock that never goes back. */
  readonly now: () => number;
}): Fetch {
  const { fetch, now } = dependencies;
  const open = new Map<string, { readonly answer: Promise<Answer>; readonly sinceMs: number }>();
  const gather = createGatherer(dependencies);

  function ask(url: URL): Promise<Answer> {
    const shared = open.get(url.href);
    const sinceMs = now();
    if (shared !== undefined && sinceMs - shared.sinceMs < SHARED_MS) return shared.answer;
    const isBlock = /^\/v1\/rollups\/\d+\/blocks\/\w+$/.test(url.pathname);
    const asked = { answer: isBlock ? gather(url) : readOne(fetch, url), sinceMs };
    open.set(url.href, asked);
    const close = (): void => {
      if (open.get(url.href) === asked) open.delete(url.href);
    };
    asked.answer.then(close, close);
    return asked.answer;
  }

  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const isRead = (init?.method ?? "GET") === "GET" && !url.searchParams.has("wait");
    if (!isRead || !url.pathname.startsWith("/v1/") || url.pathname === "/v1/events") {
      return await fetch(input, init);
    }
    const { status, text } = await ask(url);
    return new Response(text, { status });
  };
}

/** Reads by batches what is asked of one origin within a moment. */
function createGatherer(dependencies: {
  readonly fetch: Fetch;
  readonly now: () => number;
}): (url: URL) => Promise<Answer> {
  const { fetch, now } = dependencies;
  const gathered = new Map<string, Map<string, Waiting>>();
  const unbatched = new Map<string, number>();

  async function readMany(origin: string, wanted: ReadonlyMap<string, Waiting>): Promise<void> {
    const paths = [...wanted.keys()];
    const oneByOne = (): void => {
      for (const [path, { resolve, reject }] of wanted) {
        readOne(fetch, new URL(path, origin)).then(resolve, reject);
      }
    };
    const isRefused = now() - (unbatched.get(origin) ?? Number.NEGATIVE_INFINITY) < NO_BATCH_MS;
    if (paths.length === 1 || isRefused) return oneByOne();
    try {
      const answers = await readBatch(fetch, origin, paths);
      if (answers === null) {
        // What stands before the API may let reads through alone.
        unbatched.set(origin, now());
        return oneByOne();
      }
      for (const [index, { resolve }] of [...wanted.values()].entries()) {
        resolve(answers[index] ?? NO_ANSWER);
      }
    } catch (cause) {
      for (const { reject } of wanted.values()) reject(cause);
    }
  }

  return ({ origin, pathname, search }) =>
    new Promise((resolve, reject) => {
      const wanted = gathered.get(origin) ?? new Map<string, Waiting>();
      if (wanted.size === 0) {
        gathered.set(origin, wanted);
        setTimeout(() => {
          if (gathered.get(origin) === wanted) gathered.delete(origin);
          void readMany(origin, wanted);
        }, GATHER_MS);
      }
      wanted.set(pathname + search, { resolve, reject });
      if (wanted.size === MAX_BATCH) gathered.delete(origin);
    });
}

async function readOne(fetch: Fetch, url: URL): Promise<Answer> {
  // A kept answer would be taken for news: it is asked for again, and costs no body if it is the same.
  const init = { cache: "no-cache", credentials: "omit" } as const;
  return await withinMs(READ_TIMEOUT_MS, async (signal) => {
    const response = await fetch(url, { ...init, signal });
    return { status: response.status, text: await readText(response) };
  });
}

/** An answer for each path, or null where it is no batch of this API. */
async function readBatch(
  fetch: Fetch,
  origin: string,
  paths: readonly string[],
): Promise<readonly Answer[] | null> {
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ requests: paths }),
    credentials: "omit",
  } as const;
  const { status, text } = await withinMs(READ_TIMEOUT_MS, async (signal) => {
    const response = await fetch(new URL("/v1/batch", origin), { ...init, signal });
    return { status: response.status, text: await readText(response) };
  });
  if (status !== 200) return null;
  try {
    const { data } = JSON.parse(text) as { readonly data: readonly unknown[] };
    return data.length === paths.length ? data.map(readItem) : null;
  } catch {
    // An endpoint can answer any text.
    return null;
  }
}

function readItem(item: unknown): Answer {
  const { status, body } = item as { readonly status: unknown; readonly body: unknown };
  const isObject = typeof body === "object" && body !== null;
  if (typeof status !== "number" || !isObject) throw new TypeError("another batch");
  return { status, text: JSON.stringify(body) };
}

/** Reads a body as text; throws for one that is too long or no UTF-8. */
export async function readText(
  response: Response,
  most: number = MAX_ANSWER_BYTES,
): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = response.body?.getReader();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > most) {
      await reader?.cancel();
      throw new RangeError("the answer is too long");
    }
    text += decoder.decode(value, { stream: true });
  }
}
