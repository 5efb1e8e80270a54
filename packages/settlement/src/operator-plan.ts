import { type EpochSchedule, epochAt, epochStart, type Hex, snapshotTime } from "@mach/core";
import type { Provider } from "ethers";
import {
  approveCall,
  completeExitCall,
  depositCall,
  estimateCall,
  exitCall,
  type KeyArgument,
  keyCall,
  type OperatorCall,
  pokeCall,
} from "./operator-calls.ts";
import type { OperatorState, VaultState } from "./operator-state.ts";
import { countOpenConvictions, type Exit, readExit } from "./stake-exits.ts";
import { gasLimitFor, type TransactionFailureCode } from "./transaction.ts";

/** What an account wants done. Amounts are in the asset's own unit, such as "1.5". */
export type OperatorIntent =
  /** Has the sources without a history of their own look at what the operator has allocated. */
  | { readonly action: "poke" }
  | (KeyIntent & { readonly action: "register" })
  | (KeyIntent & { readonly action: "rotate-key" })
  | StakeIntent;

interface KeyIntent extends KeyArgument {
  /** How many keys the proof counts before this one. */
  readonly nonce: bigint;
}

/** The vault may be left out where one alone weighs. */
type StakeIntent =
  | { readonly action: "deposit"; readonly vault: Hex | null; readonly amount: string }
  /** All of it where there is no amount. */
  | { readonly action: "exit"; readonly vault: Hex | null; readonly amount: string | null }
  | { readonly action: "complete-exit"; readonly vault: Hex | null; readonly exitId: bigint };

export type PlanRefusalCode =
  /** The operator has registered a key: rotating gives it another. */
  | "already-registered"
  /** The operator has registered no key. */
  | "not-registered"
  /** The registry holds as many operators as it may. */
  | "registry-full"
  /** The operator weighs less than a registration needs: stake comes first. */
  | "weight-too-low"
  /** A weight source cannot tell what the operator weighs. */
  | "weight-unknown"
  /** The proof counts another number of keys than the operator has registered. */
  | "wrong-nonce"
  /** The key was registered before, by whomever: a key is registered once, ever. */
  | "key-in-use"
  /** The registry does not take the key, or its proof. */
  | "bad-proof"
  /** No source that weighs has to be poked. */
  | "nothing-to-poke"
  /** No vault weighs here: stake is put behind operators by other means. */
  | "no-vault"
  /** Several vaults weigh, and the intent does not say which. */
  | "several-vaults"
  /** The vault does not weigh. */
  | "unknown-vault"
  /** The amount is none, zero, or finer than the asset's unit. */
  | "bad-amount"
  /** The account has fewer assets. */
  | "not-enough-assets"
  /** The account has less behind the operator. */
  | "not-enough-stake"
  /** The account has nothing behind the operator. */
  | "nothing-staked"
  /** Slashes left so little behind the operator that nobody can join it now. */
  | "operator-depleted"
  /** There is no such exit, or it was paid. */
  | "unknown-exit"
  /** The assets of the exit are locked until `until`. */
  | "exit-locked"
  | TransactionFailureCode;

export interface PlanRefusal {
  readonly ok: false;
  readonly code: PlanRefusalCode;
  /** The name of a contract's error, where one gave it. */
  readonly error?: string | null;
  readonly have?: bigint | null;
  readonly need?: bigint;
  /** Whose asset these two are of, in base units. */
  readonly vault?: VaultState;
  /** Seconds. */
  readonly until?: bigint;
}

/** From when on a change counts: the first epoch whose snapshot is still to come. */
export interface Effect {
  readonly epoch: bigint;
  /** When that epoch begins, in seconds. */
  readonly beginsAt: bigint;
  /** In a block from this time on it counts one epoch later, in seconds. */
  readonly ifBefore: bigint;
}

export interface PlannedStep {
  readonly call: OperatorCall;
  /** Null where it cannot be told before the step ahead of it is in a block. */
  readonly gas: bigint | null;
}

export interface OperatorPlan {
  readonly ok: true;
  readonly action: OperatorIntent["action"];
  readonly steps: readonly PlannedStep[];
  /** The most that a unit of gas may cost by the newest block, in wei; null where L1 says nothing. */
  readonly gasPrice: bigint | null;
  /** Of the steps whose gas is known, with the margin that they are sent with, in wei. */
  readonly maxCost: bigint | null;
  /** Null where nothing about an epoch changes. */
  readonly effect: Effect | null;
  /** The vault, and the assets in base units that move, where there are any. */
  readonly stake: { readonly vault: VaultState; readonly assets: bigint } | null;
  /** When the assets of an exit that begins now can be had, in seconds. */
  readonly releaseTime: bigint | null;
  /** Of the operator, not collected from the vault yet, for an exit; null where it is not told. */
  readonly openConvictions: number | null;
}

