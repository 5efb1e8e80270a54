import {
  type Bls,
  type Certificate,
  certificateId,
  checkClaim,
  claimDigest,
  type Domain,
  type EngineState,
  isBitfieldOf,
  isSameDomain,
  isToBlame,
  replacesCertificate,
  signersOf,
  sumWeight,
  type VerifiedCertificate,
  verifyCertificate,
} from "@mach/core";
import type { EpochRecord } from "../store/store.ts";
import { ignore, reject, type Verdict } from "./verdict.ts";

export type CertificateCheck =
  | { readonly ok: true; readonly certificate: VerifiedCertificate }
  | { readonly ok: false; readonly verdict: Verdict };

/**
 * Checks a certificate from outside against what the engine knows, the cheap checks first. One
 * that is not better than the one held is dropped before its signature is looked at: anyone can
 * leave signers out of a sum, in more ways than all nodes together could check or forward. Right
 * before the signature `mayVerify` is asked.
 */
export function checkCertificate(
  bls: Pick<Bls, "verifyAggregate">,
  certificate: Certificate,
  state: EngineState,
  mayVerify: () => boolean = () => true,
): CertificateCheck {
  const { claim, signers, signature } = certificate;
  const { domain } = state.options;
  const rollup = state.rollups.get(claim.rollupId);
  if (rollup === undefined) return fail(ignore("unknown-rollup"));
  if (!isSameDomain(certificate.domain, domain)) return fail(reject("wrong-domain"));
  const illegal = checkClaim(state, claim);
  if (illegal !== null) return fail(isToBlame(illegal) ? reject(illegal) : ignore(illegal));
  const epoch = state.epochs.get(claim.epoch);
  const parameters = epoch?.rollups.get(claim.rollupId);
  if (epoch === undefined || parameters === undefined) return fail(ignore("unknown-operator-set"));
  const { operatorSet } = epoch;
  const digest = claimDigest(domain, claim);
  const isWellFormed =
    isBitfieldOf(signers, operatorSet.operators.length) &&
    certificate.certificateId === certificateId({ ...certificate, digest });
  const held = rollup.certified.get(claim.blockNumber);
  if (isWellFormed && held?.digest === digest) {
    // The same signers' sum over the same claim has one valid encoding only.
    if (held.certificate.certificateId === certificate.certificateId) {
      const isSame = held.certificate.signature === signature;
      return isSame ? { ok: true, certificate: held.certificate } : fail(reject("bad-signature"));
    }
    const signedWeight = sumWeight(signersOf(certificate, operatorSet));
    const isBetter = replacesCertificate(held.certificate, { signers, signedWeight });
    if (!isBetter) return fail(ignore("not-better"));
  }
  if (!mayVerify()) return fail(ignore("overloaded"));
  const { thresholdBps } = parameters;
  const result = verifyCertificate(bls, certificate, { operatorSet, thresholdBps, domain });
  return result.ok ? result : fail(reject(result.code));
}

/** A certificate from the store under the set that the store has for its epoch, or null. */
export function verifyStored(
  bls: Pick<Bls, "verifyAggregate">,
  certificate: Certificate,
  context: { readonly record: EpochRecord; readonly domain: Domain },
): VerifiedCertificate | null {
  const { domain, record } = context;
  const { operatorSet, rollups } = record;
  const parameters = rollups.find((each) => each.rollupId === certificate.claim.rollupId);
  if (parameters === undefined) return null;
  const { thresholdBps } = parameters;
  const result = verifyCertificate(bls, certificate, { operatorSet, thresholdBps, domain });
  return result.ok ? result.certificate : null;
}

function fail(verdict: Verdict): CertificateCheck {
  return { ok: false, verdict };
}
