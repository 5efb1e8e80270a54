import {
  type Domain,
  type Hex,
  isHex,
  isThresholdBps,
  keccak256Text,
  uintWord,
  ZERO_HASH,
} from "@mach/core";
import type { RpcClient, RpcResult } from "@mach/rpc";
import { createFetchClient } from "@mach/rpc/fetch";
import { SdkError } from "./errors.ts";
import type { CheckedNetwork } from "./network.ts";
import type { L1Trust, SetAnswer } from "./trust.ts";

/** What finalized L1 state says; each answer is one that enough endpoints gave alike. */
export interface L1Registry {
  operatorSetHash(epoch: bigint): Promise<SetAnswer<Hex>>;
  /** The threshold of a rollup in an epoch, basis points. */
  thresholdBps(rollupId: bigint, epoch: bigint): Promise<SetAnswer<number>>;
}

/** What a view said; null where the endpoint cannot be believed. */
type RegistryCall =
  | { readonly kind: "data"; readonly data: Hex }
  | { readonly kind: "reverted" }
  | null;

const MAX_ENDPOINTS = 8;
export const MAX_L1_RESPONSE_BYTES = 1_048_576;
const SET_HASH_SELECTOR = keccak256Text("operatorSetHash(uint64)").slice(0, 10);
const ROLLUP_SELECTOR = keccak256Text("rollupAt(uint64,uint64)").slice(0, 10);
/** The words of a rollup: id, stack, interval, threshold, level, settlement. */
const ROLLUP_WORDS = 6;
const REVERTED = 3;

/** Reads the registry at the finalized block of the consumer's own L1 endpoints. Never rejects. */
export function createL1Registry(
  network: CheckedNetwork,
  trust: L1Trust,
  options: { readonly timeoutMs: number; readonly fetch: typeof globalThis.fetch },
): L1Registry {
  const { rpcUrls } = trust.l1;
  const agree = trust.l1.agree ?? rpcUrls.length;
  if (rpcUrls.length === 0 || rpcUrls.length > MAX_ENDPOINTS) {
    throw new SdkError("bad-option", `trust.l1.rpcUrls must be 1 to ${MAX_ENDPOINTS} URLs`);
  }
  if (!Number.isInteger(agree) || agree < 1 || agree > rpcUrls.length) {
    throw new SdkError("bad-option", "trust.l1.agree must be 1 to the number of rpcUrls");
  }
  const clients = rpcUrls.map((url) =>
    createFetchClient({
      url,
      maxResponseBytes: MAX_L1_RESPONSE_BYTES,
      maxInFlight: 16,
      ...options,
    }),
  );

  async function ask(data: string): Promise<SetAnswer<Hex>> {
    const calls = await Promise.all(
      clients.map((client) => callFinalized(client, network.domain, data)),
    );
    const answers = calls.filter((call) => call !== null);
    if (answers.length < agree) return { ok: false, code: "l1-unavailable" };
    // What L1 fixed never changes: an endpoint that has not seen it yet lags, and contradicts none.
    const words = answers.flatMap((call) => (call.kind === "data" ? [call.data] : []));
    const fixed = words.filter((word) => word !== ZERO_HASH);
    if (new Set(fixed).size > 1) return { ok: false, code: "l1-disagreement" };
    const [first] = fixed;
    if (first !== undefined && fixed.length >= agree) return { ok: true, value: first };
    return { ok: false, code: fixed.length === 0 ? "not-fixed" : "l1-unavailable" };
  }

  return {
    operatorSetHash: (epoch) => ask(`${SET_HASH_SELECTOR}${uintWord(epoch).slice(2)}`),
    async thresholdBps(rollupId, epoch) {
      const words = `${uintWord(rollupId).slice(2)}${uintWord(epoch).slice(2)}`;
      const answer = await ask(`${ROLLUP_SELECTOR}${words}`);
      if (!answer.ok) return answer.code === "not-fixed" ? unknownRollup() : answer;
      const thresholdBps = readThreshold(answer.value, rollupId);
      return thresholdBps === null ? unknownRollup() : { ok: true, value: thresholdBps };
    },
  };
}

function unknownRollup(): SetAnswer<number> {
  return { ok: false, code: "unknown-rollup" };
}

function readThreshold(data: Hex, rollupId: bigint): number | null {
  if (!isHex(data, 32 * ROLLUP_WORDS)) return null;
  const word = (index: number): bigint =>
    BigInt(`0x${data.slice(2 + 64 * index, 66 + 64 * index)}`);
  if (word(0) !== rollupId || word(3) > 10_000n) return null;
  const thresholdBps = Number(word(3));
  return isThresholdBps(thresholdBps) ? thresholdBps : null;
}

/** One view at the finalized block, by its hash; null where the endpoint cannot be believed. */
export async function callFinalized(
  client: RpcClient,
  domain: Domain,
  data: string,
): Promise<RegistryCall> {
  const [chainId, block] = await Promise.all([
    client.call("eth_chainId", []),
    client.call("eth_getBlockByNumber", ["finalized", false]),
  ]);
  if (!chainId.ok || quantityOf(chainId.value) !== domain.chainId) return null;
  const blockHash = hashOf(block);
  if (blockHash === null) return null;
  const to = domain.verifyingContract;
  const answer = await client.call("eth_call", [{ to, data }, { blockHash }]);
  if (!answer.ok) {
    const isRevert = answer.code === "rpc-error" && answer.number === REVERTED;
    return isRevert ? { kind: "reverted" } : null;
  }
  const { value } = answer;
  // Empty data is an account without code: no registry, and no answer.
  if (typeof value !== "string" || !isHex(value) || value === "0x") return null;
  return { kind: "data", data: value };
}

function hashOf(block: RpcResult): Hex | null {
  if (!block.ok || typeof block.value !== "object" || block.value === null) return null;
  const hash: unknown = Reflect.get(block.value, "hash");
  return typeof hash === "string" && isHex(hash, 32) ? hash : null;
}

/** A quantity of JSON-RPC, or null. */
export function quantityOf(value: unknown): bigint | null {
  return typeof value === "string" && /^0x[0-9a-f]{1,64}$/.test(value) ? BigInt(value) : null;
}
