import { type Alert, MAX_PAGE_ITEMS, type Participation } from "@mach/api";
import type {
  Certificate,
  Contradiction,
  Domain,
  Evidence,
  Hex,
  OperatorSet,
  RollupParameters,
  SetUpdate,
} from "@mach/core";

/** What L1 has fixed for an epoch. */
export interface EpochRecord {
  readonly operatorSet: OperatorSet;
  readonly rollups: readonly RollupParameters[];
}

/** The newest block of a rollup that was worked through: where to go on after a restart. */
export interface ResumePoint {
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
}

export interface ContradictionEntry {
  readonly rollupId: bigint;
  readonly contradiction: Contradiction;
}

/** What this node has seen of each operator on a rollup in an epoch. */
export interface ParticipationRecord {
  readonly rollupId: bigint;
  readonly epoch: bigint;
  /** Up to which height is counted: none at or below it is ever counted again. */
  readonly throughBlockNumber: bigint;
  /** By ascending address. */
  readonly operators: readonly (Participation & { readonly operator: Hex })[];
}

/** What goes with age, and by what it is told how far. */
export type AgingKind =
  /** By height, of a rollup. */
  | { readonly kind: "certificates"; readonly rollupId: bigint }
  /** By epoch, with the updates into it. */
  | { readonly kind: "sets" }
  /** By epoch. */
  | { readonly kind: "participation" };

/** A batch of what may go: what the store has no reason of its own to keep. */
export type PruneStep =
  /** Certificates below a height and an epoch. Contradicted heights stay, with all their claims. */
  | {
      readonly kind: "certificates";
      readonly rollupId: bigint;
      readonly belowBlock: bigint;
      readonly belowEpoch: bigint;
    }
  /** Operator sets below an epoch, and the updates that they would be needed to check. */
  | { readonly kind: "sets"; readonly belowEpoch: bigint; readonly except: ReadonlySet<bigint> }
  /** These pieces; the newest of all stays, so that no position is ever given twice. */
  | { readonly kind: "evidence"; readonly evidenceIds: readonly Hex[] };

/** How many rows a batch may remove: a millisecond or two, and one commit. */
export const PRUNE_BATCH = 24;

/** A part of a list; never more than MAX_PAGE_ITEMS of `@mach/api`, whatever `limit` says. */
export interface PageRequest {
  readonly from?: bigint | undefined;
  readonly limit: number;
}

export interface EvidenceEntry {
  /** Counts from 0 in the order of keeping. */
  readonly position: bigint;
  /** keccak256 of the evidence's canonical JSON. */
  readonly evidenceId: Hex;
  readonly evidence: Evidence;
}

export type PutCertificateResult =
  | { readonly ok: true }
  /** Of another network than the store: not kept. */
  | { readonly ok: false; readonly code: "wrong-domain" }
  /** Another claim stands at that height: kept under its id only, for evidence. */
  | { readonly ok: false; readonly code: "conflicting-claim" }
  /** Of a height whose certificate went with age: what contradicts it could not be told. */
  | { readonly ok: false; readonly code: "pruned" };

export type PutEpochResult =
  | { readonly ok: true }
  /** Another set, or other rollups, are kept for that epoch, which L1 fixes once: not kept. */
  | { readonly ok: false; readonly code: "conflicting-epoch" };

export type PutSetUpdateResult =
  | { readonly ok: true }
  /** Of another network than the store: not kept. */
  | { readonly ok: false; readonly code: "wrong-domain" };

export type PutEvidenceResult =
  | { readonly ok: true; readonly evidenceId: Hex; readonly isNew: boolean }
  /** The bound on evidence is reached: not kept, and nothing that is kept makes way for it. */
  | { readonly ok: false; readonly code: "evidence-full"; readonly evidenceId: Hex };

/**
 * What a node keeps for its readers and for its own restart. What is not there is null, never a
 * default. A row that is not what was written fails with a NodeError `row-corrupt`. When a put
 * has resolved, every reader sees it; when `flush` or `stop` has, it is on disk.
 */
