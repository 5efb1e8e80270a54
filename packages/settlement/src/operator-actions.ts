import type { Hex, RollupParameters } from "@mach/core";
import { Contract, type Overrides, type Provider, type Signer } from "ethers";
import { LOCAL_TOKEN_ABI } from "./abi/local-token.ts";
import { REGISTRY_ABI } from "./abi/registry.ts";
import {
  approveCall,
  depositCall,
  type KeyArgument,
  keyCall,
  pokeCall,
  sendCall,
} from "./operator-calls.ts";
import { encodeStack } from "./registry-codec.ts";
import { type TransactionResult, transact } from "./transaction.ts";

const DEFAULT_TIMEOUT_MS = 60_000;
const NO_SETTLEMENT: Hex = `0x${"00".repeat(20)}`;

/**
 * Registers the signer's account as an operator. It needs stake first. `proof` signs the
 * KeyRegistration digest with nonce 0 under the POP ciphersuite.
 */
export function registerOperator(request: KeyRequest): Promise<TransactionResult> {
  return sendKey("registerOperator", request);
}

/**
 * Gives the signer's operator another key, for the epochs with a later snapshot. `proof` signs the
 * KeyRegistration digest under the POP ciphersuite, with `readKeyCount` as its nonce.
 */
export function rotateKey(request: KeyRequest): Promise<TransactionResult> {
  return sendKey("rotateKey", request);
}

interface KeyRequest extends KeyArgument {
  readonly signer: Signer;
  readonly registry: Hex;
  readonly timeoutMs?: number;
}

function sendKey(
  method: "registerOperator" | "rotateKey",
  request: KeyRequest,
): Promise<TransactionResult> {
  const { signer, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
  return sendCall(keyCall(method, request), { signer, timeoutMs });
}

/** How many keys an operator has registered: the nonce of its next proof. Null if L1 is silent. */
export async function readKeyCount(request: {
  readonly provider: Provider;
  readonly registry: Hex;
  readonly operator: Hex;
}): Promise<bigint | null> {
  const { provider, registry, operator } = request;
  try {
    const contract = new Contract(registry, REGISTRY_ABI, provider);
    const count: unknown = await contract.getFunction("keyCount").staticCall(operator);
    return typeof count === "bigint" ? count : null;
  } catch {
    // Nothing is known, and a proof with a guessed nonce would be refused at the sender's cost.
    return null;
  }
}

/**
 * Checkpoints what operators have allocated in an EigenLayer source. One that was never poked has not
 * joined it, so that a new operator, or one with more stake, pokes itself. Anyone may.
 */
export function pokeOperators(request: {
  readonly signer: Signer;
  readonly source: Hex;
  readonly operators: readonly Hex[];
  readonly timeoutMs?: number;
  readonly overrides?: Overrides;
}): Promise<TransactionResult> {
  const { signer, source, operators, overrides = {}, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
  return sendCall(pokeCall(source, operators), { signer, timeoutMs, overrides });
}

/** Puts the signer's assets behind an operator: approves exactly `assets`, then deposits them. */
export async function depositStake(request: {
  readonly signer: Signer;
  readonly vault: Hex;
  readonly asset: Hex;
  readonly operator: Hex;
  /** In base units of the asset. */
  readonly assets: bigint;
  readonly timeoutMs?: number;
}): Promise<TransactionResult> {
  const { signer, vault, asset, operator, assets, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
  const approved = await sendCall(approveCall(asset, vault, assets), { signer, timeoutMs });
  if (!approved.ok) return approved;
  return sendCall(depositCall(vault, operator, assets), { signer, timeoutMs });
}

/** Lists a rollup from the next epoch with a later snapshot on. The registry's owner only. */
export function addRollup(request: {
  readonly signer: Signer;
  readonly registry: Hex;
  readonly rollup: Omit<RollupParameters, "stack"> & { readonly stack: string };
  /** The adapter that reads the rollup's settlement on L1; none by default. */
  readonly settlement?: Hex;
  readonly timeoutMs?: number;
}): Promise<TransactionResult> {
  const { rollup } = request;
  return transact({
    contract: new Contract(request.registry, REGISTRY_ABI, request.signer),
    method: "addRollup",
    args: [
      rollup.rollupId,
      encodeStack(rollup.stack),
      rollup.attestationInterval,
      rollup.thresholdBps,
      rollup.verification,
      request.settlement ?? NO_SETTLEMENT,
    ],
    timeoutMs: request.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  });
}

/** Mints the asset of a local network to an account. */
export function mintLocalAsset(request: {
  readonly signer: Signer;
  readonly asset: Hex;
  readonly account: Hex;
  readonly assets: bigint;
  readonly timeoutMs?: number;
}): Promise<TransactionResult> {
  return transact({
    contract: new Contract(request.asset, LOCAL_TOKEN_ABI, request.signer),
    method: "mint",
    args: [request.account, request.assets],
    timeoutMs: request.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  });
}
