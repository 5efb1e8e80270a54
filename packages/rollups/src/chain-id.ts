import {
  createHttpClient,
  type RpcClient,
  type RpcClientOptions,
  type RpcFailureCode,
  WebSocketClient,
} from "@mach/rpc";
import type { Disagreement, SourceFailureCode, SourceVerdict } from "./agreement.ts";
import { parseQuantity } from "./rpc-values.ts";

/** What an endpoint says it is of. */
export type ChainAnswer =
  | { readonly ok: true; readonly chainId: bigint }
  | { readonly ok: false; readonly code: SourceFailureCode };

export interface EndpointChain {
  readonly host: string;
  readonly chain: ChainAnswer;
}

export type ChainReading =
  | { readonly ok: true; readonly rollupId: bigint; readonly endpoints: readonly EndpointChain[] }
  | (Disagreement & { readonly endpoints: readonly EndpointChain[] });

const MAX_RESPONSE_BYTES = 65_536;
/** A connection that is lost is not made again: it is closed first. */
const ONCE = { minBackoffMs: 60_000, maxBackoffMs: 60_000 } as const;

/** The chain that all endpoints name which name one, over http(s) or ws(s). */
export async function readChainId(options: {
  readonly urls: readonly string[];
  /** Bound of one connection and of one call. */
  readonly timeoutMs: number;
}): Promise<ChainReading> {
  const { urls, timeoutMs } = options;
  const bounds = { timeoutMs, maxResponseBytes: MAX_RESPONSE_BYTES, maxInFlight: 1 };
  const endpoints = await Promise.all(
    urls.map(async (url) => {
      const { client, failure } = await connect({ url, ...bounds });
      try {
        const chain = failure === null ? await askChainId(client) : failed(failure);
        return { host: new URL(url).host, chain };
      } finally {
        await client.close();
      }
    }),
  );
  const rollupId = commonChain(endpoints);
  return rollupId === null
    ? { ...explainChains(endpoints), endpoints }
    : { ok: true, rollupId, endpoints };
}

/** Asks one node. */
export async function askChainId(client: RpcClient): Promise<ChainAnswer> {
  const result = await client.call("eth_chainId", []);
  if (!result.ok) return failed(result.code);
  const chainId = parseQuantity(result.value);
  return chainId === null ? failed("malformed") : { ok: true, chainId };
}

/** The chain of all endpoints that say one; null where they differ or none does. */
export function commonChain(endpoints: readonly EndpointChain[]): bigint | null {
  const ids = new Set(endpoints.flatMap(({ chain }) => (chain.ok ? [chain.chainId] : [])));
  const [only, other] = ids;
  return only !== undefined && other === undefined ? only : null;
}

/** Why there is no common chain. */
export function explainChains(endpoints: readonly EndpointChain[]): Disagreement {
  const isSplit = endpoints.some(({ chain }) => chain.ok);
  const sources = endpoints.map(
    ({ host, chain }): SourceVerdict => ({ host, code: chain.ok ? "wrong-chain" : chain.code }),
  );
  return { ok: false, code: isSplit ? "wrong-chain" : "sources-unavailable", sources };
}

function failed(code: SourceFailureCode): ChainAnswer {
  return { ok: false, code };
}

function connect(
  options: RpcClientOptions,
): Promise<{ readonly client: RpcClient; readonly failure: RpcFailureCode | null }> {
  if (!/^wss?:/i.test(options.url)) {
    return Promise.resolve({ client: createHttpClient(options), failure: null });
  }
  return new Promise((resolve) => {
    const client = new WebSocketClient(
      { ...options, ...ONCE },
      {
        onOpen: () => resolve({ client, failure: null }),
        onLost: (failure) => resolve({ client, failure }),
      },
    );
  });
}