export interface Store {
  /** Makes this the certificate of its height: whether it is the better one the caller decides. */
  putCertificate(certificate: Certificate): Promise<PutCertificateResult>;
  certificateAt(rollupId: bigint, blockNumber: bigint): Promise<Certificate | null>;
  /** Also one that was replaced at its height. */
  certificateById(certificateId: Hex): Promise<Certificate | null>;
  newestCertificate(rollupId: bigint): Promise<Certificate | null>;
  /** By ascending height from `from`; without it the newest ones, ascending too. */
  listCertificates(
    page: PageRequest & { readonly rollupId: bigint },
  ): Promise<readonly Certificate[]>;

  /** Keeps for good that certificates are contradicted; the same again changes nothing. */
  putContradiction(kept: ContradictionEntry): Promise<void>;
  /** By ascending height. */
  contradictions(rollupId: bigint): Promise<readonly Contradiction[]>;

  putEpoch(record: EpochRecord): Promise<PutEpochResult>;
  epochRecord(epoch: bigint): Promise<EpochRecord | null>;
  /** The epochs below this one that there are records of, ascending. */
  epochsBelow(epoch: bigint): Promise<readonly bigint[]>;

  /** Makes this the update into its epoch: whether it is the better one the caller decides. */
  putSetUpdate(update: SetUpdate): Promise<PutSetUpdateResult>;
  setUpdateOf(epoch: bigint): Promise<SetUpdate | null>;

  putEvidence(evidence: Evidence): Promise<PutEvidenceResult>;
  evidenceById(evidenceId: Hex): Promise<Evidence | null>;
  /** In the order of keeping from the position `from`; without it the newest ones, in order. */
  listEvidence(page: PageRequest): Promise<readonly EvidenceEntry[]>;

  /** Keeps an alert, in the place of the one with its id; beyond the bound the oldest goes. */
  putAlert(alert: Alert): Promise<void>;
  /** All that are kept, in the order in which they were first put, newest first. */
  listAlerts(): Promise<readonly Alert[]>;

  putResumePoint(point: ResumePoint): Promise<void>;
  resumePoint(rollupId: bigint): Promise<ResumePoint | null>;

  /**
   * Keeps all of these or none, each in the place of the one of its rollup and epoch. Those of
   * epochs that are `participationEpochs` or more below the newest one go.
   */
  putParticipation(records: readonly ParticipationRecord[]): Promise<void>;
  /** Of an epoch, by ascending rollupId. */
  participation(epoch: bigint): Promise<readonly ParticipationRecord[]>;
  /** The epochs that there are records of, ascending. */
  participationEpochs(): Promise<readonly bigint[]>;

  /** From where on nothing has gone with age: below it, what is missing may have been kept once. */
  keptFrom(of: AgingKind): Promise<bigint>;
  /**
   * Removes up to PRUNE_BATCH rows, the oldest first, and says so in `keptFrom` in the same change.
   * Whether they are old enough the caller decides.
   */
  prune(step: PruneStep): Promise<PruneResult>;

  flush(): Promise<void>;
  stop(): Promise<void>;
}

export interface PruneResult {
  readonly removed: number;
  /** Whether nothing is left that the step would remove. */
  readonly isDone: boolean;
}

export interface StoreOptions {
  /** The network; a store is of one for ever. */
  readonly domain: Domain;
  readonly maxEvidence: number;
  readonly maxAlerts: number;
  /** How many epochs' participation is kept, the newest included. */
  readonly participationEpochs: number;
}

const MAX_EVIDENCE = 10_000;
const MAX_ALERTS = 1_024;
const PARTICIPATION_EPOCHS = 32;

/** What a network's store is opened with, by a node as by who reads for it. */
export function storeOptions(
  domain: Domain,
  retention: { readonly participationEpochs?: number; readonly alerts?: number } = {},
): StoreOptions {
  const { alerts = MAX_ALERTS, participationEpochs = PARTICIPATION_EPOCHS } = retention;
  return { domain, maxEvidence: MAX_EVIDENCE, maxAlerts: alerts, participationEpochs };
}

/** How many items a page of a list may have. Throws a RangeError for a limit below 1. */
export function pageItems(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError("expected a limit of 1 or more");
  return Math.min(limit, MAX_PAGE_ITEMS);
}
