export {
  CERTIFICATE_VERIFIER_ABI,
  CERTIFICATE_VERIFIER_BYTECODE,
} from "./abi/certificate-verifier.ts";
export { EIGEN_LAYER_SOURCE_ABI, EIGEN_LAYER_SOURCE_BYTECODE } from "./abi/eigen-layer-source.ts";
export { FAST_PAYMENTS_ABI, FAST_PAYMENTS_BYTECODE } from "./abi/fast-payments.ts";
export {
  FINALITY_LIGHT_CLIENT_ABI,
  FINALITY_LIGHT_CLIENT_BYTECODE,
} from "./abi/finality-light-client.ts";
export {
  HYPERLANE_FINALITY_MODULE_ABI,
  HYPERLANE_FINALITY_MODULE_BYTECODE,
} from "./abi/hyperlane-finality-module.ts";
export { LOCAL_TOKEN_ABI, LOCAL_TOKEN_BYTECODE } from "./abi/local-token.ts";
export { PAYMENT_SOURCE_ABI, PAYMENT_SOURCE_BYTECODE } from "./abi/payment-source.ts";
export { REGISTRY_ABI, REGISTRY_BYTECODE } from "./abi/registry.ts";
export { STAKE_VAULT_ABI, STAKE_VAULT_BYTECODE } from "./abi/stake-vault.ts";
export { WEIGHTED_SOURCES_ABI, WEIGHTED_SOURCES_BYTECODE } from "./abi/weighted-sources.ts";
export {
  type CalldataFailure,
  type CalldataResult,
  decodeVerifierAnswer,
  encodeCertificateCall,
  encodeSetUpdateCall,
  type PointEncoder,
  type SignersArgument,
  type SignersResult,
  toSignersArgument,
  type VerifierAnswer,
  type VerifierTrust,
} from "./certificate-calldata.ts";
export { type Deployment, type DeployOptions, deployContracts } from "./deploy.ts";
export {
  createEpochFixer,
  type EpochFixer,
  type EpochFixerDependencies,
  type EpochFixerOptions,
  type FixEpochOutcome,
  type FixEpochResult,
  type PayerBalance,
  payerDelayMs,
} from "./epoch-fixer.ts";
export { SettlementError, type SettlementErrorCode } from "./errors.ts";
export { createL1Signer } from "./l1-signer.ts";
export type { L1Block, L1ViewFailure, L1ViewOptions } from "./l1-view.ts";
export { addRollup, depositStake, mintLocalAsset, registerOperator } from "./operator-actions.ts";
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
export type {
  TransactionFailure,
  TransactionFailureCode,
  TransactionResult,
} from "./transaction.ts";
