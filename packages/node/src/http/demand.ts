import {
  type BlockStatus,
  type CertificatePolicy,
  type Finality,
  isAsking,
  unmetDemand,
} from "@mach/api";
import type { VerifiedCertificate } from "@mach/core";
import type { ViewFailure } from "./node-view.ts";

/** What is asked of an answer beyond its being true. */
export interface Demand {
  /** Undefined where nothing is asked of the certificate. */
  readonly policy: CertificatePolicy | undefined;
  /** An answer that is waited for, or asked for by a policy, is a yes or none. */
  readonly isYesOnly: boolean;
}

interface DemandQuery extends CertificatePolicy {
  readonly wait?: number | undefined;
  readonly minBlockNumber?: bigint | undefined;
}

type Refusal = { readonly ok: false; readonly code: ViewFailure; readonly detail: string };

const BELOW_POLICY: Refusal = {
  ok: false,
  code: "not-yet",
  detail: "No certificate that stands there meets the policy.",
};

const PRUNED: Refusal = {
  ok: false,
  code: "pruned",
  detail: "The block's certificates are no longer kept.",
};

/** What a request asks for. */
export function demandOf(query: DemandQuery): Demand {
  const { minWeightBps, minVerification, minSignedWeight, wait, minBlockNumber } = query;
  const policy = { minWeightBps, minVerification, minSignedWeight };
  const isOfPolicy = isAsking(policy);
  return {
    policy: isOfPolicy ? policy : undefined,
    isYesOnly: isOfPolicy || wait !== undefined || minBlockNumber !== undefined,
  };
}

/** Why a certificate is below a policy, or null. */
export function refuseCertificate(
  policy: CertificatePolicy | undefined,
  certificate: VerifiedCertificate,
): Refusal | null {
  if (policy === undefined || isAccepted(policy, certificate)) return null;
  return BELOW_POLICY;
}

/** Whether a certificate meets a policy. */
export function isAccepted(policy: CertificatePolicy, certificate: VerifiedCertificate): boolean {
  const { signedWeight, totalWeight, claim } = certificate;
  const { verification } = claim;
  return unmetDemand(policy, { signedWeight, totalWeight, verification }) === null;
}

/** Why a rollup's finality is not the yes that was asked for, or null. */
export function refuseFinality(
  demand: Demand,
  finality: Finality,
  minBlockNumber: bigint | undefined,
): Refusal | null {
  if (!demand.isYesOnly) return null;
  const { fastFinal, certificate, rule } = finality;
  if (fastFinal === null || certificate === null || rule === null) {
    return demand.policy === undefined ? notYet("Nothing is fast-final.") : BELOW_POLICY;
  }
  // Checked again here: no view's mistake may turn a weaker answer into a yes.
  if (demand.policy !== undefined && unmetDemand(demand.policy, rule) !== null) return BELOW_POLICY;
  if (minBlockNumber === undefined || fastFinal.blockNumber >= minBlockNumber) return null;
  return notYet(`The fast-final block is ${fastFinal.blockNumber}.`);
}

/** Why a block's status is not the yes that was asked for, or null. */
export function refuseStatus(demand: Demand, block: BlockStatus): Refusal | null {
  if (!demand.isYesOnly) return null;
  const { status, certificate, rule } = block;
  switch (status) {
    case "contradicted":
      return { ok: false, code: "contradicted", detail: "The block's status is `contradicted`." };
    case "unknown":
      // Waiting would never end: nothing that old comes again.
      if (block.reason?.code === "pruned") return PRUNED;
      return demand.policy === undefined
        ? notYet("The block's status is `unknown`.")
        : BELOW_POLICY;
    case "observed":
    case "attested":
      if (demand.policy !== undefined) return BELOW_POLICY;
      return notYet(`The block's status is \`${status}\`.`);
    case "fast-final":
    case "safe":
    case "finalized":
      if (demand.policy === undefined) return null;
      if (certificate === null || unmetDemand(demand.policy, rule) !== null) return BELOW_POLICY;
      return null;
  }
}

function notYet(detail: string): Refusal {
  return { ok: false, code: "not-yet", detail };
}
