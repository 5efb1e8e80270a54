import type { BatchVerifier, NativeBls } from "@mach/bls";
import type {
  Certificate,
  Claim,
  Contradiction,
  Evidence,
  Hex,
  ReleaseEvidence,
  Report,
  SetUpdate,
  VerifiedAttestation,
  VerifiedCertificate,
  VerifiedSetUpdate,
  WireAttestation,
} from "@mach/core";
import type { Store } from "../store/store.ts";

/** What the engine's effects reach. Each port is one that the node's wiring fills. */
export interface EnginePorts {
  readonly bls: Pick<NativeBls, "aggregateSignatures" | "verifyAggregate">;
  readonly verifier: Pick<BatchVerifier, "verify" | "verifySum">;
  /** Signs, or refuses with a code; null for an observer. */
  readonly signer: ClaimSigner | null;
  readonly store: EngineStore;
  readonly gossip: EngineGossip;
  /** What happened, once it is stored. */
  readonly announce: (announcement: Announcement) => void;
  /** Told once that the engine cannot go on, a store that fails for instance: end the process. */
  readonly onFatal: (error: unknown) => void;
  readonly now: () => number;
}

export interface ClaimSigner {
  /** Whether it has a key: nothing is signed where the set names another for the operator. */
  holds(publicKey: Hex): Promise<boolean>;
  sign(request: {
    readonly claim: Claim;
    /** The key that the set of the claim's epoch names for the operator. */
    readonly publicKey: Hex;
    readonly verifiedHead: bigint;
    /** The headers of the claim's block and its ancestors, newest first, as far as they count. */
    readonly ancestry: readonly Hex[];
    readonly release: ReleaseEvidence | null;
    readonly isStillWanted: () => boolean;
  }): Promise<
    | { readonly ok: true; readonly attestation: WireAttestation }
    | { readonly ok: false; readonly code: string }
  >;
  /** The highest claim signed on a rollup, from the record. */
  lastSigned(rollupId: bigint): Promise<Claim | null>;
  /** Signs an epoch's hash that L1 has finalised; the signature is compressed. */
  signSetUpdate(request: {
    readonly epoch: bigint;
    /** The key that the set before names for the operator. */
    readonly publicKey: Hex;
    readonly operatorSetHash: Hex;
    readonly isStillWanted: () => boolean;
  }): Promise<
    { readonly ok: true; readonly signature: Hex } | { readonly ok: false; readonly code: string }
  >;
}

export type EngineStore = Pick<
  Store,
  | "putCertificate"
  | "certificateAt"
  | "putEvidence"
  | "listEvidence"
  | "putContradiction"
  | "putSetUpdate"
  | "keptFrom"
>;

export interface EngineGossip {
  publishAttestation(attestation: VerifiedAttestation): void;
  publishCertificate(certificate: Certificate): void;
  publishEvidence(evidence: Evidence): void;
  /** This operator's own signature. */
  publishSetUpdate(update: SetUpdate): void;
}

export type Announcement =
  | {
      readonly type: "certificate";
      readonly certificate: VerifiedCertificate;
      readonly latencyMs: number | null;
    }
  | { readonly type: "evidence"; readonly evidence: Evidence }
  /** Valid, and not kept: the store's bound on evidence is reached. */
  | { readonly type: "evidence-full"; readonly evidence: Evidence }
  | {
      readonly type: "contradiction";
      readonly rollupId: bigint;
      readonly contradiction: Contradiction;
    }
  /** It stands, or has more weight than the one before. */
  | { readonly type: "set-update"; readonly update: VerifiedSetUpdate }
  | { readonly type: "set-update-refused"; readonly epoch: bigint; readonly code: string }
  | { readonly type: "sign-refused"; readonly claim: Claim; readonly code: string }
  | { readonly type: "report"; readonly report: Report };
