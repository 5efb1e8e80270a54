import type { CertificateCalldata } from "@mach/api";
import type { Hex, OperatorSet, VerifiedCertificate } from "@mach/core";
import { encodeCertificateCall, encodeLightClientCall, type PointEncoder } from "@mach/settlement";

/** A certificate of this set as the contracts take it; null where a key or signature is no point. */
export type CalldataEncoder = (
  certificate: VerifiedCertificate,
  operatorSet: OperatorSet,
) => CertificateCalldata | null;

/** Sets whose keys and tree are kept: a set of 1,024 takes some 30 ms. */
const MAX_REMEMBERED_SETS = 16;

/** Remembers the sets, so that certificates of one epoch do not build its Merkle tree again. */
export function createCalldataEncoder(bls: PointEncoder): CalldataEncoder {
  const remembered = new Map<Hex, OperatorSet>();
  return (certificate, given) => {
    const operatorSet = remembered.get(given.operatorSetHash) ?? given;
    if (operatorSet === given) {
      const oldest = remembered.keys().next();
      if (remembered.size >= MAX_REMEMBERED_SETS && !oldest.done) remembered.delete(oldest.value);
      remembered.set(given.operatorSetHash, given);
    }
    const { certificateId, domain, thresholdBps } = certificate;
    const { operatorSetHash } = operatorSet;
    const trust = { domain, operatorSetHash, thresholdBps };
    const verify = encodeCertificateCall(bls, certificate, { operatorSet, trust });
    const submit = encodeLightClientCall(bls, certificate, operatorSet);
    if (!verify.ok || !submit.ok) return null;
    return { certificateId, verify: verify.calldata, submitCertificate: submit.calldata };
  };
}
