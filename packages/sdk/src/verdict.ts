import {
  type Bls,
  bitfieldIndices,
  type Certificate,
  type CertificateFailure,
  epochAt,
  type Hex,
  isSameClaim,
  isSameDomain,
  type VerificationLevel,
  type VerifiedCertificate,
  verifyCertificate,
} from "@mach/core";
import type { CertificateMemory, Contradiction } from "./certificate-memory.ts";
import type { CheckedNetwork } from "./network.ts";
import { type FullPolicy, type PolicyCode, unmetDemand } from "./policy.ts";
import type { SetFailure } from "./trust.ts";
import type { TrustedSets } from "./trusted-sets.ts";

/** What stands behind a certificate; weights in the registry's unit, the age in milliseconds. */
export interface CertificateFacts {
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
  readonly signedWeight: bigint;
  readonly totalWeight: bigint;
  /** signedWeight of totalWeight in basis points, rounded down. */
  readonly weightBps: number;
  /** The threshold that it was held to, basis points. */
  readonly thresholdBps: number;
  readonly verification: VerificationLevel;
  /** How many operators signed. */
  readonly signers: number;
  /** Since the certified block's timestamp; negative where the rollup's clock runs ahead. */
  readonly ageMs: number;
}

/** Why a certificate is not valid here. */
export type RefusalCode =
  | Exclude<CertificateFailure, "unknown-operator-set">
  /** It names another set than the one that is trusted for its epoch. */
  | "unknown-operator-set"
  /** The set of its epoch could not be trusted. */
  | SetFailure
  /** Its claim's epoch is not the one of its timestamp. */
  | "wrong-epoch"
  /** It is part of what was contradicted before. */
  | "contradicted";

/** What this client makes of a certificate. */
export type Verdict =
  | {
      readonly status: "valid";
      readonly certificate: VerifiedCertificate;
      readonly facts: CertificateFacts;
    }
  /** Valid, but not what the policy asks for: keep polling for one with more behind it. */
  | {
      readonly status: "not-yet";
      readonly code: PolicyCode;
      readonly certificate: VerifiedCertificate;
      readonly facts: CertificateFacts;
    }
  | { readonly status: "refused"; readonly code: RefusalCode }
  /** Valid, and so is one that it conflicts with: act on neither. */
  | { readonly status: "contradicted"; readonly contradiction: Contradiction };

export interface Verifier {
  /** Checks a certificate by the trusted sets, the policy and all that was verified before. */
  verify(certificate: Certificate, policy: FullPolicy): Promise<Verdict>;
}

/** Certificates whose pairing has been computed, so that it is not again for every endpoint. */
const MAX_CHECKED = 256;

/** Verdicts over certificates from anyone. It never rejects, and remembers what it accepted. */
export function createVerifier(
  dependencies: {
    readonly bls: Bls;
    readonly sets: TrustedSets;
    readonly memory: CertificateMemory;
  },
  options: { readonly network: CheckedNetwork; readonly now: () => number },
): Verifier {
  const { bls, sets, memory } = dependencies;
  const { network, now } = options;
  const checked = new Map<string, VerifiedCertificate>();

  async function check(
    certificate: Certificate,
  ): Promise<VerifiedCertificate | Extract<Verdict, { status: "refused" }>> {
    const { claim, domain } = certificate;
    if (!isSameDomain(domain, network.domain)) return refused("other-network");
    if (epochAt(network.schedule, claim.timestamp) !== claim.epoch) return refused("wrong-epoch");
    const known = checked.get(keyOf(certificate));
    if (known !== undefined && isSame(known, certificate) && memory.has(known)) return known;
    const trust = await sets.trustIn(claim.rollupId, claim.epoch);
    if (!trust.ok) return refused(trust.code);
    const result = verifyCertificate(bls, certificate, { ...trust.value, domain: network.domain });
    if (!result.ok) return refused(result.code);
    checked.set(keyOf(certificate), result.certificate);
    const [oldest] = checked.keys();
    if (checked.size > MAX_CHECKED && oldest !== undefined) checked.delete(oldest);
    return result.certificate;
  }

  return {
    async verify(certificate, policy) {
      const result = await check(certificate);
      if ("status" in result) return result;
      if (memory.isBelowFloor(result) && memory.contradictionOf(result.claim.rollupId) === null) {
        return refused("contradicted");
      }
      const contradiction = memory.accept(result);
      if (contradiction !== null) return { status: "contradicted", contradiction };
      const facts = factsOf(result, now());
      const code = unmetDemand(policy, result, facts.ageMs);
      if (code !== null) return { status: "not-yet", code, certificate: result, facts };
      return { status: "valid", certificate: result, facts };
    },
  };
}

/** The facts of a verified certificate at a time in milliseconds. */
export function factsOf(certificate: VerifiedCertificate, nowMs: number): CertificateFacts {
  const { claim, operatorSetHash, signedWeight, totalWeight, thresholdBps } = certificate;
  return {
    epoch: claim.epoch,
    operatorSetHash,
    signedWeight,
    totalWeight,
    weightBps: Number((signedWeight * 10_000n) / totalWeight),
    thresholdBps,
    verification: claim.verification,
    signers: bitfieldIndices(certificate.signers).length,
    ageMs: nowMs - Number(claim.timestamp) * 1000,
  };
}

function refused(code: RefusalCode): Extract<Verdict, { status: "refused" }> {
  return { status: "refused", code };
}

/** An id from outside is only a name: a forged body under a good id is another certificate. */
function isSame(left: Certificate, right: Certificate): boolean {
  return (
    isSameClaim(left.claim, right.claim) &&
    left.operatorSetHash === right.operatorSetHash &&
    left.signers === right.signers
  );
}

/** The id says what is signed and by whom, but not the signature. */
function keyOf(certificate: Certificate): string {
  return `${certificate.certificateId}${certificate.signature}`;
}
