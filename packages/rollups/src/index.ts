export type {
  DisagreementCode,
  SourceFailureCode,
  SourceVerdict,
} from "./agreement.ts";
export { createRollupFollower, type RollupFollower } from "./follower.ts";
export type {
  AbstainCode,
  Abstention,
  ObservedBlock,
  Reorg,
  RollupFollowerEvents,
  Skipped,
} from "./follower-events.ts";
export type { RollupFollowerOptions } from "./follower-options.ts";
export { checkHeader, type Header, type HeaderCheck, type HeaderFailure } from "./header.ts";
export type { BlockHead, RollupHeads } from "./heads.ts";
export { opOutputRoot } from "./op.ts";
export { type ClaimReading, type ReadClaimOptions, readClaim } from "./read-claim.ts";
export type { SourceDescription } from "./source.ts";
export type {
  BlockCheck,
  BlockFailure,
  CheckedBlock,
  Completed,
  Completion,
  HeadAnswer,
  HeadName,
  NodeAnswer,
  NodeCall,
  NodeFailure,
  NodeFailureCode,
  StackAdapter,
  StackNodes,
  UnverifiableCode,
} from "./stack.ts";
export { stackOf } from "./stacks.ts";
export {
  createTransactionLookup,
  type TransactionLookup,
  type TransactionLookupOptions,
} from "./transaction-lookup.ts";
