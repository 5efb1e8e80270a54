import { type Hex, isHex, ZERO_HASH } from "@mach/core";
import { Contract, type Overrides, type Provider, type Signer } from "ethers";
import { REGISTRY_ABI } from "./abi/registry.ts";
import { SettlementError } from "./errors.ts";
import { type PokeOutcome, pokeStaleSources } from "./poke-sources.ts";
import { createStaleWeightFinder } from "./stale-weights.ts";
import { type TransactionFailure, transact, transactionFailure } from "./transaction.ts";

export interface EpochFixerDependencies {
  /** Pays. Its account serves nothing else: a stuck transaction is replaced by nonce. */
  readonly signer: Signer;
  /** Waits; ends early when the signal is aborted. */
  readonly delay: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export interface EpochFixerOptions {
  readonly registry: Hex;
  /** Below this balance `isBalanceLow` asks for an alert. */
  readonly minBalanceWei: bigint;
  /** How often a passing fault is tried again before the answer is `failed`. */
  readonly maxAttempts: number;
  /** The wait before the second attempt; it doubles with each further one. */
  readonly backoffMs: number;
  /** How long one transaction may take to get into a block before it is replaced. */
  readonly confirmTimeoutMs: number;
}

/** What the payer has. `balanceWei` is null where the L1 could not be asked. */
export interface PayerBalance {
  readonly balanceWei: bigint | null;
  readonly isBalanceLow: boolean;
}

export type FixEpochOutcome =
  /** This call's transaction is in a block, and the epoch has its set. */
  | { readonly code: "fixed"; readonly transactionHash: Hex; readonly operatorSetHash: Hex }
  /** Somebody has fixed it. */
  | { readonly code: "already-fixed"; readonly operatorSetHash: Hex }
  /** The L1 has no block yet after which the snapshot is determined. */
  | { readonly code: "too-early" }
  /** The snapshot holds no operator with weight: the epoch will have no set. */
  | { readonly code: "no-operators" }
  /** The account cannot pay for the transaction: fill it up. */
  | { readonly code: "low-balance" }
  /** Given up; `cause` is the last attempt's failure, null where the signal ended it. */
  | { readonly code: "failed"; readonly cause: TransactionFailure | null };

export type FixEpochResult = FixEpochOutcome & PayerBalance;

export type PokeResult = PokeOutcome & PayerBalance;

export interface EpochFixer {
  /** One epoch at a time, in the order of the calls. Never rejects. */
  fixEpoch(epoch: bigint, signal?: AbortSignal): Promise<FixEpochResult>;
  /**
   * Pokes the sources without a history of their own (EigenLayer's) that would not know a weight at
   * a snapshot to come, in seconds: without it that epoch is never fixed. Never rejects.
   */
  pokeSources(snapshotTime: bigint, signal?: AbortSignal): Promise<PokeResult>;
  /** The payer's balance at the newest block. Never rejects. */
  readBalance(): Promise<PayerBalance>;
}

const FEE_STEP_PERCENT = 25n;

/** Fixes epochs in the registry and pays for it. */
export function createEpochFixer(
  { signer, delay }: EpochFixerDependencies,
  options: EpochFixerOptions,
): EpochFixer {
  const provider = requireProvider(signer);
  const contract = new Contract(options.registry, REGISTRY_ABI, signer);
  const findStale = createStaleWeightFinder(provider, options.registry);
  const poker = { signer, provider, findStale, timeoutMs: options.confirmTimeoutMs };
  let previous: Promise<unknown> = Promise.resolve();

  async function readBalance(): Promise<PayerBalance> {
    try {
      const balanceWei = await provider.getBalance(await signer.getAddress());
      return { balanceWei, isBalanceLow: balanceWei < options.minBalanceWei };
    } catch {
      // Unknown is not low: the attempt itself says that the L1 is out of reach.
      return { balanceWei: null, isBalanceLow: false };
    }
  }

  async function readHash(epoch: bigint): Promise<Hex | null> {
    const hash: unknown = await contract.getFunction("operatorSetHash").staticCall(epoch);
    if (typeof hash !== "string" || !isHex(hash, 32)) throw new RangeError("not a hash");
    return hash === ZERO_HASH ? null : hash;
  }

  async function attempt(epoch: bigint, round: number): Promise<FixEpochOutcome> {
    const present = await readHash(epoch);
    if (present !== null) return { code: "already-fixed", operatorSetHash: present };
    const sent = await transact({
      contract,
      method: "fixEpoch",
      args: [epoch],
      timeoutMs: options.confirmTimeoutMs,
      overrides: await priceFor({ signer, provider, round }),
    });
    const operatorSetHash = await readHash(epoch);
    if (sent.ok && operatorSetHash !== null) {
      return { code: "fixed", transactionHash: sent.transactionHash, operatorSetHash };
    }
    if (operatorSetHash !== null) return { code: "already-fixed", operatorSetHash };
    if (sent.ok) return unavailable();
    if (sent.error === "SnapshotNotReady") return { code: "too-early" };
    if (sent.error === "NoOperators") return { code: "no-operators" };
    if (sent.code === "insufficient-funds") return { code: "low-balance" };
    return { code: "failed", cause: sent };
  }

  async function run<Outcome extends { readonly code: string }>(
    once: (round: number) => Promise<Outcome | Failed>,
    signal: AbortSignal | undefined,
  ): Promise<Outcome | Failed> {
    let outcome: Outcome | Failed = { code: "failed", cause: null };
    for (let round = 0; round < options.maxAttempts; round++) {
      if (round > 0) await delay(options.backoffMs * 2 ** (round - 1), signal).catch(() => {});
      if (signal?.aborted) return { code: "failed", cause: null };
      outcome = await once(round).catch(
        (error: unknown): Failed => ({
          code: "failed",
          cause: transactionFailure(error, contract.interface),
        }),
      );
      // A contract that refuses will refuse again; everything else may pass.
      if (!isFailed(outcome) || outcome.cause?.code === "reverted") return outcome;
    }
    return outcome;
  }

  /** One at a time: the account's transactions are told apart by their nonces alone. */
  function inTurn<Outcome>(work: () => Promise<Outcome>): Promise<Outcome & PayerBalance> {
    const turn = previous.then(async () => ({ ...(await work()), ...(await readBalance()) }));
    previous = turn;
    return turn;
  }

  return {
    readBalance,
    fixEpoch: (epoch, signal) => inTurn(() => run((round) => attempt(epoch, round), signal)),
    pokeSources: (snapshotTime, signal) =>
      inTurn(() =>
        run((round) => {
          const overrides = (): Promise<Overrides> => priceFor({ signer, provider, round });
          return pokeStaleSources({ ...poker, overrides }, snapshotTime);
        }, signal),
      ),
  };
}

type Failed = Extract<PokeOutcome, { readonly code: "failed" }>;

function isFailed(outcome: { readonly code: string }): outcome is Failed {
  return outcome.code === "failed";
}

/**
 * How long an operator waits before it pays for an epoch: the operators take turns by index, one
 * rank after the other steps in where the one before it did not.
 */
export function payerDelayMs(turn: {
  readonly epoch: bigint;
  readonly index: number;
  readonly count: number;
  readonly stepMs: number;
}): number {
  const first = Number(turn.epoch % BigInt(turn.count));
  return ((turn.index - first + turn.count) % turn.count) * turn.stepMs;
}

/** The next unmined nonce, at a price that replaces what an earlier round left waiting there. */
async function priceFor(payer: {
  readonly signer: Signer;
  readonly provider: Provider;
  readonly round: number;
}): Promise<Overrides> {
  const nonce = await payer.signer.getNonce("latest");
  if (payer.round === 0) return { nonce };
  const { maxFeePerGas, maxPriorityFeePerGas } = await payer.provider.getFeeData();
  if (maxFeePerGas === null || maxPriorityFeePerGas === null) return { nonce };
  const percent = 100n + FEE_STEP_PERCENT * BigInt(payer.round);
  return {
    nonce,
    maxFeePerGas: (maxFeePerGas * percent) / 100n,
    maxPriorityFeePerGas: (maxPriorityFeePerGas * percent) / 100n,
  };
}

function requireProvider(signer: Signer): Provider {
  if (signer.provider !== null) return signer.provider;
  throw new SettlementError("no-provider", "Connect the signer to an RPC.");
}

function unavailable(): FixEpochOutcome {
  return { code: "failed", cause: { ok: false, code: "l1-unavailable", error: null } };
}
