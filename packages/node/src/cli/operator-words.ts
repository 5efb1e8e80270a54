import type { Hex } from "@mach/core";
import {
  calldataOf,
  type Effect,
  type OperatorPlan,
  type OperatorState,
  type PlannedStep,
  type PlanRefusalCode,
  type VaultState,
} from "@mach/settlement";
import { formatEther, formatUnits } from "ethers";
import type { Answer } from "./command.ts";
import { timeOf } from "./times.ts";

export type ActionRefusalCode =
  | PlanRefusalCode
  /** The endpoint is of another L1 than the configuration's network. */
  | "wrong-chain"
  /** Endpoints of the L1 say different things of where stake goes. */
  | "sources-disagree"
  /** Fewer hosts of the L1 answer than the configuration asks for. */
  | "too-few-sources"
  /** No registry of this protocol stands at the address. */
  | "no-registry"
  /** The account is not the operator, for which only it can act. */
  | "wrong-account"
  /** The wallet is none, or names another account than it holds. */
  | "malformed-wallet"
  | "wrong-password"
  | "signer-unreachable"
  | "unknown-account"
  | "several-accounts"
  /** The file of --proof holds no proof that stands. */
  | "malformed-proof"
  /** The proof is of another network, or for another operator. */
  | "foreign-proof"
  /** Nobody has registered under the address that stake is to be put behind. */
  | "unknown-operator";

/** Why nothing, or not all, was done. */
export interface ActionRefusal {
  readonly code: ActionRefusalCode;
  readonly error?: string | null;
  readonly have?: bigint | null;
  readonly need?: bigint;
  /** Whose asset these two are of, in base units. */
  readonly vault?: Pick<VaultState, "decimals" | "symbol">;
  /** Seconds. */
  readonly until?: bigint;
  readonly file?: string;
  readonly url?: string;
  readonly account?: Hex | null;
  /** The method of the transaction that failed. */
  readonly during?: string;
}

const WHY: Readonly<Record<ActionRefusalCode, string>> = {
  "already-registered":
    "the operator is registered: `mach operator rotate-key` gives it another key",
  "not-registered": "the operator is not registered: `mach operator register` comes first",
  "registry-full": "the registry holds as many operators as it may",
  "weight-too-low":
    "the operator weighs less than a registration needs: `mach operator deposit` comes first, or " +
    "`mach operator poke` where the stake is allocated at EigenLayer",
  "weight-unknown":
    "a weight source does not know what the operator weighs now: `mach operator poke` comes first",
  "wrong-nonce": "the proof is for another of the operator's keys: prove it with the nonce needed",
  "key-in-use":
    "this key was registered before, and a key is registered once, ever: make a new one",
  "bad-proof": "the registry does not take the key and its proof: prove it anew",
  "nothing-to-poke": "no source that has to be poked weighs in this registry",
  "no-vault":
    "no vault weighs in this registry: stake is put behind operators by its source's own means, " +
    "at EigenLayer by allocating it, and `mach operator poke`",
  "several-vaults": "several vaults weigh in this registry: --vault says which",
  "unknown-vault": "this vault does not weigh in this registry",
  "bad-amount": "the amount is a number above zero with no more decimals than the asset has",
  "not-enough-assets": "the account has fewer of the asset",
  "not-enough-stake": "the account has less behind the operator: leave --amount out for all of it",
  "nothing-staked": "the account has nothing behind this operator",
  "operator-depleted":
    "slashes left next to nothing behind the operator: nobody can join before all of that is out",
  "unknown-exit": "there is no such exit, or it was paid",
  "exit-locked": "the assets of this exit are locked: run this again afterwards",
  reverted: "the contract would refuse it",
  "insufficient-funds": "the account cannot pay for the gas",
  "signer-refused": "what signs for the account refused, and this was not sent",
  "timed-out": "the transaction is not in a block yet: look for it, and run this again",
  "l1-unavailable": "the endpoint of the L1 does not answer",
  "wrong-chain": "the endpoint is of another chain than the network's: name the right one",
  "sources-disagree":
    "the configuration's L1 endpoints contradict each other about the registry's vaults: one lies",
  "too-few-sources": "fewer of the configuration's L1 endpoints answer than l1.agree asks for",
  "no-registry": "no registry of this protocol stands at that address",
  "wrong-account": "only the operator's own account can do this, and it is another one",
  "malformed-wallet": "the file is no JSON wallet of version 3",
  "wrong-password": "the wallet does not open with this password",
  "signer-unreachable": "the signer does not answer eth_accounts",
  "unknown-account": "neither the wallet nor the signer has this account",
  "several-accounts": "the signer has several accounts: --account says which",
  "malformed-proof":
    "the file holds no proof of possession that stands: `mach keys prove` makes one",
  "unknown-operator":
    "nobody has registered under this address: --unregistered puts stake behind it all the same",
  "foreign-proof": "the proof is of another network, or for another operator",
};

