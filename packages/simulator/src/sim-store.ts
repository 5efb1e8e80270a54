import type { Contradiction, Evidence, VerifiedCertificate } from "@mach/core";

/** A node's store: what was put is lost with the process until it is flushed. */
export interface SimStore {
  /** The certificate of a height that stands, flushed or not. */
  certificateAt(blockNumber: bigint): VerifiedCertificate | undefined;
  putCertificate(certificate: VerifiedCertificate): void;
  putEvidence(evidence: Evidence): void;
  putContradiction(contradiction: Contradiction): void;
  certificates(): readonly VerifiedCertificate[];
  evidence(): readonly Evidence[];
  contradictions(): readonly Contradiction[];
  flush(): void;
  crash(): void;
}

interface Tables {
  readonly certificates: Map<bigint, VerifiedCertificate>;
  readonly evidence: readonly Evidence[];
  readonly contradictions: readonly Contradiction[];
}

/** An empty store. */
export function createSimStore(): SimStore {
  let durable: Tables = { certificates: new Map(), evidence: [], contradictions: [] };
  let current = copy(durable);

  return {
    certificateAt: (blockNumber) => current.certificates.get(blockNumber),
    putCertificate: (certificate) =>
      void current.certificates.set(certificate.claim.blockNumber, certificate),
    putEvidence(evidence) {
      current = { ...current, evidence: [...current.evidence, evidence] };
    },
    putContradiction(contradiction) {
      current = { ...current, contradictions: [...current.contradictions, contradiction] };
    },
    certificates: () => [...current.certificates.values()],
    evidence: () => current.evidence,
    contradictions: () => current.contradictions,
    flush() {
      durable = copy(current);
    },
    crash() {
      current = copy(durable);
    },
  };
}

function copy(tables: Tables): Tables {
  return { ...tables, certificates: new Map(tables.certificates) };
}
