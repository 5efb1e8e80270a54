import type { AdmittedAttestation, VerifiedAttestation } from "../attestation.ts";
import type { VerifiedCertificate } from "../certificate.ts";
import type { Claim } from "../claim.ts";
import type { Domain } from "../domain.ts";
import type { EpochSchedule } from "../epoch.ts";
import type { Hex } from "../hex.ts";
import type { OperatorSet } from "../operator-set.ts";
import type { RollupParameters } from "../rollup.ts";
import type { VerifiedSetUpdate } from "./set-update-admission.ts";

/** A rollup block whose hash was recomputed from its header and agreed by the sources. */
export interface VerifiedBlock {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly parentHash: Hex;
  readonly stateRoot: Hex;
  /** Null where it needs a proof that was not at hand: such a block is never signed. */
  readonly outputRoot: Hex | null;
  /** Seconds. */
  readonly timestamp: bigint;
  readonly headerRlp: Hex;
  /** No claim is made about it: the last block of its L1 batch stands for it. */
  readonly isWithinBatch?: true;
}

/** A head of the rollup, as a block tag names it. */
export interface Head {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly timestamp: bigint;
}

/** What the engine is told once. Counts bound its memory; times are milliseconds. */
export interface EngineOptions {
  readonly domain: Domain;
  readonly schedule: EpochSchedule;
  /** The operator that this node signs for; null for an observer. */
  readonly operator: Hex | null;
  readonly rollups: readonly RollupResume[];
  /** How long a certificate goes on improving after it reached the threshold. */
  readonly improvementWindowMs: number;
  /** How many heights below the newest block attestations are still taken for. */
  readonly openHeights: number;
  /** How many attestations for blocks not yet verified here are kept, per rollup. */
  readonly earlyAttestations: number;
  /**
   * How many blocks below the newest are kept with their headers, per rollup; 16 times as many
   * while nothing may be signed, because a release has to be linked to the newest block by them.
   */
  readonly chainDepth: number;
  /** How old a height must be before a missing certificate is given a reason. */
  readonly graceMs: number;
}

/** Where a rollup is taken up again after a restart. */
export interface RollupResume {
  readonly rollupId: bigint;
  /** The last claim signed, from the protection record. */
  readonly lastSigned: Claim | null;
}

/** One claim's attestations at one height. */
export interface ClaimPool {
  readonly claim: Claim;
  readonly digest: Hex;
  /** By operator index: only these count for an operator. */
  readonly verified: Map<number, VerifiedAttestation>;
  /** Of those together: a sum of all of them for each one that comes grows with their square. */
  verifiedWeight: bigint;
  /** By operator index: arrived, and in the attribution check. Forged ones may be among them. */
  readonly arrived: Map<number, AdmittedAttestation>;
  arrivedWeight: bigint;
  /** A sum is being checked; nothing else is started for this claim meanwhile. */
  isSumming: boolean;
  /** A sum has failed: from then on only attributed signatures are summed. */
  hasBadSum: boolean;
  /** The signers of the attributed sum that was started last: the same one is not made again. */
  summed: Hex | null;
}

/** What is known of one attested height. */
export interface HeightState {
  readonly blockNumber: bigint;
  readonly pools: Map<Hex, ClaimPool>;
  /** The digest that each operator was first found to have signed. */
  readonly firstDigest: Map<Hex, Hex>;
  /** Operators with evidence at this height: one piece each is enough. */
  readonly convicted: Set<Hex>;
  /** The claim that this node would sign, once it verified the block and knows the set. */
  ownDigest: Hex | null;
  /** When this node observed the block. */
  observedAtMs: number | null;
}

/** A certificate that stands, and its improvement window. */
export interface CertifiedHeight {
  readonly certificate: VerifiedCertificate;
  readonly digest: Hex;
  /** Null once closed, and for certificates that came from elsewhere whole. */
  readonly openUntilMs: number | null;
  /** When this node gossips it unless it has heard an equal or better one before. */
  readonly publishAtMs: number | null;
  readonly certifiedAtMs: number;
  /** From the block's observation to the certificate, at this node; null where unknown. */
  readonly latencyMs: number | null;
}

/** A certified claim that is contradicted, for ever: whoever signs it later changes nothing. */
export interface ContradictedClaim {
  readonly blockNumber: bigint;
  readonly digest: Hex;
}

/** Certificates that contradict each other or the L1-finalised chain, and what they reach. */
export interface Contradiction {
  /** Nothing from this height on is served as fast-final while the contradiction is open. */
  readonly fromBlockNumber: bigint;
  /** Fast finality resumes when the L1-finalised height has passed this one. */
  readonly throughBlockNumber: bigint;
  readonly claims: readonly ContradictedClaim[];
}

/** A certified block that L1 has not finalised yet. */
export interface UnsettledClaim {
  readonly blockHash: Hex;
  readonly digest: Hex;
}

/** A block that the followed branch has left, and the highest ancestor that both share. */
export interface DroppedBlock {
  readonly blockNumber: bigint;
  readonly ancestor: bigint;
  readonly block: VerifiedBlock;
}

/** The highest claim that an operator is known to have attested. */
export interface BoundOperator {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  /** It is known not to be of the followed branch. */
  readonly isOff: boolean;
}

