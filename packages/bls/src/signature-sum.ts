import type { PublicKey, Signature } from "@chainsafe/blst";
import type { Hex } from "@mach/core";
import { attempt, type NativeLibrary, sumPublicKeys } from "./native-library.ts";
import { isSignatureEncoding } from "./point-encoding.ts";
import type { SignatureFailure } from "./verdict.ts";

/** Signatures that are claimed to be, together, of all these keys over one message. */
export interface SignatureSum {
  readonly publicKeys: readonly Hex[];
  /** 32 bytes. */
  readonly message: Uint8Array;
  /** 96 or 192 bytes each: of single keys, or sums of several. */
  readonly signatures: readonly Uint8Array[];
}

export type SumCheck =
  | { readonly ok: true /** 96 bytes. */; readonly signature: Uint8Array }
  | { readonly ok: false; readonly code: SignatureFailure };

/**
 * Adds signatures without looking at each, then checks the sum once: in the subgroup, not
 * infinity, and valid under the sum of the keys, itself not infinity. That is all a certificate
 * says. It proves nothing about a single signature: s1 + D and s2 - D pass here.
 */
export function checkSum(library: NativeLibrary, sum: SignatureSum): SumCheck {
  const publicKeys: PublicKey[] = [];
  for (const publicKey of sum.publicKeys) {
    const point = library.publicKey(publicKey);
    if (point === null) return { ok: false, code: "bad-public-key" };
    publicKeys.push(point);
  }
  const publicKey = sumPublicKeys(library, publicKeys);
  if (publicKey === null) return { ok: false, code: "bad-public-key" };
  const signature = addSignatures(library, sum.signatures);
  if (signature === null) return { ok: false, code: "bad-signature" };
  // The sum has just been checked for infinity and its group, each key when it was decoded.
  if (!library.blst.verify(sum.message, publicKey, signature, false, false)) {
    return { ok: false, code: "bad-signature" };
  }
  return { ok: true, signature: signature.toBytes(true) };
}

/** The sum, in the subgroup and not infinity; null for none, a bad encoding or a bad sum. */
export function addSignatures(
  { blst }: NativeLibrary,
  signatures: readonly Uint8Array[],
): Signature | null {
  if (signatures.length === 0 || !signatures.every(isSignatureEncoding)) return null;
  return attempt(() => {
    const sum = blst.aggregateSerializedSignatures([...signatures], false);
    sum.sigValidate(true);
    return sum;
  });
}