/** The answer where nothing more is done. */
export function refusedAction(
  refusal: ActionRefusal,
  done: { readonly sent: readonly unknown[] } = { sent: [] },
): Answer {
  const { code, until, have, need, error = null, file, url, account, during } = refusal;
  const details = [
    error,
    during === undefined ? null : `in ${during}`,
    have === undefined || need === undefined
      ? null
      : `it has ${told(refusal, have)}, and needs ${told(refusal, need)}`,
    until === undefined ? null : `until ${timeOf(until)}`,
    file ?? null,
    url ?? null,
    account ?? null,
  ].filter((detail) => detail !== null);
  const json = {
    ...{ done: false, code },
    ...(error === null ? {} : { error }),
    ...(have === undefined ? {} : { have: have?.toString() ?? null }),
    ...(need === undefined ? {} : { need: need.toString() }),
    ...(until === undefined ? {} : { until: until.toString() }),
    ...(file === undefined ? {} : { file }),
    ...(during === undefined ? {} : { during }),
    ...(done.sent.length === 0 ? {} : { transactions: done.sent }),
  };
  const sentence = [`not done (${code}): ${WHY[code]}`, ...details].join("; ");
  return { exitCode: 1, json, sentence };
}

/** A number of a refusal in the unit that a person counts it in. */
function told({ code, vault }: ActionRefusal, value: bigint | null): string {
  if (value === null) return "none that is known";
  if (code === "insufficient-funds") return `${formatEther(value)} ETH`;
  return vault === undefined ? `${value}` : amountOf({ vault, assets: value });
}

const DOES: Readonly<Record<OperatorPlan["action"], string>> = {
  register: "register",
  "rotate-key": "give another key to",
  poke: "checkpoint the weight of",
  deposit: "put stake behind",
  exit: "begin the exit of stake from",
  "complete-exit": "pay the exit of stake from",
};

/** What a dry run answers. */
export function describeOperatorPlan(plan: OperatorPlan, state: OperatorState): Answer {
  const gas = plan.steps.reduce((sum, step) => sum + (step.gas ?? 0n), 0n);
  const cost = plan.maxCost;
  const lines = [
    `would ${subjectOf(plan, state)}`,
    ...plan.steps.map((step, index) => `  ${index + 1}. ${nameOf(step)}: ${gasOf(step)}`),
    ...(cost === null ? [] : [`  at most ${formatEther(cost)} ETH by the present price of gas`]),
    ...consequences(plan, plan.effect).map((line) => `  ${line}`),
    "nothing was sent",
  ];
  const json = {
    ...{ done: false, dryRun: true, ...factsOf(plan, state, plan.effect) },
    transactions: plan.steps.map((step) => ({
      ...{ to: step.call.to, method: step.call.method, data: calldataOf(step.call) },
      gas: step.gas?.toString() ?? null,
    })),
    gas: gas.toString(),
    gasPriceWei: plan.gasPrice?.toString() ?? null,
    maxCostWei: cost?.toString() ?? null,
  };
  return { exitCode: 0, json, sentence: lines.join("\n") };
}

