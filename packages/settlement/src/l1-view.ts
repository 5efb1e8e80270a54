import { type Hex, isHex } from "@mach/core";
import { createHttpClient, isObject, type RpcClient } from "@mach/rpc";

/** A block of the L1. */
export interface L1Block {
  readonly number: bigint;
  readonly hash: Hex;
  /** Seconds. */
  readonly timestamp: bigint;
}

export type L1ViewFailure =
  /** Fewer hosts than `requiredAgreement` gave an answer that can be used. Try again later. */
  | {
      readonly ok: false;
      readonly code: "l1-unavailable";
      readonly answered: number;
      readonly required: number;
    }
  /** A source is connected to another chain: a mistake in the configuration. */
  | { readonly ok: false; readonly code: "wrong-chain"; readonly chainId: bigint }
  /**
   * Two sources contradict each other about finalized state, or what was read of it before: one of
   * them is wrong or lies.
   */
  | { readonly ok: false; readonly code: "sources-disagree" };

export interface L1ViewOptions {
  /** Sources of the L1; those of one host are one source. */
  readonly rpcUrls: readonly string[];
  /** How many hosts have to give the same answer, 1 to all. */
  readonly requiredAgreement: number;
  readonly chainId: bigint;
  /** Of each call. */
  readonly timeoutMs: number;
  /** Of each call; 1 MiB where it is left out, ten times the largest operator set. */
  readonly maxResponseBytes?: number;
}

/** The state of the L1 at one finalized block, as several sources agree on it. */
export interface PinnedL1 {
  readonly block: L1Block;
  /** The returned bytes of a contract call at this block; "0x" where there is no contract. */
  call(request: { readonly to: Hex; readonly data: string }): Promise<L1CallResult>;
  /**
   * What enough hosts make `read` say alike, asked each by itself; null is no answer. What it asks
   * for has to be of finalized blocks: by the hash of `block`, or at or below its number.
   */
  read<T>(
    read: (call: L1Call) => Promise<T | null>,
    key: (value: T) => string,
  ): Promise<L1ReadResult<T>>;
}

/** One JSON-RPC call to one source; `number` is that of the node's error. Never rejects. */
export type L1Call = (method: string, params: readonly unknown[]) => Promise<L1CallAnswer>;

export type L1CallAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: "refused"; readonly number?: number }
  | { readonly ok: false; readonly code: "unavailable" };

export type L1ReadResult<T> = { readonly ok: true; readonly value: T } | L1ViewFailure;

export type L1CallResult = { readonly ok: true; readonly data: Hex } | L1ViewFailure;
export type PinResult = { readonly ok: true; readonly l1: PinnedL1 } | L1ViewFailure;

export interface L1View {
  pinFinalized(): Promise<PinResult>;
  /** Ends what is under way as `l1-unavailable`, and closes every connection. */
  close(): Promise<void>;
}

const DEFAULT_MAX_RESPONSE_BYTES = 1_048_576;
/** Of one source. A reader makes a few calls for an epoch; more than this are somebody's mistake. */
const MAX_IN_FLIGHT = 64;

/**
 * Reads finalized state of the L1 from several sources. Silent sources are tolerated down to
 * `requiredAgreement`; one that contradicts another is not, because finalized state has one truth,
 * which includes the block that was read last.
 * Throws a RangeError for options with which nothing could be read.
 */
export function createL1View(options: L1ViewOptions): L1View {
  const { requiredAgreement, rpcUrls, timeoutMs } = options;
  // Two keys of one provider say the same, and lie alike.
  const hosts = new Set(rpcUrls.map((url) => new URL(url).host));
  if (requiredAgreement < 1 || requiredAgreement > hosts.size) {
    throw new RangeError("requiredAgreement is 1 to the number of different hosts of rpcUrls");
  }
  const maxResponseBytes = options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES;
  const clients = [...new Set(rpcUrls)].map((url): Source => {
    const limits = { timeoutMs, maxResponseBytes, maxInFlight: MAX_IN_FLIGHT };
    return { host: new URL(url).host, client: createHttpClient({ url, ...limits }) };
  });

  let newest: L1Block | null = null;

  async function pinFinalized(): Promise<PinResult> {
    const heads = await Promise.all(clients.map(readHead));
    const reachable = heads.filter((head) => head !== null);
    const stranger = reachable.find((head) => head.chainId !== options.chainId);
    if (stranger !== undefined)
      return { ok: false, code: "wrong-chain", chainId: stranger.chainId };
    // The highest block that enough hosts have finalized: one that runs ahead or lags behind
    // alone moves nothing.
    const newestFirst = reachable.toSorted((left, right) =>
      left.finalized.number > right.finalized.number ? -1 : 1,
    );
    const ofHosts = new Map(newestFirst.toReversed().map((head) => [head.host, head]));
    const height = newestFirst
      .filter((head) => ofHosts.get(head.host) === head)
      .at(requiredAgreement - 1)?.finalized.number;
    if (height === undefined) return unavailable(ofHosts.size, requiredAgreement);
    const sources = reachable.filter((head) => head.finalized.number >= height);
    const blocks = await askAll(sources, ({ client, finalized }) =>
      finalized.number === height
        ? Promise.resolve(finalized)
        : readBlock(client, toQuantity(height)),
    );
    const agreed = agree(blocks, (block) => `${block.number} ${block.hash} ${block.timestamp}`);
    if (!agreed.ok) return agreed;
    if (agreed.value.number !== height) return unavailable(0, requiredAgreement);
    const pinned = sources.filter((_, index) => blocks[index]?.value !== null);
    const failure = await contradiction(pinned, agreed.value);
    if (failure !== null) return failure;
    if (newest === null || agreed.value.number > newest.number) newest = agreed.value;
    return { ok: true, l1: pin(pinned, agreed.value) };
  }

  /** What is final stays so: above another block at the newest height that was read, nothing is. */
  async function contradiction(
    sources: readonly Source[],
    block: L1Block,
  ): Promise<L1ViewFailure | null> {
    if (newest === null || block.number < newest.number) return null;
    const { number, hash } = newest;
    const kept =
      block.number === number
        ? ({ ok: true, value: block } as const)
        : agree(
            await askAll(sources, ({ client }) => readBlock(client, toQuantity(number))),
            (each) => each.hash,
          );
    if (!kept.ok) return kept;
    return kept.value.hash === hash ? null : { ok: false, code: "sources-disagree" };
  }

  function pin(sources: readonly Source[], block: L1Block): PinnedL1 {
    return {
      block,
      async call(request) {
        // By hash (EIP-1898), so that no source answers from another block of that number.
        const answers = await askAll(sources, async ({ client }) =>
          parseData(await ask(client, "eth_call", [request, { blockHash: block.hash }])),
        );
        const agreed = agree(answers, (data) => data);
        return agreed.ok ? { ok: true, data: agreed.value } : agreed;
      },
      async read(read, key) {
        return agree(await askAll(sources, ({ client }) => read(callOf(client))), key);
      },
    };
  }

  function agree<T>(answers: readonly Answer<T>[], key: (answer: T) => string): L1ReadResult<T> {
    return agreeOn(answers, { required: requiredAgreement, key });
  }

  return {
    pinFinalized,
    async close() {
      await Promise.all(clients.map(({ client }) => client.close()));
    },
  };
}

