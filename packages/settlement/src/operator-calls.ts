import type { Hex } from "@mach/core";
import { Contract, Interface, type Overrides, type Provider, type Signer } from "ethers";
import { EIGEN_LAYER_SOURCE_ABI } from "./abi/eigen-layer-source.ts";
import { LOCAL_TOKEN_ABI } from "./abi/local-token.ts";
import { REGISTRY_ABI } from "./abi/registry.ts";
import { STAKE_VAULT_ABI } from "./abi/stake-vault.ts";
import {
  estimate,
  type TransactionFailure,
  type TransactionResult,
  transact,
} from "./transaction.ts";

/** What an operator or a staker may have a contract do. */
export interface OperatorCall {
  readonly to: Hex;
  readonly contract: Interface;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** A key with the proof that its owner has it, as the registry takes them. */
export interface KeyArgument {
  /** The G1 point of EIP-2537, 128 bytes. */
  readonly publicKeyPoint: Hex;
  /** The G2 point of EIP-2537, 256 bytes. */
  readonly proof: Hex;
}

const REGISTRY: Interface = new Interface(REGISTRY_ABI);
const VAULT: Interface = new Interface(STAKE_VAULT_ABI);
const TOKEN: Interface = new Interface(LOCAL_TOKEN_ABI);
const EIGEN_LAYER_SOURCE: Interface = new Interface(EIGEN_LAYER_SOURCE_ABI);

/** Registers the sender with its first key, or gives it another one. */
export function keyCall(
  method: "registerOperator" | "rotateKey",
  { registry, publicKeyPoint, proof }: KeyArgument & { readonly registry: Hex },
): OperatorCall {
  return { to: registry, contract: REGISTRY, method, args: [publicKeyPoint, proof] };
}

/** Lets a vault take so many of the sender's assets, in base units. */
export function approveCall(asset: Hex, vault: Hex, assets: bigint): OperatorCall {
  return { to: asset, contract: TOKEN, method: "approve", args: [vault, assets] };
}

/** Puts the sender's assets, in base units, behind an operator. */
export function depositCall(vault: Hex, operator: Hex, assets: bigint): OperatorCall {
  return { to: vault, contract: VAULT, method: "deposit", args: [operator, assets] };
}

/** Begins the exit of the sender's assets, in base units, from behind an operator. */
export function exitCall(vault: Hex, operator: Hex, assets: bigint): OperatorCall {
  return { to: vault, contract: VAULT, method: "requestWithdrawal", args: [operator, assets] };
}

/** Pays an exit to its staker. */
export function completeExitCall(vault: Hex, withdrawalId: bigint): OperatorCall {
  return { to: vault, contract: VAULT, method: "completeWithdrawal", args: [withdrawalId] };
}

/** Checkpoints what operators have allocated in an EigenLayer source. */
export function pokeCall(source: Hex, operators: readonly Hex[]): OperatorCall {
  return { to: source, contract: EIGEN_LAYER_SOURCE, method: "poke", args: [operators] };
}

/** The calldata of a call. */
export function calldataOf({ contract, method, args }: OperatorCall): string {
  return contract.encodeFunctionData(method, args);
}

/** Sends a call and waits until it is in a block. Never rejects. */
export function sendCall(
  call: OperatorCall,
  context: { readonly signer: Signer; readonly timeoutMs: number; readonly overrides?: Overrides },
): Promise<TransactionResult> {
  const { signer, timeoutMs, overrides = {} } = context;
  const { to, contract, method, args } = call;
  return transact({
    ...{ contract: new Contract(to, contract, signer), method, args },
    ...{ timeoutMs, overrides },
  });
}

/** The gas of a call by an account, or why it would fail. Never rejects. */
export function estimateCall(
  { to, contract, method, args }: OperatorCall,
  { provider, from }: { readonly provider: Provider; readonly from: Hex },
): Promise<{ readonly ok: true; readonly gas: bigint } | TransactionFailure> {
  const at = new Contract(to, contract, provider);
  return estimate({ contract: at, method, args, overrides: { from } });
}
