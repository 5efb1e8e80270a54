export { type CertificatePolicy, type UnmetDemand, unmetDemand } from "@mach/api";
export type {
  BlockAnswer,
  ContradictedAnswer,
  FastFinalBlock,
  FastFinalHead,
  FastFinalTransaction,
  FinalityAnswer,
  Inclusion,
  NotYetBlock,
  NotYetCode,
  NotYetHead,
  ReportedHeads,
  TransactionAnswer,
  UnknownAnswer,
} from "./answers.ts";
export type { Contradiction } from "./certificate-memory.ts";
export { createMachClient, type MachClient, type MachClientOptions } from "./client.ts";
export type { EndpointReport } from "./endpoints.ts";
export { SdkError, type SdkErrorCode } from "./errors.ts";
export {
  type EventHandlers,
  type EventSourceOptions,
  readEvents,
  type ServerEvent,
} from "./event-source.ts";
export { checkEvidence, type EvidenceCheckOptions, evidenceEpochs } from "./evidence-check.ts";
export {
  type BlockId,
  checkHeaderChain,
  type HeaderChainFailure,
  type HeaderChainResult,
} from "./header-chain.ts";
export {
  checkInclusion,
  type InclusionFailure,
  type InclusionResult,
  type ProvenTransaction,
} from "./inclusion.ts";
export { type L1NetworkQuestion, type NetworkAnswer, readNetwork } from "./l1-network.ts";
export type { MachNetwork } from "./network.ts";
export type { Policy, PolicyCode } from "./policy.ts";
export type { L1Trust, PinnedTrust, SetAnswer, SetFailure, Trust } from "./trust.ts";
export type { CertificateFacts, RefusalCode, Verdict } from "./verdict.ts";
