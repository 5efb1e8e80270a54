export { CERTIFICATE_VERIFIER_ABI } from "./abi/certificate-verifier.ts";
export { EIGEN_LAYER_SOURCE_ABI } from "./abi/eigen-layer-source.ts";
export { FAST_PAYMENTS_ABI } from "./abi/fast-payments.ts";
export { FINALITY_LIGHT_CLIENT_ABI } from "./abi/finality-light-client.ts";
export { HYPERLANE_FINALITY_MODULE_ABI } from "./abi/hyperlane-finality-module.ts";
export { LOCAL_TOKEN_ABI } from "./abi/local-token.ts";
export { PAYMENT_SOURCE_ABI } from "./abi/payment-source.ts";
export { REGISTRY_ABI } from "./abi/registry.ts";
export { SLASHER_ABI } from "./abi/slasher.ts";
export { STAKE_VAULT_ABI } from "./abi/stake-vault.ts";
export { WEIGHTED_SOURCES_ABI } from "./abi/weighted-sources.ts";
export {
  type CalldataFailure,
  type CalldataResult,
  decodeVerifierAnswer,
  encodeCertificateCall,
  encodeLightClientCall,
  encodeSetUpdateCall,
  type SignersArgument,
  type SignersResult,
  toSignersArgument,
  type VerifierAnswer,
  type VerifierTrust,
} from "./certificate-calldata.ts";
export {
  createEpochFixer,
  type EpochFixer,
  type EpochFixerDependencies,
  type EpochFixerOptions,
  type FixEpochOutcome,
  type FixEpochResult,
  type PayerBalance,
  type PokeResult,
  payerDelayMs,
} from "./epoch-fixer.ts";
export { SettlementError, type SettlementErrorCode } from "./errors.ts";
export type {
  Accusation,
  EncodedCharge,
  EncodedEvidence,
  EncodeEvidenceFailure,
  SlasherCall,
} from "./evidence-calldata.ts";
export type { EvidenceCheck, ReadSet, SubmissionBls } from "./evidence-check.ts";
export type { SubmissionRefusal, SubmissionStep } from "./evidence-plan.ts";
export type { Expectation } from "./evidence-state.ts";
export {
  estimateSubmission,
  type PerformResult,
  type PreparedSubmission,
  type PrepareResult,
  performSubmission,
  prepareSubmission,
  type SubmissionDependencies,
  type SubmissionReport,
  type Taking,
  transactionOf,
} from "./evidence-submission.ts";
export {
  connectExternalSigner,
  type ExternalSignerOptions,
  type ExternalSignerResult,
  type L1Account,
  type OpenWalletResult,
  openWallet,
} from "./l1-account.ts";
export { connectL1, type L1Connection } from "./l1-connection.ts";
export { createL1Signer } from "./l1-signer.ts";
export {
  createL1View,
  type L1Block,
  type L1Call,
  type L1CallAnswer,
  type L1ReadResult,
  type L1View,
  type L1ViewFailure,
  type L1ViewOptions,
  type PinnedL1,
} from "./l1-view.ts";
export {
  type LightClientResult,
  type LightClientTarget,
  submitCertificate,
  submitSetUpdate,
} from "./light-client-actions.ts";
export {
  addRollup,
  depositStake,
  mintLocalAsset,
  pokeOperators,
  readKeyCount,
  registerOperator,
  rotateKey,
} from "./operator-actions.ts";
export { calldataOf, type KeyArgument, type OperatorCall } from "./operator-calls.ts";
export {
  type PerformPlanContext,
  type PerformPlanResult,
  performOperatorPlan,
} from "./operator-performance.ts";
export {
  type Effect,
  effectAt,
  type OperatorIntent,
  type OperatorPlan,
  type PlannedStep,
  type PlanRefusal,
  type PlanRefusalCode,
  planOperatorAction,
} from "./operator-plan.ts";
export { createSetReader } from "./operator-set-reader.ts";
export {
  type Membership,
  type OperatorQuestion,
  type OperatorState,
  type ReadOperatorResult,
  readOperatorState,
  type VaultState,
} from "./operator-state.ts";
export type { PokeOutcome } from "./poke-sources.ts";
export type { UnsupportedRollup } from "./registry-codec.ts";
export {
  createRegistryReader,
  type ReadNetworkResult,
  type ReadOperatorSetResult,
  type RegistryEpoch,
  type RegistryNetwork,
  type RegistryReader,
  type RegistryReaderOptions,
  type RegistryReadFailure,
  type RegistrySetFailure,
} from "./registry-reader.ts";
export type { MemberArgument, OperatorSetArgument, PointEncoder } from "./set-argument.ts";
export { readSlasherTerms, type SlasherTerms, type SlashPreview } from "./slasher-reader.ts";
export {
  countOpenConvictions,
  type Exit,
  listExits,
  listKeys,
  type RegisteredKey,
} from "./stake-exits.ts";
export type {
  TransactionFailure,
  TransactionFailureCode,
  TransactionResult,
} from "./transaction.ts";
