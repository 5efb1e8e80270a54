export {
  type BatchVerifier,
  type BatchVerifierOptions,
  type BatchVerifierStatistics,
  createBatchVerifier,
  DEFAULT_BATCH_VERIFIER_OPTIONS,
} from "./batch-verifier.ts";
export { BlsError, type BlsErrorCode } from "./errors.ts";
export {
  createNativeBls,
  type NativeBls,
  type SecretKey,
  type SignatureEncodings,
} from "./native.ts";
export type {
  BatchFailure,
  SignatureFailure,
  SignatureVerdict,
  VerifiedSignature,
} from "./verdict.ts";
export type { Attestation, BatchVerdict, SumRequest } from "./work-queue.ts";