type Draft = Pick<OperatorPlan, "effect" | "stake" | "releaseTime"> & {
  readonly ok: true;
  readonly calls: readonly OperatorCall[];
};

const MAX_OPERATORS = 256n;
/** More than anybody has: an exit of all that is left of a stake, whatever is slashed meanwhile. */
const ALL = 2n ** 256n - 1n;

const CODES: Readonly<Record<string, PlanRefusalCode>> = {
  OperatorAlreadyRegistered: "already-registered",
  OperatorNotRegistered: "not-registered",
  TooManyOperators: "registry-full",
  WeightTooLow: "weight-too-low",
  KeyAlreadyRegistered: "key-in-use",
  InvalidPublicKey: "bad-proof",
  InvalidProof: "bad-proof",
  OperatorDepleted: "operator-depleted",
  NothingStaked: "nothing-staked",
  UnknownWithdrawal: "unknown-exit",
  WithdrawalLocked: "exit-locked",
  ERC20InsufficientBalance: "not-enough-assets",
};

/** When a change in a block of this time counts (protocol, section 4). */
export function effectAt(schedule: EpochSchedule, time: bigint): Effect {
  const epoch = (epochAt(schedule, time) ?? -2n) + 2n;
  return { epoch, beginsAt: epochStart(schedule, epoch), ifBefore: snapshotTime(schedule, epoch) };
}

/** Plans what an intent takes, and refuses what would fail on chain. Never rejects. */
export async function planOperatorAction(
  intent: OperatorIntent,
  { state, provider }: { readonly state: OperatorState; readonly provider: Provider },
): Promise<OperatorPlan | PlanRefusal> {
  const draft = await draftOf(intent, state, provider);
  if (!draft.ok) return draft;
  const { calls, ...rest } = draft;
  const from = state.account;
  const steps: PlannedStep[] = [];
  for (const call of calls) {
    const estimated = await estimateCall(call, { provider, from });
    if (estimated.ok) {
      steps.push({ call, gas: estimated.gas });
      continue;
    }
    const code = CODES[estimated.error ?? ""] ?? estimated.code;
    // A deposit that follows its approval is refused for want of it, until that is in a block.
    const waits = steps.length > 0 && code === "reverted";
    if (!waits) return { ok: false, code, error: estimated.error };
    steps.push({ call, gas: null });
  }
  const gasPrice = await readGasPrice(provider);
  const limit = steps.reduce((sum, { gas }) => sum + (gas === null ? 0n : gasLimitFor(gas)), 0n);
  const need = limit * (gasPrice ?? 0n);
  if (need > state.balance) {
    return { ok: false, code: "insufficient-funds", have: state.balance, need };
  }
  const maxCost = gasPrice === null ? null : need;
  const { action } = intent;
  const vault = action === "exit" ? rest.stake?.vault.vault : undefined;
  const openConvictions =
    vault === undefined ? null : await countOpenConvictions(provider, vault, state.operator);
  return { ...rest, action, steps, gasPrice, maxCost, openConvictions };
}

async function draftOf(
  intent: OperatorIntent,
  state: OperatorState,
  provider: Provider,
): Promise<Draft | PlanRefusal> {
  switch (intent.action) {
    case "register":
      return draftRegistration(intent, state);
    case "rotate-key":
      return draftRotation(intent, state);
    case "poke":
      return draftPoke(state);
    case "deposit":
    case "exit":
    case "complete-exit":
      return await draftStake(intent, state, provider);
  }
}

async function draftStake(
  intent: StakeIntent,
  state: OperatorState,
  provider: Provider,
): Promise<Draft | PlanRefusal> {
  const vault = pickVault(state.vaults, intent.vault);
  if (typeof vault === "string") return { ok: false, code: vault };
  switch (intent.action) {
    case "deposit":
      return draftDeposit(intent.amount, vault, state);
    case "exit":
      return draftExit(intent.amount, vault, state);
    case "complete-exit": {
      let exit: Exit | null;
      try {
        exit = await readExit(provider, vault.vault, intent.exitId);
      } catch {
        // The L1 cannot be asked, and what it did not say is not assumed.
        return { ok: false, code: "l1-unavailable" };
      }
      return draftCompletion(exit, vault, state);
    }
  }
}

function draftRegistration(intent: KeyIntent, state: OperatorState): Draft | PlanRefusal {
  const { keyCount, operatorCount, weight, minimumWeight } = state;
  const need = minimumWeight > 0n ? minimumWeight : 1n;
  if (keyCount > 0n) return { ok: false, code: "already-registered" };
  if (operatorCount >= MAX_OPERATORS) return { ok: false, code: "registry-full" };
  if (weight === null) return { ok: false, code: "weight-unknown" };
  if (weight < need) return { ok: false, code: "weight-too-low", have: weight, need };
  return draftKey("registerOperator", intent, state);
}

