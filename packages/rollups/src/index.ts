export {
  aggchainHash,
  type CertificateHeader,
  type CertificateStatus,
  multisigHash,
  readCertificateHeader,
  readSettledExitRoots,
  type SettledExitRoot,
} from "./agglayer.ts";
export type {
  DisagreementCode,
  SourceFailureCode,
  SourceVerdict,
} from "./agreement.ts";
export {
  type CdkBatch,
  type CdkBatchCheck,
  checkCdkBatch,
  globalExitRoot,
  readCdkBatch,
} from "./cdk.ts";
export { type ChainReading, type EndpointChain, readChainId } from "./chain-id.ts";
export {
  appendLeaf,
  type BridgeExit,
  EMPTY_EXIT_TREE,
  type ExitTree,
  exitLeaf,
  exitTreeRoot,
  l1InfoLeaf,
  rootOfPath,
} from "./exit-tree.ts";
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
export {
  createHeaderReader,
  type HeaderReader,
  type HeaderReaderOptions,
} from "./header-reader.ts";
export type { BlockHead, RollupHeads } from "./heads.ts";
export {
  createInclusionProver,
  type InclusionFailure,
  type InclusionProof,
  type InclusionProver,
  type InclusionProverOptions,
  type InclusionResult,
  type TrieProof,
} from "./inclusion-prover.ts";
export { type ProvenAccount, provenAccount } from "./merkle-proof.ts";
export { opOutputRoot } from "./op.ts";
export { type OrbitInfo, orbitInfo, orbitOutputRoot } from "./orbit.ts";
export { type ClaimReading, type ReadClaimOptions, readClaim } from "./read-claim.ts";
export {
  type ComparedBlock,
  compareWithSettled,
  type SettledAnswer,
  type SettledRoot,
  type SettlementContracts,
  type SettlementQuery,
} from "./settlement.ts";
export {
  readSettlementContracts,
  type SettlementContractsAnswer,
  type SettlementPlace,
} from "./settlement-contracts.ts";
export {
  createSettledPlaces,
  MAX_WALK_BLOCKS,
  type SettledPlace,
  type SettledPlaceAnswer,
  type SettledPlaces,
  type SettledPlacesOptions,
} from "./settlement-place.ts";
export type { SourceDescription } from "./source-description.ts";
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
export { readZkBatch, type ZkBatch } from "./zk.ts";
export { eraPreimage, legacyEraPreimage, rollingHash } from "./zk-block.ts";
export {
  auxiliaryHash,
  type BatchCode,
  batchCommitment,
  metaHash,
  passThroughHash,
  type StoredBatch,
  storedBatchHash,
} from "./zk-commitment.ts";
