import { createPortableBls } from "@mach/bls/portable";
import {
  type Bls,
  type Evidence,
  type EvidenceResult,
  isConsistentOperatorSet,
  MIN_THRESHOLD_BPS,
  type OperatorSet,
  verifyEvidence,
} from "@mach/core";
import { checkNetwork, type MachNetwork } from "./network.ts";

export interface EvidenceCheckOptions {
  readonly network: MachNetwork;
  /** Sets of the epochs that `evidenceEpochs` names. Whose they are the caller has to know. */
  readonly operatorSets: readonly OperatorSet[];
  /** The rollup's threshold in basis points; 6667 if not given. */
  readonly thresholdBps?: number;
  /** BLS12-381; plain JavaScript if not given. */
  readonly bls?: Bls;
}

/** The epochs of the operator sets that evidence is checked under. */
export function evidenceEpochs(evidence: Evidence): readonly bigint[] {
  switch (evidence.kind) {
    case "double-attestation":
      return distinct([evidence.first.claim.epoch, evidence.second.claim.epoch]);
    case "attestation-against-certificate":
      return distinct([evidence.attestation.claim.epoch, evidence.certificate.claim.epoch]);
    case "conflicting-certificates":
      return distinct([evidence.lower.claim.epoch, evidence.higher.claim.epoch]);
    case "false-set-update": {
      const { epoch } = evidence.update;
      return epoch === 0n ? [epoch] : [epoch - 1n, epoch];
    }
  }
}

/**
 * Whether evidence shows what it says, under sets that hash to their own hashes. Whether those are the
 * registry's is not looked at: for an accusation that counts, compare their `operatorSetHash` with L1.
 */
export function checkEvidence(evidence: Evidence, options: EvidenceCheckOptions): EvidenceResult {
  const { operatorSets, thresholdBps = MIN_THRESHOLD_BPS, bls = createPortableBls() } = options;
  const { domain } = checkNetwork(options.network);
  const sets = operatorSets.filter((set) => isConsistentOperatorSet(bls, set));
  return verifyEvidence(bls, evidence, {
    domain,
    thresholdBps,
    operatorSet: (epoch) => sets.find((set) => set.epoch === epoch),
  });
}

function distinct(epochs: readonly bigint[]): readonly bigint[] {
  return [...new Set(epochs)];
}
