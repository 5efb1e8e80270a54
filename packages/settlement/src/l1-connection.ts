import { createHttpClient } from "@mach/rpc";
import { type Provider, type Signer, Wallet } from "ethers";
import { createL1Provider } from "./l1-signer.ts";

/** A connection to an L1 whose chain id it was asked for. */
export interface L1Connection {
  readonly chainId: bigint;
  readonly provider: Provider;
  /** Signs with a private key, 32 bytes in hex. Throws for what is none. */
  signerOf(privateKey: string): Signer;
  close(): void;
}

export interface ConnectOptions {
  readonly rpcUrl: string;
  /** Of each call. */
  readonly timeoutMs: number;
}

const MAX_CHAIN_ID_BYTES = 4_096;

/** Connects to whatever chain an endpoint is of; null where it does not answer. Never rejects. */
export async function connectL1(options: ConnectOptions): Promise<L1Connection | null> {
  const { rpcUrl, timeoutMs } = options;
  const client = createHttpClient({
    ...{ url: rpcUrl, timeoutMs },
    ...{ maxResponseBytes: MAX_CHAIN_ID_BYTES, maxInFlight: 1 },
  });
  const answer = await client.call("eth_chainId", []);
  await client.close();
  const value = answer.ok ? answer.value : null;
  if (typeof value !== "string" || !/^0x[0-9a-f]{1,16}$/.test(value)) return null;
  const chainId = BigInt(value);
  const provider = createL1Provider({ rpcUrl, chainId, timeoutMs });
  return {
    chainId,
    provider,
    signerOf: (privateKey) => new Wallet(privateKey, provider),
    close: () => provider.destroy(),
  };
}
