import {
  buildOperatorSet,
  type Claim,
  claimDigest,
  type Domain,
  type EpochSchedule,
  type Hex,
  keccak256,
  type OperatorSet,
  type RollupParameters,
  uintWord,
} from "@mach/core";
import type { SimBlock } from "./block-tree.ts";
import type { Plan } from "./plan.ts";
import { createTwinBls, type TwinBls } from "./twin-bls.ts";

export const ROLLUP_ID = 902n;
/** Unix time in milliseconds at which every run starts. */
export const START_MS = 1_000_000_000;

/** An operator of the run: its place in the plan, and what others know it by. */
export interface Member {
  readonly index: number;
  readonly operator: Hex;
  readonly publicKey: Hex;
  readonly isByzantine: boolean;
}

/**
 * What is true in a run whatever the nodes think: sets, parameters and the claim about each block.
 * The formulas are written out here again, so that the engine is not held against itself.
 */
export interface Setting {
  readonly plan: Plan;
  readonly domain: Domain;
  readonly schedule: EpochSchedule;
  readonly bls: TwinBls;
  readonly members: readonly Member[];
  byAddress(operator: Hex): Member | undefined;
  /** Null for an epoch that L1 never fixes. */
  operatorSet(epoch: bigint): OperatorSet | null;
  parameters(epoch: bigint): RollupParameters;
  epochOf(block: SimBlock): bigint;
  /** The one claim that an honest operator makes about a block; null where it makes none. */
  claimOf(block: SimBlock): Claim | null;
  /** A claim's digest, remembered with the claim: most of a run's time would go into hashing. */
  digestOf(claim: Claim): Hex;
  /** An operator's weight in an epoch; 0 outside of the set. */
  weightOf(epoch: bigint, index: number): bigint;
  totalWeight(epoch: bigint): bigint;
  /** More than two thirds, or what the epoch asks for, in integers. */
  isEnough(epoch: bigint, weight: bigint): boolean;
}

/** Builds every epoch's set of a plan. */
export function createSetting(plan: Plan): Setting {
  const bls = createTwinBls();
  const domain: Domain = { chainId: 31_337n, verifyingContract: `0x${"ab".repeat(20)}` };
  const genesisTime = BigInt(START_MS / 1_000);
  const schedule = { genesisTime, epochSeconds: BigInt(plan.epochSeconds) };
  const members = createMembers(plan);
  const addresses = new Map(members.map((member) => [member.operator, member]));
  const absent = new Set(
    plan.faults.filter(({ kind }) => kind === "epoch-absent").map(({ size }) => BigInt(size)),
  );
  const sets = new Map<bigint, OperatorSet>();
  for (const [epoch, weights] of plan.weights.entries()) {
    const operators = members
      .map(({ operator, publicKey, index }) => ({
        operator,
        publicKey,
        weight: weights[index] ?? 0n,
      }))
      .filter(({ weight }) => weight > 0n);
    const built = buildOperatorSet(bls, { epoch: BigInt(epoch), operators });
    if (!built.ok) throw new RangeError(`the plan's epoch ${epoch} has no set: ${built.code}`);
    sets.set(BigInt(epoch), built.operatorSet);
  }
  const weightOf = (epoch: bigint, index: number): bigint =>
    plan.weights[Number(epoch)]?.[index] ?? 0n;
  const totalWeight = (epoch: bigint): bigint =>
    (plan.weights[Number(epoch)] ?? []).reduce((sum, weight) => sum + weight, 0n);
  const thresholdAt = (epoch: bigint): number => plan.thresholds[Number(epoch)] ?? 10_000;
  const interval = BigInt(plan.attestationInterval);
  const digests = new WeakMap<Claim, Hex>();
  const claims = new Map<SimBlock, Claim>();

  return {
    plan,
    domain,
    schedule,
    bls,
    members,
    byAddress: (operator) => addresses.get(operator),
    operatorSet: (epoch) => (absent.has(epoch) ? null : (sets.get(epoch) ?? null)),
    parameters: (epoch) => ({
      rollupId: ROLLUP_ID,
      stack: "evm",
      attestationInterval: interval,
      thresholdBps: thresholdAt(epoch),
      verification: 1,
    }),
    epochOf: (block) => (block.timestamp - genesisTime) / schedule.epochSeconds,
    claimOf(block) {
      const { blockNumber, blockHash, stateRoot, outputRoot, timestamp } = block;
      if (blockNumber % interval !== 0n) return null;
      const epoch = (timestamp - genesisTime) / schedule.epochSeconds;
      const known = claims.get(block);
      if (known !== undefined) return known;
      const named = { rollupId: ROLLUP_ID, blockNumber, blockHash, stateRoot, outputRoot };
      const claim: Claim = { ...named, timestamp, epoch, verification: 1 };
      claims.set(block, claim);
      return claim;
    },
    digestOf(claim) {
      const digest = digests.get(claim) ?? claimDigest(domain, claim);
      digests.set(claim, digest);
      return digest;
    },
    weightOf,
    totalWeight,
    isEnough(epoch, weight) {
      const total = totalWeight(epoch);
      if (total === 0n || weight * 3n <= total * 2n) return false;
      return weight * 10_000n >= total * BigInt(thresholdAt(epoch));
    },
  };
}

function createMembers(plan: Plan): readonly Member[] {
  return Array.from({ length: plan.operators }, (_, index) => {
    const word = uintWord(index + 1);
    const key = keccak256(word);
    return {
      index,
      operator: `0x${word.slice(-40)}` as Hex,
      publicKey: `${key}${key.slice(2, 34)}` as Hex,
      isByzantine: plan.byzantine.includes(index),
    };
  });
}
