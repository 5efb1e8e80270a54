import type {
  Alert,
  BlockStatus,
  CertificateCalldata,
  CertificatePolicy,
  ErrorCode,
  Finality,
  FollowedRollup,
  Health,
  Network,
  NodeEvent,
  OperatorReport,
  OperatorSummary,
  Page,
  TransactionStatus,
} from "@mach/api";
import type { Evidence, Hex, OperatorSet, SetUpdate, VerifiedCertificate } from "@mach/core";

/** What a view can fail with; the route table says which route has which. */
export type ViewFailure = Extract<
  ErrorCode,
  | "unknown-rollup"
  | "unknown-epoch"
  | "unknown-certificate"
  | "unknown-operator"
  | "not-yet"
  | "no-certificate"
  | "no-update"
  | "contradicted"
  | "pruned"
  | "stale"
  | "unavailable"
>;

export type ViewResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code: ViewFailure;
      /** What a reader may want to know beside the code's meaning: one sentence. */
      readonly detail?: string;
    };

/** A value at once, or soon: what is in memory is given without a promise, for speed. */
export type Eventual<T> = T | Promise<T>;

/** A certificate as it stands. Only a verified one is ever served. */
export interface ServedCertificate {
  readonly certificate: VerifiedCertificate;
  /** Whether its improvement window is open: it may still be replaced by one with more weight. */
  readonly isImproving: boolean;
}

/** A set update as it stands. Only a verified one, over L1's own hash, is ever served. */
export interface ServedSetUpdate {
  readonly update: SetUpdate;
  /** Whether signers are missing that may still sign. */
  readonly isImproving: boolean;
}

/** A page of an operator's epochs; `next` is the epoch that the page after it begins with. */
export interface ServedReport {
  readonly report: OperatorReport;
  readonly next: bigint | null;
}

/** Where a page of a list begins (the newest items if undefined) and how long it is at most. */
export interface PageRequest {
  readonly from: bigint | undefined;
  readonly limit: number;
}

/** An event's place in its stream, which several processes may serve alike. */
export interface EventId {
  /** Names the stream: 8 hexadecimal digits, new with each run of the node that it is of. */
  readonly run: string;
  readonly sequence: number;
  /** Events of its topic before it may be missing. */
  readonly isAfterGap: boolean;
}

/**
 * What the HTTP server reads a node through. It never makes an answer up: a method that throws
 * or rejects becomes the answer `internal`.
 */
export interface NodeView {
  network(): Eventual<Network>;
  rollups(): Eventual<readonly FollowedRollup[]>;
  rollup(rollupId: bigint): Eventual<ViewResult<FollowedRollup>>;
  /** With a policy, of the certificates that meet it alone; so for blocks and transactions. */
  finality(rollupId: bigint, policy?: CertificatePolicy): Eventual<ViewResult<Finality>>;
  /** A block by number or hash; `unknown` is a status, not a failure. */
  block(
    rollupId: bigint,
    block: bigint | Hex,
    policy?: CertificatePolicy,
  ): Eventual<ViewResult<BlockStatus>>;
  transaction(
    rollupId: bigint,
    hash: Hex,
    policy?: CertificatePolicy,
  ): Eventual<ViewResult<TransactionStatus>>;
  /** The best certificate for a block at this height. */
  certificate(rollupId: bigint, blockNumber: bigint): Eventual<ViewResult<ServedCertificate>>;
  /** Ascending by height; `next` is null on the page with the newest. */
  certificates(
    rollupId: bigint,
    page: PageRequest,
  ): Eventual<ViewResult<Page<VerifiedCertificate>>>;
  certificateById(certificateId: Hex): Eventual<ViewResult<ServedCertificate>>;
  /** A certificate as the contracts take it. */
  calldata(certificate: VerifiedCertificate): Eventual<ViewResult<CertificateCalldata>>;
  operatorSet(epoch: bigint | "current"): Eventual<ViewResult<OperatorSet>>;
  setUpdate(epoch: bigint | "current"): Eventual<ViewResult<ServedSetUpdate>>;
  operators(epoch: bigint | "current"): Eventual<ViewResult<readonly OperatorSummary[]>>;
  /** A page of epochs. */
  operator(operator: Hex, page: PageRequest): Eventual<ViewResult<ServedReport>>;
  /** In the order of keeping; positions count from 0. */
  evidence(page: PageRequest): Eventual<Page<Evidence>>;
  /** The newest first, 1024 at most. */
  alerts(): Eventual<readonly Alert[]>;
  health(): Eventual<Health>;
  /** Hears every event from now on, in order, until the returned function is called. */
  subscribe(listener: (event: NodeEvent, id?: EventId) => void): () => void;
}