function draftRotation(intent: KeyIntent, state: OperatorState): Draft | PlanRefusal {
  if (state.keyCount === 0n) return { ok: false, code: "not-registered" };
  return draftKey("rotateKey", intent, state);
}

function draftKey(
  method: "registerOperator" | "rotateKey",
  intent: KeyIntent,
  state: OperatorState,
): Draft | PlanRefusal {
  const { nonce, publicKeyPoint, proof } = intent;
  if (nonce !== state.keyCount) {
    return { ok: false, code: "wrong-nonce", have: nonce, need: state.keyCount };
  }
  const registry = state.domain.verifyingContract;
  const calls = [keyCall(method, { registry, publicKeyPoint, proof })];
  return { ok: true, calls, effect: effectOf(state), stake: null, releaseTime: null };
}

function draftPoke(state: OperatorState): Draft | PlanRefusal {
  const calls = state.pokeable.map((source) => pokeCall(source, [state.operator]));
  if (calls.length === 0) return { ok: false, code: "nothing-to-poke" };
  return { ok: true, calls, effect: effectOf(state), stake: null, releaseTime: null };
}

function draftDeposit(
  amount: string,
  vault: VaultState,
  state: OperatorState,
): Draft | PlanRefusal {
  const assets = parseAmount(amount, vault.decimals);
  if (assets === null) return { ok: false, code: "bad-amount" };
  const { balance, allowance } = vault;
  if (balance < assets)
    return { ok: false, code: "not-enough-assets", have: balance, need: assets, vault };
  const deposit = depositCall(vault.vault, state.operator, assets);
  const approve = approveCall(vault.asset, vault.vault, assets);
  const calls = allowance < assets ? [approve, deposit] : [deposit];
  const stake = { vault, assets };
  return { ok: true, calls, effect: effectOf(state), stake, releaseTime: null };
}

function draftExit(
  amount: string | null,
  vault: VaultState,
  state: OperatorState,
): Draft | PlanRefusal {
  const { stake: have, withdrawalDelay } = vault;
  if (have === 0n) return { ok: false, code: "nothing-staked" };
  const asked = amount === null ? have : parseAmount(amount, vault.decimals);
  if (asked === null) return { ok: false, code: "bad-amount" };
  if (asked > have) return { ok: false, code: "not-enough-stake", have, need: asked, vault };
  const calls = [exitCall(vault.vault, state.operator, amount === null ? ALL : asked)];
  const releaseTime = state.time + withdrawalDelay;
  const stake = { vault, assets: asked };
  return { ok: true, calls, effect: effectOf(state), stake, releaseTime };
}

function draftCompletion(
  exit: Exit | null,
  vault: VaultState,
  state: OperatorState,
): Draft | PlanRefusal {
  if (exit === null) return { ok: false, code: "unknown-exit" };
  const until = exit.releaseTime;
  if (state.time < until) return { ok: false, code: "exit-locked", until };
  const calls = [completeExitCall(vault.vault, exit.exitId)];
  const stake = { vault, assets: exit.assets };
  return { ok: true, calls, effect: null, stake, releaseTime: until };
}

/** By the next block at the earliest: what is sent now is in no block of the newest's time. */
function effectOf({ schedule, time }: OperatorState): Effect {
  return effectAt(schedule, time + 1n);
}

function pickVault(
  vaults: readonly VaultState[],
  named: Hex | null,
): VaultState | "no-vault" | "several-vaults" | "unknown-vault" {
  const [first, ...others] = vaults;
  if (first === undefined) return "no-vault";
  if (named !== null) return vaults.find(({ vault }) => vault === named) ?? "unknown-vault";
  return others.length > 0 ? "several-vaults" : first;
}

/** A positive amount of an asset in base units, or null. */
function parseAmount(text: string, decimals: number): bigint | null {
  const [, whole, fraction = ""] = /^(\d{1,60})(?:\.(\d{1,36}))?$/.exec(text) ?? [];
  if (whole === undefined || fraction.length > decimals) return null;
  const assets = BigInt(whole + fraction.padEnd(decimals, "0"));
  return assets > 0n && assets < 2n ** 128n ? assets : null;
}

async function readGasPrice(provider: Provider): Promise<bigint | null> {
  try {
    const { maxFeePerGas, gasPrice } = await provider.getFeeData();
    return maxFeePerGas ?? gasPrice;
  } catch {
    // It is told to a person and compared with a balance; the transaction asks again for itself.
    return null;
  }
}
