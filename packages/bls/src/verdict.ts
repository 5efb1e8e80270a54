import { type Hex, toHex } from "@mach/core";
import { compressValidSignature } from "./point-encoding.ts";

declare const verified: unique symbol;

/** A compressed signature (96 bytes) that a verify function of this package has accepted. */
export type VerifiedSignature = Hex & { readonly [verified]: true };

export type SignatureFailure =
  /** The message is not a digest of 32 bytes: the caller's mistake. */
  | "bad-message"
  /** Not 48 bytes of a point in G1, infinity, no key at all, or keys that sum to infinity. */
  | "bad-public-key"
  /** Not 96 or 192 bytes of a point in G2, infinity, none at all, or it does not verify. */
  | "bad-signature";

export type BatchFailure =
  | SignatureFailure
  /** The queue is full: nothing was checked; the sender is not to blame. */
  | "overloaded"
  /** The verifier was closed before the check ended. */
  | "closed"
  /** The thread that had the check died or ran out of time; the sender is not to blame. */
  | "verifier-failed";

/** The answer of a check. `signature` is the checked one, in the 96-byte form of documents. */
export type SignatureVerdict<Failure extends BatchFailure = SignatureFailure> =
  | { readonly ok: true; readonly signature: VerifiedSignature }
  | { readonly ok: false; readonly code: Failure };

/** Only for a signature that has just been verified: it is what makes a `VerifiedSignature`. */
export function acceptSignature(signature: Uint8Array): {
  readonly ok: true;
  readonly signature: VerifiedSignature;
} {
  const compressed = toHex(compressValidSignature(signature));
  return { ok: true, signature: compressed as VerifiedSignature };
}
