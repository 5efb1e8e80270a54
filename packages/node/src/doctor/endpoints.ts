import { type Hex, isHex } from "@mach/core";
import { createHttpClient, isObject, type RpcClient, type RpcFailureCode } from "@mach/rpc";

/** A block as one endpoint tells of it; nothing of it is checked. */
export interface ToldBlock {
  readonly number: bigint;
  readonly hash: Hex;
  /** Seconds. */
  readonly timestamp: bigint;
}

/** What one endpoint says of the chain that it is of. */
export interface EndpointFacts {
  readonly url: string;
  /** Host and port: the rest of a URL may hold a key. */
  readonly host: string;
  /** Why it does not serve; null where it names a chain and a newest block. */
  readonly failure: RpcFailureCode | null;
  readonly chainId: bigint | null;
  readonly latest: ToldBlock | null;
  readonly finalized: ToldBlock | null;
}

export interface EndpointLimits {
  readonly timeoutMs: number;
}

const MAX_RESPONSE_BYTES = 16 * 1_048_576;
const MAX_IN_FLIGHT = 4;

/** Asks an endpoint for its chain and its heads. Never rejects. */
export async function readEndpoint(url: string, limits: EndpointLimits): Promise<EndpointFacts> {
  const { host } = new URL(url);
  return await withClient(url, limits, async (client) => {
    const chain = await client.call("eth_chainId", []);
    if (!chain.ok) return { ...nothing(url), host, failure: chain.code };
    const chainId = parseQuantity(chain.value);
    const [latest, finalized] = [
      await askBlock(client, "latest"),
      await askBlock(client, "finalized"),
    ];
    const failure = chainId === null || latest === null ? "malformed" : null;
    return { url, host, failure, chainId, latest, finalized };
  });
}

/** One endpoint's block of a height; null where it gives none. Never rejects. */
export async function readBlockAt(
  url: string,
  blockNumber: bigint,
  limits: EndpointLimits,
): Promise<ToldBlock | null> {
  return await withClient(url, limits, (client) =>
    askBlock(client, `0x${blockNumber.toString(16)}`),
  );
}

async function withClient<T>(
  url: string,
  { timeoutMs }: EndpointLimits,
  use: (client: RpcClient) => Promise<T>,
): Promise<T> {
  const limits = { maxResponseBytes: MAX_RESPONSE_BYTES, maxInFlight: MAX_IN_FLIGHT };
  const client = createHttpClient({ url, timeoutMs, ...limits });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

function nothing(url: string): Omit<EndpointFacts, "host" | "failure"> {
  return { url, chainId: null, latest: null, finalized: null };
}

async function askBlock(client: RpcClient, tag: string): Promise<ToldBlock | null> {
  const answer = await client.call("eth_getBlockByNumber", [tag, false]);
  if (!answer.ok || !isObject(answer.value)) return null;
  const number = parseQuantity(answer.value["number"]);
  const timestamp = parseQuantity(answer.value["timestamp"]);
  const { hash } = answer.value;
  if (number === null || timestamp === null) return null;
  return typeof hash === "string" && isHex(hash, 32) ? { number, hash, timestamp } : null;
}

function parseQuantity(value: unknown): bigint | null {
  return typeof value === "string" && /^0x[0-9a-f]{1,16}$/.test(value) ? BigInt(value) : null;
}

/** How many different hosts these are; those of one host are one source. */
export function countHosts(endpoints: readonly { readonly host: string }[]): number {
  return new Set(endpoints.map(({ host }) => host)).size;
}
