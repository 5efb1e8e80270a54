import { FetchRequest, JsonRpcProvider, Network, Wallet } from "ethers";

const POLLING_INTERVAL_MS = 250;

/**
 * An ethers signer that is quiet and honest: the chain is given instead of detected, so that
 * nothing retries or logs by itself; nothing is cached, so that nonces are fresh.
 */
export function createL1Signer(options: {
  readonly rpcUrl: string;
  readonly chainId: bigint;
  /** 32 bytes in hex. */
  readonly privateKey: string;
  /** Of each call. */
  readonly timeoutMs: number;
}): Wallet {
  const request = new FetchRequest(options.rpcUrl);
  request.timeout = options.timeoutMs;
  request.setThrottleParams({ maxAttempts: 1 });
  const network = Network.from(options.chainId);
  const provider = new JsonRpcProvider(request, network, {
    staticNetwork: network,
    batchMaxCount: 1,
    cacheTimeout: -1,
    pollingInterval: POLLING_INTERVAL_MS,
  });
  return new Wallet(options.privateKey, provider);
}
