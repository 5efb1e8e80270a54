import { type Client, type ClientResult, createClient, type DocumentRouteId } from "@mach/api";
import { SdkError } from "./errors.ts";

/** One endpoint of the API, by the URL that names it in answers. */
export interface Endpoint {
  readonly url: string;
  readonly client: Client;
}

/** What an endpoint said, as far as this client could make something of it. */
export interface EndpointReport {
  readonly endpoint: string;
  /** `verified`, or the code of what was wrong or missing with its answer. */
  readonly code: string;
}

export interface EndpointOptions {
  readonly timeoutMs: number;
  /** How long the others are waited for once one answer decides, milliseconds. */
  readonly compareMs: number;
  readonly fetch: typeof globalThis.fetch;
}

/** The most endpoints that are asked. */
const MAX_ENDPOINTS = 16;

/** A client for each of the endpoints. Throws for none, too many, twice the same, and no URL. */
export function createEndpoints(
  urls: readonly string[],
  options: EndpointOptions,
): readonly Endpoint[] {
  if (urls.length === 0 || urls.length > MAX_ENDPOINTS) {
    throw new SdkError("bad-option", `endpoints must be 1 to ${MAX_ENDPOINTS} URLs`);
  }
  const origins = urls.map(checkOrigin);
  if (new Set(origins).size !== origins.length) {
    throw new SdkError("bad-option", "endpoints: the same URL twice is one voice, not two");
  }
  const { timeoutMs, fetch } = options;
  return origins.map((url) => ({ url, client: createClient({ baseUrl: url, timeoutMs, fetch }) }));
}

/** The origin that a URL is, with a slash at the end. Throws for what is none, or more. */
export function checkOrigin(url: string): string {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new SdkError("bad-option", `endpoints: ${url} is no http or https URL`);
  }
  const { pathname, search, hash, username, password, href } = new URL(url);
  // Routes start at the root, and a URL is repeated in answers: it holds no secret.
  if (pathname !== "/" || `${search}${hash}${username}${password}` !== "") {
    throw new SdkError("bad-option", "endpoints: only scheme, host and port are taken");
  }
  return href;
}

/**
 * Asks every endpoint at once. Once an answer decides, the others have `compareMs` to say
 * something else: waiting for them shows a contradiction, and a silent one delays no more.
 */
export async function askAll<Id extends DocumentRouteId, T>(
  endpoints: readonly Endpoint[],
  question: {
    readonly ask: (client: Client) => Promise<ClientResult<Id>>;
    readonly judge: (result: ClientResult<Id>, endpoint: Endpoint) => Promise<T>;
    readonly isDecisive: (judged: T) => boolean;
    readonly compareMs: number;
  },
): Promise<readonly T[]> {
  const { ask, judge, isDecisive, compareMs } = question;
  const answers: T[] = [];
  let patience: ReturnType<typeof setTimeout> | undefined;
  await new Promise<void>((resolve, reject) => {
    let open = endpoints.length;
    const settle = async (endpoint: Endpoint): Promise<void> => {
      const judged = await judge(await ask(endpoint.client), endpoint);
      answers.push(judged);
      open -= 1;
      if (open === 0) resolve();
      else if (isDecisive(judged)) patience ??= setTimeout(resolve, compareMs);
    };
    for (const endpoint of endpoints) settle(endpoint).catch(reject);
  });
  clearTimeout(patience);
  return [...answers];
}