/** What was done. */
export function describeDone(
  plan: OperatorPlan,
  state: OperatorState,
  { effect, sent }: { readonly effect: Effect | null; readonly sent: readonly unknown[] },
): Answer {
  const lines = [
    `done: ${subjectOf(plan, state)}`,
    ...consequences(plan, effect).map((line) => `  ${line}`),
  ];
  const json = { done: true, ...factsOf(plan, state, effect), transactions: sent };
  return { exitCode: 0, json, sentence: lines.join("\n") };
}

/** A step in a word and where. */
export function nameOf({ call }: PlannedStep): string {
  return `${call.method} at ${call.to}`;
}

function subjectOf(plan: OperatorPlan, state: OperatorState): string {
  const { operator, account, domain } = state;
  const by = account === operator ? "" : ` by ${account}`;
  const what = plan.stake === null ? "" : `: ${amountOf(plan.stake)}`;
  return `${DOES[plan.action]} ${operator}${by} on chain ${domain.chainId}${what}`;
}

/** An amount of a vault's asset, for people. */
export function amountOf({
  vault,
  assets,
}: {
  readonly vault: Pick<VaultState, "decimals" | "symbol">;
  readonly assets: bigint;
}): string {
  return `${formatUnits(assets, vault.decimals)} ${vault.symbol}`;
}

function gasOf({ gas }: PlannedStep): string {
  return gas === null ? "its gas is known once the one before is in a block" : `${gas} gas`;
}

/** What follows from it, and when. */
function consequences(plan: OperatorPlan, effect: Effect | null): readonly string[] {
  const { action, releaseTime } = plan;
  if (effect === null) return [];
  const { epoch, beginsAt, ifBefore } = effect;
  const from = `from epoch ${epoch} on, which begins ${timeOf(beginsAt)}`;
  const slips = `in a block from ${timeOf(ifBefore)} on it counts one epoch later`;
  switch (action) {
    case "register":
      return [`the operator weighs ${from}`, slips];
    case "rotate-key":
      return [
        `the new key signs ${from}; until then the old one does, and the node keeps it`,
        slips,
      ];
    case "poke":
      return [`what it has allocated weighs ${from}`, slips];
    case "deposit":
      return [`the stake weighs ${from}`, slips];
    case "exit":
      return [
        `the stake weighs no more ${from}: the node signs until then`,
        slips,
        ...(releaseTime === null
          ? []
          : [`the assets can be slashed, and not be had, until ${timeOf(releaseTime)}`]),
        ...convictionsOf(plan.openConvictions),
      ];
    case "complete-exit":
      return [];
  }
}

/** What is still taken from an exit for what the operator did. */
export function convictionsOf(open: number | null): readonly string[] {
  if (open === null) return ["this endpoint does not tell of convictions"];
  if (open === 0) return [];
  return [`${open} conviction(s) of the operator are not collected yet, and take their part of it`];
}

function factsOf(
  plan: OperatorPlan,
  state: OperatorState,
  effect: Effect | null,
): Readonly<Record<string, unknown>> {
  const { domain, operator, account } = state;
  const { action, stake, releaseTime } = plan;
  return {
    ...{ action, chainId: domain.chainId.toString(), registry: domain.verifyingContract },
    ...{ operator, account },
    effect: effect && {
      epoch: effect.epoch.toString(),
      beginsAt: effect.beginsAt.toString(),
      ifBefore: effect.ifBefore.toString(),
    },
    ...(stake === null
      ? {}
      : {
          stake: {
            ...{ vault: stake.vault.vault, asset: stake.vault.asset },
            ...{ assets: stake.assets.toString(), amount: amountOf(stake) },
          },
        }),
    ...(releaseTime === null ? {} : { releaseTime: releaseTime.toString() }),
    ...(action === "exit" ? { openConvictions: plan.openConvictions } : {}),
  };
}
