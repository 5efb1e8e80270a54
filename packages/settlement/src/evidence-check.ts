import {
  type Bls,
  type Certificate,
  type Evidence,
  type EvidenceFailure,
  type Hex,
  isSameDomain,
  MIN_THRESHOLD_BPS,
  type OperatorSet,
  verifyCertificate,
  verifyEvidence,
} from "@mach/core";
import {
  type EncodedEvidence,
  type EncodeEvidenceFailure,
  encodeEvidence,
} from "./evidence-calldata.ts";
import type { PointEncoder } from "./set-argument.ts";
import type { SlasherReader, SlasherTerms } from "./slasher-reader.ts";

/** An epoch's operators as its registry fixed them, or why they are not known. */
export type ReadSet = (
  epoch: bigint,
) => Promise<
  | { readonly ok: true; readonly operatorSet: OperatorSet }
  | { readonly ok: false; readonly code: string }
>;

export type SubmissionBls = Pick<Bls, "verifyAggregate"> & PointEncoder;

export type EvidenceCheck =
  | {
      readonly ok: true;
      readonly encoded: EncodedEvidence;
      /** Of the rollup that a charge is about; true for what is no charge. */
      readonly hasSettlement: boolean;
    }
  /** It proves nothing, under the registry's sets and its rollup's threshold. */
  | { readonly ok: false; readonly code: EvidenceFailure | EncodeEvidenceFailure }
  /** A certificate or set update in it is of another network than the Slasher's. */
  | { readonly ok: false; readonly code: "other-network" }
  /** The rollup was not listed in an epoch of the evidence. */
  | { readonly ok: false; readonly code: "unknown-rollup" }
  /** The set of an epoch could not be had; `cause` is a code of the registry's reader. */
  | {
      readonly ok: false;
      readonly code: "operator-set-unavailable";
      readonly epoch: bigint;
      readonly cause: string;
    };

/** Checks evidence as anyone does, under what the registry says, before it costs a transaction. */
export async function checkEvidence(
  context: {
    readonly bls: SubmissionBls;
    readonly reader: SlasherReader;
    readonly terms: SlasherTerms;
    readonly readSet: ReadSet;
  },
  evidence: Evidence,
): Promise<EvidenceCheck> {
  const { bls, reader, terms, readSet } = context;
  const domain = { chainId: terms.chainId, verifyingContract: terms.registry };
  if (!domainsOf(evidence).every((each) => isSameDomain(each, domain))) {
    return { ok: false, code: "other-network" };
  }
  const sets = new Map<bigint, OperatorSet>();
  for (const epoch of epochsOf(evidence)) {
    const read = await readSet(epoch);
    if (!read.ok) {
      return { ok: false, code: "operator-set-unavailable", epoch, cause: read.code };
    }
    sets.set(epoch, read.operatorSet);
  }
  const operatorSet = (epoch: bigint): OperatorSet | undefined => sets.get(epoch);
  const thresholdBps = MIN_THRESHOLD_BPS;
  const verdict = verifyEvidence(bls, evidence, { domain, operatorSet, thresholdBps });
  if (!verdict.ok) return verdict;
  let hasSettlement = true;
  for (const [index, certificate] of certificatesOf(evidence).entries()) {
    const { rollupId, epoch } = certificate.claim;
    const rollup = await reader.readRollup(terms.registry, { rollupId, epoch });
    const set = sets.get(epoch);
    if (rollup === null || set === undefined) return { ok: false, code: "unknown-rollup" };
    // Each under its own epoch's threshold: a rollup may have asked for more in one of the two.
    const trusted = { domain, operatorSet: set, thresholdBps: rollup.thresholdBps };
    const valid = verifyCertificate(bls, certificate, trusted);
    if (!valid.ok) return valid;
    if (index === 0) hasSettlement = rollup.hasSettlement;
  }
  const result = encodeEvidence(bls, evidence, { domain, operatorSet });
  return result.ok ? { ...result, hasSettlement } : result;
}

function epochsOf(evidence: Evidence): ReadonlySet<bigint> {
  switch (evidence.kind) {
    case "double-attestation":
      return new Set([evidence.first.claim.epoch, evidence.second.claim.epoch]);
    case "attestation-against-certificate":
      return new Set([evidence.attestation.claim.epoch, evidence.certificate.claim.epoch]);
    case "conflicting-certificates":
      return new Set([evidence.lower.claim.epoch, evidence.higher.claim.epoch]);
    case "false-set-update": {
      const { epoch } = evidence.update;
      return new Set(epoch > 0n ? [epoch - 1n, epoch] : [epoch]);
    }
  }
}

/** The lower one of a conflict first. */
function certificatesOf(evidence: Evidence): readonly Certificate[] {
  switch (evidence.kind) {
    case "attestation-against-certificate":
      return [evidence.certificate];
    case "conflicting-certificates":
      return [evidence.lower, evidence.higher];
    default:
      return [];
  }
}

function domainsOf(
  evidence: Evidence,
): readonly { readonly chainId: bigint; readonly verifyingContract: Hex }[] {
  if (evidence.kind === "false-set-update") return [evidence.update.domain];
  return certificatesOf(evidence).map((each) => each.domain);
}
