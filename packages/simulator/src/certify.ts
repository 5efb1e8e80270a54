import { bitfieldFromIndices, type Certificate, type Claim, certificateId } from "@mach/core";
import type { Setting } from "./setting.ts";

/** Signatures, and the indices of the operators that they are told to be of. */
export interface Signed {
  readonly indices: readonly number[];
  readonly signatures: readonly Uint8Array[];
}

/**
 * Signatures over a claim in the form of a certificate, whether or not they make one; null without
 * any signer, or without a set.
 */
export function certify(
  setting: Setting,
  claim: Claim,
  { indices, signatures }: Signed,
): Certificate | null {
  const operatorSet = setting.operatorSet(claim.epoch);
  if (operatorSet === null || indices.length === 0) return null;
  const { operatorSetHash, operators } = operatorSet;
  const signers = bitfieldFromIndices(indices, operators.length);
  const digest = setting.digestOf(claim);
  return {
    version: 1,
    certificateId: certificateId({ digest, operatorSetHash, signers }),
    domain: setting.domain,
    claim,
    operatorSetHash,
    signers,
    signature: setting.bls.sum(signatures),
  };
}
