import { type UnmetDemand, unmetDemand as unmetByCertificate } from "@mach/api";
import {
  isThresholdBps,
  MIN_THRESHOLD_BPS,
  type VerificationLevel,
  type VerifiedCertificate,
} from "@mach/core";
import { SdkError } from "./errors.ts";

/** What a consumer asks of a certificate beyond its being valid; what is not given is not asked. */
export interface Policy {
  /** The least share of the set's weight, in basis points: 6667 (the default) to 10000. */
  readonly minWeightBps?: number;
  /** The least weight that signed, in the registry's unit of weight. */
  readonly minSignedWeight?: bigint;
  /** 1 `header` (the default), or 2 `executed`. */
  readonly minVerification?: VerificationLevel;
  /** The most milliseconds since the certified block's timestamp. */
  readonly maxAgeMs?: number;
}

/** A policy with every field. */
export interface FullPolicy {
  readonly minWeightBps: number;
  readonly minSignedWeight: bigint;
  readonly minVerification: VerificationLevel;
  /** Null where any age will do. */
  readonly maxAgeMs: number | null;
}

/** Why a valid certificate does not meet a policy. */
export type PolicyCode = UnmetDemand | "too-old";

/** A policy over another one's fields. Throws for a field that no certificate could be held to. */
export function resolvePolicy(...layers: readonly (Policy | undefined)[]): FullPolicy {
  const merged: Policy = Object.assign({}, ...layers);
  const { minWeightBps = MIN_THRESHOLD_BPS, minSignedWeight = 0n, minVerification = 1 } = merged;
  const { maxAgeMs } = merged;
  if (!isThresholdBps(minWeightBps)) throw badPolicy("minWeightBps", "6667 to 10000");
  if (typeof minSignedWeight !== "bigint" || minSignedWeight < 0n) {
    throw badPolicy("minSignedWeight", "a bigint from 0");
  }
  if (minVerification !== 1 && minVerification !== 2) throw badPolicy("minVerification", "1 or 2");
  if (maxAgeMs !== undefined && !(Number.isSafeInteger(maxAgeMs) && maxAgeMs > 0)) {
    throw badPolicy("maxAgeMs", "a whole number above 0");
  }
  return { minWeightBps, minSignedWeight, minVerification, maxAgeMs: maxAgeMs ?? null };
}

/** The first demand that a certificate does not meet, or null. `ageMs` is its block's. */
export function unmetDemand(
  policy: FullPolicy,
  certificate: VerifiedCertificate,
  ageMs: number,
): PolicyCode | null {
  const { signedWeight, totalWeight, claim } = certificate;
  const { verification } = claim;
  const unmet = unmetByCertificate(policy, { signedWeight, totalWeight, verification });
  if (unmet !== null) return unmet;
  if (policy.maxAgeMs !== null && ageMs > policy.maxAgeMs) return "too-old";
  return null;
}

function badPolicy(field: string, range: string): SdkError {
  return new SdkError("bad-option", `policy.${field} must be ${range}`);
}
