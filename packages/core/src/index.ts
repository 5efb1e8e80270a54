export { addressWord, keccak256, keccak256Text, uintWord } from "./abi-words.ts";
export {
  type AdmittedAttestation,
  type Attestation,
  asVerified,
  compressSignature,
  toAttestation,
  type VerifiedAttestation,
  type WireAttestation,
} from "./attestation.ts";
export { bitfieldFromIndices, bitfieldIndices, isBitfieldOf } from "./bitfield.ts";
export {
  type BodyRoots,
  bodyRootsOf,
  parseReceipt,
  type Receipt,
  type ReceiptLog,
} from "./block-body.ts";
export type { AggregateSignature, Bls } from "./bls.ts";
export {
  buildCertificate,
  type Certificate,
  type CertificateContext,
  type CertificateFailure,
  type CertificateResult,
  certificateId,
  replacesCertificate,
  signersOf,
  sumWeight,
  toCertificate,
  type VerifiedCertificate,
  verifyCertificate,
} from "./certificate.ts";
export {
  type Claim,
  claimDigest,
  claimStructHash,
  isSameClaim,
  type VerificationLevel,
} from "./claim.ts";
export { type Domain, domainSeparator, isSameDomain, typedDataDigest } from "./domain.ts";
export {
  type AdmissionFailure,
  type AdmissionResult,
  admitAttestation,
  type ClaimFailure,
  checkClaim,
  isToBlame,
} from "./engine/admission.ts";
export { isSplit } from "./engine/bound-operators.ts";
export { openContradiction, restoreContradiction } from "./engine/contradiction.ts";
export type { AbstainReason, Effect, Input, Report } from "./engine/effects.ts";
export {
  type BlockStatus,
  type BlockView,
  blockOf,
  type FinalityReason,
  type FinalityView,
  finalityOf,
  openAttestations,
} from "./engine/finality.ts";
export { releaseEvidence } from "./engine/proposals.ts";
export {
  type AdmittedSetUpdate,
  admitSetUpdate,
  asVerifiedSetUpdate,
  isFalseSetUpdate,
  isSetUpdateToBlame,
  type SetUpdateAdmission,
  type SetUpdateAdmissionFailure,
  singleSigner,
  type VerifiedSetUpdate,
} from "./engine/set-update-admission.ts";
export {
  firstOpenSetUpdate,
  openSetUpdates,
  setUpdateDeadline,
  setUpdateProgress,
  toSetUpdate,
} from "./engine/set-updates.ts";
export {
  type CertifiedHeight,
  type ClaimPool,
  type ContradictedClaim,
  type Contradiction,
  createEngineState,
  type EngineOptions,
  type EngineState,
  type Head,
  type RollupResume,
  type RollupState,
  type VerifiedBlock,
} from "./engine/state.ts";
export { type Step, step } from "./engine/step.ts";
export { type EpochSchedule, epochAt, epochStart, snapshotTime } from "./epoch.ts";
export {
  type AttestationAgainstCertificate,
  type ConflictingCertificates,
  type DoubleAttestation,
  type Evidence,
  type EvidenceContext,
  type EvidenceFailure,
  type EvidenceResult,
  type FalseSetUpdate,
  verifyEvidence,
} from "./evidence.ts";
export {
  checkForkLock,
  type FinalisedBlock,
  type LockDecision,
  type LockGround,
  type LockQuestion,
  type LockRefusal,
  type Release,
  type ReleaseEvidence,
  toRelease,
  type VerifiedRelease,
  verifyRelease,
} from "./fork-lock.ts";
export { type ChainLink, linksOf } from "./header-link.ts";
export { byteLength, concatHex, fromHex, type Hex, isHex, toHex, ZERO_HASH } from "./hex.ts";
export { buildIndexTrie, type IndexTrie, indexTrieSteps } from "./index-trie.ts";
export { type KeyRegistration, keyRegistrationDigest } from "./key-registration.ts";
export {
  buildOperatorSet,
  isConsistentOperatorSet,
  merklePath,
  merklePaths,
  merkleRoot,
  type Operator,
  type OperatorSet,
  type OperatorSetFailure,
  type OperatorSetResult,
  operatorLeaf,
} from "./operator-set.ts";
export {
  isBindingExpired,
  type PeerBinding,
  peerBindingDigest,
  type SignedPeerBinding,
  supersedesBinding,
} from "./peer-binding.ts";
export {
  hasQuorum,
  isThresholdBps,
  MAX_THRESHOLD_BPS,
  MIN_THRESHOLD_BPS,
  requiredWeight,
} from "./quorum.ts";
export { isAttestedHeight, type RollupParameters, STACKS, type Stack } from "./rollup.ts";
export {
  type SetUpdate,
  type SetUpdateFailure,
  type SetUpdateResult,
  setUpdateDigest,
  verifySetUpdate,
} from "./set-update.ts";
export { indexKey, provenValue } from "./trie-proof.ts";
