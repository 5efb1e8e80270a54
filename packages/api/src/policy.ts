import type { VerificationLevel } from "@mach/core";
import type { BadgeRule } from "./status.ts";

/** What a consumer asks of a certificate beyond its being valid; undefined asks for nothing. */
export interface CertificatePolicy {
  /** The least share of the set's weight, in basis points: 6667 to 10000. */
  readonly minWeightBps?: number | undefined;
  readonly minVerification?: VerificationLevel | undefined;
  /** The least weight that signed, in the registry's unit of weight. */
  readonly minSignedWeight?: bigint | undefined;
}

/** Why a valid certificate does not meet a policy. */
export type UnmetDemand = "below-min-verification" | "below-min-weight" | "below-min-signed-weight";

/** The weights and the level of a certificate, from its rule or from its verification. */
export type CertificateFacts = Pick<BadgeRule, "signedWeight" | "totalWeight" | "verification">;

/** Whether a policy asks for anything at all. */
export function isAsking(policy: CertificatePolicy): boolean {
  const { minWeightBps, minVerification, minSignedWeight } = policy;
  return (
    minWeightBps !== undefined || minVerification !== undefined || minSignedWeight !== undefined
  );
}

/** The first demand that a certificate does not meet, or null. What is unknown meets none. */
export function unmetDemand(
  policy: CertificatePolicy,
  { signedWeight, totalWeight, verification }: CertificateFacts,
): UnmetDemand | null {
  const { minWeightBps = 0, minVerification = 0, minSignedWeight = 0n } = policy;
  if ((verification ?? 0) < minVerification) return "below-min-verification";
  const signed = signedWeight ?? 0n;
  // Without a total every share would do: nothing of nothing is no share.
  const isShareMet =
    totalWeight !== null &&
    totalWeight > 0n &&
    signed * 10_000n >= totalWeight * BigInt(minWeightBps);
  if (minWeightBps > 0 && !isShareMet) return "below-min-weight";
  return signed < minSignedWeight ? "below-min-signed-weight" : null;
}