/** The engine's state of one rollup. */
export interface RollupState {
  readonly rollupId: bigint;
  /** The followed branch by height. */
  readonly blocks: Map<bigint, VerifiedBlock>;
  readonly numberByHash: Map<Hex, bigint>;
  /** Blocks of left branches, by hash. */
  readonly dropped: Map<Hex, DroppedBlock>;
  tip: VerifiedBlock | null;
  tipObservedAtMs: number | null;
  safe: Head | null;
  finalized: Head | null;
  readonly heights: Map<bigint, HeightState>;
  /** How many attestations of each operator are for blocks not yet verified here. */
  early: ReadonlyMap<Hex, number>;
  readonly certified: Map<bigint, CertifiedHeight>;
  newest: CertifiedHeight | null;
  /** By height: what is still to be held against L1's finalised head. */
  readonly unsettled: Map<bigint, UnsettledClaim>;
  /** The height through which L1 has settled what pairs of certificates are charged for. */
  charged: bigint;
  /** The open ones. */
  contradictions: readonly Contradiction[];
  /** By digest, with the height: as far back as certificates are in memory. */
  readonly contradicted: Map<Hex, bigint>;
  /** By operator: where the fork lock holds it, as far as its attestations tell. */
  readonly bound: Map<Hex, BoundOperator>;
  lastSigned: Claim | null;
  /** The claim that the signer has been asked for: one at a time, each after what came of it. */
  signing: Claim | null;
  /** The highest height of the followed branch that is dealt with: what is above is to be signed. */
  passed: bigint | null;
  /** The highest height of the followed branch that the node said it does not sign. */
  reported: bigint | null;
  /** What nothing is signed for, until L1 or a certificate releases; blocks are kept for it. */
  lock: "fork-locked" | "waiting-for-finality" | null;
}

/** An epoch's operator set with the rollup parameters that were fixed with it. */
export interface EpochState {
  readonly operatorSet: OperatorSet;
  readonly rollups: ReadonlyMap<bigint, RollupParameters>;
  readonly byOperator: ReadonlyMap<Hex, number>;
}

/** What is known of the update into one epoch. */
export interface SetUpdateState {
  readonly epoch: bigint;
  /** By index in the set of the epoch before: attributed signatures over the registry's hash. */
  readonly signatures: Map<number, VerifiedSetUpdate>;
  /** By index, while the registry's hash is not known here: valid, and over whatever hash. */
  readonly undecided: Map<number, readonly VerifiedSetUpdate[]>;
  /** Operators with evidence in this epoch: one piece each is enough. */
  readonly convicted: Set<Hex>;
  /** The best update of a quorum over the registry's hash. */
  held: VerifiedSetUpdate | null;
  /** A sum is being made; nothing else is started for this epoch meanwhile. */
  isSumming: boolean;
  /** This process has read the hash from L1-finalised state: only then is it signed. */
  isFinal: boolean;
  /** When the signer was last asked, and how often. */
  askedAtMs: number | null;
  attempts: number;
}

/** The whole state. It belongs to `step`: pass it on, do not keep an older one. */
export interface EngineState {
  readonly options: EngineOptions;
  readonly epochs: Map<bigint, EpochState>;
  /** Past epochs that L1 has no set for, and will not have. */
  readonly absentEpochs: Set<bigint>;
  readonly rollups: Map<bigint, RollupState>;
  /** By the epoch that the update leads into. */
  readonly setUpdates: Map<bigint, SetUpdateState>;
}

/** How many epochs' sets are kept: the current ones and those that open heights can be of. */
export const MAX_EPOCHS = 16;

/** The state before any input. */
export function createEngineState(options: EngineOptions): EngineState {
  const rollups = new Map<bigint, RollupState>();
  for (const { rollupId, lastSigned } of options.rollups) {
    rollups.set(rollupId, {
      rollupId,
      blocks: new Map(),
      numberByHash: new Map(),
      dropped: new Map(),
      tip: null,
      tipObservedAtMs: null,
      safe: null,
      finalized: null,
      heights: new Map(),
      early: new Map(),
      certified: new Map(),
      newest: null,
      unsettled: new Map(),
      charged: -1n,
      contradictions: [],
      contradicted: new Map(),
      bound: new Map(),
      lastSigned,
      signing: null,
      // The last claim may have been signed and not published: the signer gives the same again.
      passed: lastSigned === null ? null : lastSigned.blockNumber - 1n,
      reported: null,
      lock: null,
    });
  }
  return {
    options,
    epochs: new Map(),
    absentEpochs: new Set(),
    rollups,
    setUpdates: new Map(),
  };
}

/** A height's state, made when it is first touched. */
export function heightAt(rollup: RollupState, blockNumber: bigint): HeightState {
  let height = rollup.heights.get(blockNumber);
  if (height === undefined) {
    height = {
      blockNumber,
      pools: new Map(),
      firstDigest: new Map(),
      convicted: new Set(),
      ownDigest: null,
      observedAtMs: null,
    };
    rollup.heights.set(blockNumber, height);
  }
  return height;
}

/** The rollup's parameters in an epoch, or undefined while its set is not known here. */
export function parametersOf(
  state: EngineState,
  at: { readonly rollupId: bigint; readonly epoch: bigint },
): RollupParameters | undefined {
  return state.epochs.get(at.epoch)?.rollups.get(at.rollupId);
}
