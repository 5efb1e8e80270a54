import type {
  Claim,
  Domain,
  Hex,
  LockRefusal,
  ReleaseEvidence,
  SignedPeerBinding,
} from "@mach/core";
import type { SigningRecord } from "./protection.ts";

/** A signature in both encodings. */
export interface SignatureEncodings {
  /** 96 bytes. */
  readonly compressed: Hex;
  /** 192 bytes. */
  readonly uncompressed: Uint8Array;
}

/**
 * The secret key, here or in another process. Signing is deterministic: a claim that was recorded
 * and not signed before a crash is signed again to the same bytes.
 */
export interface SigningKey {
  /** Signs a 32-byte digest, with the key of that name where several are held. */
  sign(message: Hex, publicKey?: Hex): SignatureEncodings | Promise<SignatureEncodings>;
}

/** A claim to sign, with whom it is for: the signer computes the digest itself. */
export interface SignRequest {
  readonly domain: Domain;
  readonly operator: Hex;
  readonly claim: Claim;
  /** Which of the operator's keys; its present one where it is left out. */
  readonly publicKey?: Hex | undefined;
  /** The newest height of the rollup that this node has verified. */
  readonly verifiedHead: bigint;
  /** The headers of the claim's block and its ancestors, newest first, as far as they are held. */
  readonly ancestry?: readonly Hex[];
  /** What may let the claim leave the branch of the last one: the signer decides by itself. */
  readonly release?: ReleaseEvidence | null;
  /** Asked right before the claim is recorded: false where a reorg has dropped the block. */
  readonly isStillWanted?: () => boolean;
}

/** A peer to bind to the operator, until `expiry` in seconds. */
export interface UnsignedBinding extends Pick<SignedPeerBinding, "peerId" | "expiry"> {
  /** Which of the operator's keys; its present one where it is left out. */
  readonly publicKey?: Hex | undefined;
}

/** The hash of an epoch's set to sign, with whom it is for: the signer computes the digest. */
export interface SetUpdateRequest {
  readonly domain: Domain;
  readonly operator: Hex;
  readonly epoch: bigint;
  /** Which of the operator's keys; its present one where it is left out. */
  readonly publicKey?: Hex | undefined;
  /** As L1 has finalised it: the caller has read it there. */
  readonly operatorSetHash: Hex;
  /** Asked right before it is recorded: false once it is of no use any more. */
  readonly isStillWanted?: () => boolean;
}

/** A set update with the signature that its record keeps. */
export interface SignedSetUpdate extends SignatureEncodings {
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
  readonly digest: Hex;
}

export type SetUpdateRefusal =
  /** Another hash was signed for that epoch, once and for ever. */
  | "another-hash-signed"
  /** Epoch 0, which no set signs, or a field that has no legal value. */
  | "malformed-update"
  | Extract<SignRefusal, "wrong-domain" | "wrong-operator" | "no-longer-wanted">
  | SignerFailure;

export type SetUpdateResult =
  | { readonly ok: true; readonly signed: SignedSetUpdate }
  | { readonly ok: false; readonly code: SetUpdateRefusal };

/** A claim with the signature that its record keeps. */
export interface SignedClaim extends SignatureEncodings {
  readonly claim: Claim;
  readonly digest: Hex;
}

export type SignRefusal =
  /** Rules 1 and 2 of the protocol, decided from the record and the evidence of the request. */
  | LockRefusal
  /** The certificate of the release does not hold under the set that came with it. */
  | "bad-release"
  /** The record was made anew, and L1 has not finalised past what may have been signed before. */
  | "waiting-for-finality"
  /** A height further above the verified head than is plausible. */
  | "height-beyond-ceiling"
  /** Another network than the record's. */
  | "wrong-domain"
  /** Another operator than the record's. */
  | "wrong-operator"
  /** A field of the claim has no legal value. */
  | "malformed-claim"
  /** The block is no longer on the chain that is followed. */
  | "no-longer-wanted"
  | SignerFailure;

export type SignerFailure =
  /** Too many requests wait. */
  | "queue-full"
  /** The key did not sign. What was asked is recorded, and may be asked for again. */
  | "key-failed"
  /** The record could not be written or read. Nothing is signed any more. */
  | "not-persisted"
  /** The signer was stopped. */
  | "signer-stopped"
  /** The signer is another process, and gave no answer that can be used. */
  | "signer-unreachable";

export type SignResult =
  | { readonly ok: true; readonly signed: SignedClaim }
  | { readonly ok: false; readonly code: SignRefusal };

export type BindingResult =
  | { readonly ok: true; readonly binding: SignedPeerBinding }
  | { readonly ok: false; readonly code: SignerFailure };

/** The only holder of an operator's key. It signs claims, set updates and peer bindings. */
export interface Signer {
  sign(request: SignRequest): Promise<SignResult>;
  /** Signs one hash per epoch, for ever: recorded before it is signed, the same bytes again. */
  signSetUpdate(request: SetUpdateRequest): Promise<SetUpdateResult>;
  /** Signs a binding with a sequence above every earlier one. */
  signPeerBinding(asked: UnsignedBinding): Promise<BindingResult>;
  /** The highest claim on a rollup; its signature is null where `sign` has to make it again. */
  lastSigned(rollupId: bigint): Promise<SigningRecord | null>;
  signedAt(rollupId: bigint, blockNumber: bigint): Promise<SigningRecord | null>;
  /** Ends what is under way, refuses the rest and closes the record. */
  stop(): Promise<void>;
}
