import { FetchRequest, JsonRpcProvider, Network, Wallet } from "ethers";

const POLLING_INTERVAL_MS = 250;

export interface L1ProviderOptions {
  readonly rpcUrl: string;
  readonly chainId: bigint;
  /** Of each call. */
  readonly timeoutMs: number;
}

/**
 * An ethers signer that is quiet and honest: the chain is given instead of detected, so that
 * nothing retries or logs by itself; nothing is cached, so that nonces are fresh.
 */
export function createL1Signer(
  options: L1ProviderOptions & {
    /** 32 bytes in hex. */
    readonly privateKey: string;
  },
): Wallet {
  return new Wallet(options.privateKey, createL1Provider(options));
}

/** What such a signer reads and sends through. */
export function createL1Provider(options: L1ProviderOptions): JsonRpcProvider {
  const request = new FetchRequest(options.rpcUrl);
  request.timeout = options.timeoutMs;
  request.setThrottleParams({ maxAttempts: 1 });
  const network = Network.from(options.chainId);
  return new JsonRpcProvider(request, network, {
    staticNetwork: network,
    batchMaxCount: 1,
    cacheTimeout: -1,
    pollingInterval: POLLING_INTERVAL_MS,
  });
}
