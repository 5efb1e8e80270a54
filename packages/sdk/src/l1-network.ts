import { type Hex, isHex, keccak256Text } from "@mach/core";
import { createFetchClient } from "@mach/rpc/fetch";
import { SdkError } from "./errors.ts";
import { callFinalized, MAX_L1_RESPONSE_BYTES, quantityOf } from "./l1-registry.ts";
import type { MachNetwork } from "./network.ts";

/** A network as finalized L1 state has it, or why it could not be read. */
export type NetworkAnswer =
  | { readonly ok: true; readonly network: MachNetwork }
  | {
      readonly ok: false;
      /** The endpoint did not answer, or there is no registry at the address that it knows. */
      readonly code: "l1-unavailable";
    };

export interface L1NetworkQuestion {
  /** The consumer's own L1 endpoint. */
  readonly rpcUrl: string;
  /** The registry's address, lower case: from the network's documentation, never from a node. */
  readonly registry: Hex;
  /** How long one request may take, milliseconds; 10 s if not given. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

const SELECTORS = ["genesisTime()", "epochSeconds()"].map((name) =>
  keccak256Text(name).slice(0, 10),
);

/**
 * The chain and the epochs of a registry, read from finalized L1 state, so that nothing but the
 * registry's address has to be known beforehand. Throws a `bad-option` for an address that is none.
 */
export async function readNetwork(question: L1NetworkQuestion): Promise<NetworkAnswer> {
  const { rpcUrl: url, registry, timeoutMs = 10_000, fetch = globalThis.fetch } = question;
  if (!isHex(registry, 20)) throw new SdkError("bad-option", "registry must be in lower case");
  const bounds = { maxResponseBytes: MAX_L1_RESPONSE_BYTES, maxInFlight: 4, timeoutMs };
  const client = createFetchClient({ url, fetch, ...bounds });
  const said = await client.call("eth_chainId", []);
  const chainId = said.ok ? quantityOf(said.value) : null;
  if (chainId === null || chainId === 0n) return { ok: false, code: "l1-unavailable" };
  const domain = { chainId, verifyingContract: registry };
  const calls = await Promise.all(
    SELECTORS.map((selector) => callFinalized(client, domain, selector)),
  );
  const [genesisTime = null, epochSeconds = null] = calls.map((call) =>
    call?.kind === "data" && isHex(call.data, 32) ? BigInt(call.data) : null,
  );
  if (genesisTime === null || epochSeconds === null || epochSeconds === 0n) {
    return { ok: false, code: "l1-unavailable" };
  }
  return { ok: true, network: { chainId, registry, genesisTime, epochSeconds } };
}