/** One endpoint, and what it counts as. */
interface Source {
  readonly host: string;
  readonly client: RpcClient;
}

interface Answer<T> {
  readonly host: string;
  /** Null where there is none that can be used. */
  readonly value: T | null;
}

function askAll<S extends Source, T>(
  sources: readonly S[],
  askOne: (source: S) => Promise<T | null>,
): Promise<readonly Answer<T>[]> {
  return Promise.all(
    sources.map(async (source) => ({ host: source.host, value: await askOne(source) })),
  );
}

/** The one answer that all give who give any, if they are enough hosts. */
function agreeOn<T>(
  answers: readonly Answer<T>[],
  rule: { readonly required: number; readonly key: (answer: T) => string },
): L1ReadResult<T> {
  const { required, key } = rule;
  const given = answers.flatMap(({ value }) => (value === null ? [] : [value]));
  const [first] = given;
  if (first === undefined) return unavailable(0, required);
  if (given.some((answer) => key(answer) !== key(first))) {
    return { ok: false, code: "sources-disagree" };
  }
  const hosts = new Set(answers.flatMap(({ host, value }) => (value === null ? [] : [host])));
  return hosts.size < required ? unavailable(hosts.size, required) : { ok: true, value: first };
}

function unavailable(answered: number, required: number): L1ViewFailure {
  return { ok: false, code: "l1-unavailable", answered, required };
}

/** The result of a call that reads; null where there is none. */
async function ask(
  client: RpcClient,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  const answer = await callOf(client)(method, params);
  return answer.ok ? answer.value : null;
}

function callOf(client: RpcClient): L1Call {
  return async (method, params) => {
    const first = await client.call(method, params);
    // A kept connection that has gone says nothing about the source; reading twice is harmless.
    const result = !first.ok && first.staleConnection ? await client.call(method, params) : first;
    if (result.ok) return { ok: true, value: result.value };
    if (result.code !== "rpc-error") return { ok: false, code: "unavailable" };
    const { number } = result;
    return { ok: false, code: "refused", ...(number === undefined ? {} : { number }) };
  };
}

async function readHead(
  source: Source,
): Promise<(Source & { readonly chainId: bigint; readonly finalized: L1Block }) | null> {
  const { client } = source;
  const [chain, finalized] = await Promise.all([
    ask(client, "eth_chainId", []),
    readBlock(client, "finalized"),
  ]);
  const chainId = parseQuantity(chain);
  return chainId === null || finalized === null ? null : { ...source, chainId, finalized };
}

async function readBlock(client: RpcClient, tag: string): Promise<L1Block | null> {
  const block = await ask(client, "eth_getBlockByNumber", [tag, false]);
  if (!isObject(block)) return null;
  const number = parseQuantity(block["number"]);
  const timestamp = parseQuantity(block["timestamp"]);
  const { hash } = block;
  if (number === null || timestamp === null) return null;
  return typeof hash === "string" && isHex(hash, 32) ? { number, hash, timestamp } : null;
}

function parseData(value: unknown): Hex | null {
  return typeof value === "string" && isHex(value) ? value : null;
}

function parseQuantity(value: unknown): bigint | null {
  return typeof value === "string" && /^0x[0-9a-f]{1,16}$/.test(value) ? BigInt(value) : null;
}

function toQuantity(value: bigint): string {
  return `0x${value.toString(16)}`;
}
