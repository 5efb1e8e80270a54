import type { BlockReference, BlockStatusName, ProofGap } from "@mach/api";
import type { Hex, VerifiedCertificate } from "@mach/core";
import type { Contradiction } from "./certificate-memory.ts";
import type { EndpointReport } from "./endpoints.ts";
import type { HeaderChainFailure } from "./header-chain.ts";
import type { InclusionFailure, ProvenTransaction } from "./inclusion.ts";
import type { PolicyCode } from "./policy.ts";
import type { CertificateFacts, RefusalCode } from "./verdict.ts";

/** Why a block or a rollup is not fast-final for this client. */
export type NotYetCode =
  | PolicyCode
  | RefusalCode
  | HeaderChainFailure
  | InclusionFailure
  /** Why the endpoints cannot prove where a transaction is: `order-only` will never be proved. */
  | ProofGap
  /** An answer about a transaction has neither a proof nor a reason why. */
  | "no-proof"
  /** The endpoints say that no certificate covers it yet. Keep polling. */
  | "pending"
  /** The endpoints keep nothing that is as old: to poll does not help, another endpoint may. */
  | "pruned"
  /** The endpoints name different blocks, or too few name one: nothing is covered for sure. */
  | "no-agreement"
  /** An answer is about another rollup or block than the one that was asked for. */
  | "wrong-subject"
  /** `timeoutMs` ran out while waiting. */
  | "timed-out";

/** No endpoint gave an answer of this API: nothing is known, and nothing may be concluded. */
export interface UnknownAnswer {
  readonly status: "unknown";
  readonly code: "unreachable";
  readonly endpoints: readonly EndpointReport[];
}

/** Two valid certificates conflict, or enough endpoints say that L1 contradicts one. */
export interface ContradictedAnswer {
  readonly status: "contradicted";
  readonly code: "conflicting-certificates" | "reported-contradiction";
  /** The two as evidence; null where it rests on what the endpoints say. */
  readonly contradiction: Contradiction | null;
  readonly endpoints: readonly EndpointReport[];
}

/** A block that was verified to be in or under a certificate. */
export interface FastFinalBlock {
  readonly status: "fast-final";
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly certificate: VerifiedCertificate;
  readonly facts: CertificateFacts;
  /** The headers from the certified block down to its child, checked; newest first. */
  readonly headers: readonly Hex[];
  readonly endpoints: readonly EndpointReport[];
}

export interface NotYetBlock {
  readonly status: "not-yet";
  readonly code: NotYetCode;
  /** What `agree` endpoints say at least; unverified, and null where they do not agree. */
  readonly reported: BlockStatusName | null;
  readonly endpoints: readonly EndpointReport[];
}

/** The status of a block. `fast-final` was verified here; nothing else is final. */
export type BlockAnswer = FastFinalBlock | NotYetBlock | ContradictedAnswer | UnknownAnswer;

/** That a block holds a transaction: proved here, or said by `agree` endpoints alone. */
export type Inclusion =
  | ({ readonly inclusion: "proven" } & ProvenTransaction)
  | { readonly inclusion: "agreed" };

/** A transaction in a block that was verified to be in or under a certificate. */
export type FastFinalTransaction = FastFinalBlock & { readonly transactionHash: Hex } & Inclusion;

/** The status of a transaction. `fast-final` was verified here; nothing else is final. */
export type TransactionAnswer =
  | FastFinalTransaction
  | NotYetBlock
  | ContradictedAnswer
  | UnknownAnswer;

/** Heads that nothing proves: heights that at least `agree` endpoints have reached. */
export interface ReportedHeads {
  readonly observed: bigint | null;
  readonly safe: bigint | null;
  readonly finalized: bigint | null;
}

/** The newest verified block of a rollup. */
export interface FastFinalHead {
  readonly status: "fast-final";
  readonly rollupId: bigint;
  readonly block: BlockReference;
  readonly certificate: VerifiedCertificate;
  readonly facts: CertificateFacts;
  readonly reported: ReportedHeads;
  readonly endpoints: readonly EndpointReport[];
}

export interface NotYetHead {
  readonly status: "not-yet";
  readonly code: NotYetCode;
  readonly reported: ReportedHeads;
  readonly endpoints: readonly EndpointReport[];
}

export type FinalityAnswer = FastFinalHead | NotYetHead | ContradictedAnswer | UnknownAnswer;
