import type { AdmittedAttestation, VerifiedAttestation, WireAttestation } from "../attestation.ts";
import type { VerifiedCertificate } from "../certificate.ts";
import type { Claim } from "../claim.ts";
import type { Evidence } from "../evidence.ts";
import type { VerifiedRelease } from "../fork-lock.ts";
import type { Hex } from "../hex.ts";
import type { OperatorSet } from "../operator-set.ts";
import type { RollupParameters } from "../rollup.ts";
import type { VerifiedSetUpdate } from "./set-update-admission.ts";
import type { Contradiction, Head, VerifiedBlock } from "./state.ts";

/** What happened outside. Each was checked as its type says. */
export type Input =
  /** An epoch's set, rebuilt from L1 and equal to the registry's hash. */
  | {
      readonly type: "set-known";
      readonly operatorSet: OperatorSet;
      readonly rollups: readonly RollupParameters[];
    }
  /**
   * L1's finalised state holds this hash for an epoch, read by this process and from as many
   * sources as are asked for; after its `set-known`. An update for it may be signed.
   */
  | { readonly type: "set-final"; readonly epoch: bigint; readonly operatorSetHash: Hex }
  /** Admitted, and its signature found valid under its signers' keys. */
  | { readonly type: "set-update-verified"; readonly update: VerifiedSetUpdate }
  /** The node's own signer signed what `sign-set-update` asked for; compressed. */
  | {
      readonly type: "set-update-signed";
      readonly epoch: bigint;
      readonly operatorSetHash: Hex;
      readonly signature: Hex;
    }
  /** The answer to `sum-set-update`; null where the signatures cancel each other out. */
  | {
      readonly type: "set-update-summed";
      readonly epoch: bigint;
      readonly operatorSetHash: Hex;
      readonly signers: Hex;
      readonly signature: Hex | null;
    }
  /** A past epoch that L1 has fixed no set for: what waited for it is passed over. */
  | { readonly type: "set-absent"; readonly epoch: bigint }
  /** The next block of the followed branch, in order of heights. */
  | {
      readonly type: "block-verified";
      readonly rollupId: bigint;
      readonly block: VerifiedBlock;
      readonly observedAtMs: number;
    }
  /** The followed branch was left above this height. */
  | { readonly type: "reorged"; readonly rollupId: bigint; readonly commonAncestor: bigint }
  | {
      readonly type: "heads";
      readonly rollupId: bigint;
      readonly safe: Head | null;
      readonly finalized: Head | null;
    }
  /** Passed the cheap checks; its signature is being checked. */
  | { readonly type: "attestation-arrived"; readonly attestation: AdmittedAttestation }
  | { readonly type: "attestation-verified"; readonly attestation: VerifiedAttestation }
  /** Its signature was bad, or could not be checked. */
  | { readonly type: "attestation-refused"; readonly attestation: AdmittedAttestation }
  /** The answer to `check-sum`; the signature is null where the sum did not verify. */
  | {
      readonly type: "sum-checked";
      readonly claim: Claim;
      readonly digest: Hex;
      readonly signers: Hex;
      readonly signature: Hex | null;
    }
  /** The node's own signer signed what `sign` asked for. */
  | { readonly type: "signed"; readonly attestation: WireAttestation }
  /** The node's own signer does not sign what `sign` asked for; with its record's last claim. */
  | {
      readonly type: "sign-refused";
      readonly claim: Claim;
      readonly code: string;
      /** Null where it was not asked for. */
      readonly last: Claim | null;
    }
  /** From a peer or the store, and checked under its epoch's set. */
  | { readonly type: "certificate-verified"; readonly certificate: VerifiedCertificate }
  /** A contradiction kept from an earlier run. */
  | {
      readonly type: "contradiction-restored";
      readonly rollupId: bigint;
      readonly contradiction: Contradiction;
    }
  | { readonly type: "tick" };

/** What the shell is to do, in this order. */
export type Effect =
  | {
      readonly type: "sign";
      readonly claim: Claim;
      /** The headers of the claim's block and its ancestors, newest first, as far as they count. */
      readonly ancestry: readonly Hex[];
      /** What the claim needs to leave the last one's branch, or may need; null for nothing. */
      readonly release: VerifiedRelease | null;
    }
  | { readonly type: "publish-attestation"; readonly attestation: VerifiedAttestation }
  | {
      readonly type: "check-sum";
      readonly claim: Claim;
      readonly digest: Hex;
      readonly signers: Hex;
      readonly publicKeys: readonly Hex[];
      readonly signatures: readonly Uint8Array[];
      /** Each was attributed: the sum of valid signatures needs no check of its own. */
      readonly isEachVerified: boolean;
    }
  /** To be stored before it is reported. */
  | {
      readonly type: "store-certificate";
      readonly certificate: VerifiedCertificate;
      readonly latencyMs: number | null;
    }
  | { readonly type: "publish-certificate"; readonly certificate: VerifiedCertificate }
  | { readonly type: "store-evidence"; readonly evidence: Evidence }
  | {
      readonly type: "store-contradiction";
      readonly rollupId: bigint;
      readonly contradiction: Contradiction;
    }
  /** The hash is L1-final, and this node's operator is of the set that signs. */
  | { readonly type: "sign-set-update"; readonly epoch: bigint; readonly operatorSetHash: Hex }
  /** This operator's own signature. */
  | { readonly type: "publish-set-update"; readonly update: VerifiedSetUpdate }
  /** Each was found valid, so that the sum needs no check of its own. */
  | {
      readonly type: "sum-set-update";
      readonly epoch: bigint;
      readonly operatorSetHash: Hex;
      readonly signers: Hex;
      /** Compressed; of disjoint signers. */
      readonly signatures: readonly Hex[];
    }
  /** To be stored before it is reported: it stands, or has more weight than the one before. */
  | { readonly type: "store-set-update"; readonly update: VerifiedSetUpdate }
  | { readonly type: "report"; readonly report: Report };

/** What others may want to know of: the shell logs it, counts it and pushes it to readers. */
export type Report =
  | {
      readonly code: "attestation-counted";
      readonly attestation: VerifiedAttestation;
      /** Attributed for the same claim, this one included. */
      readonly presentWeight: bigint;
    }
  /** An operator signed another claim than this node's own for that height. */
  | { readonly code: "disagreement"; readonly claim: Claim; readonly operator: Hex }
  /** A valid certificate names another block than this node verified. */
  | { readonly code: "certificate-disagrees"; readonly certificate: VerifiedCertificate }
  /** A block was not signed, and why. */
  | {
      readonly code: "abstained";
      readonly rollupId: bigint;
      readonly blockNumber: bigint;
      readonly reason: AbstainReason;
    }
  /** The chain has left the branch of the last claim signed: nothing is signed until a release. */
  | { readonly code: "fork-locked"; readonly blockNumber: bigint; readonly last: Claim }
  /** The lock is open again, for this claim; the release is null where the branch came back. */
  | {
      readonly code: "fork-released";
      readonly claim: Claim;
      readonly release: VerifiedRelease | null;
    };

export type AbstainReason =
  /** The output root needs a proof that was not at hand. */
  | "needs-proof"
  /** The block's timestamp is before genesisTime. */
  | "before-genesis"
  /** The operator has no weight in the block's epoch. */
  | "not-in-set"
  /** A certificate for another claim stands at that height. */
  | "certificate-disagrees"
  /** The block does not descend from the last claim signed, and nothing releases from it yet. */
  | "fork-locked"
  /** The block's epoch is below the one of the last claim signed. */
  | "epoch-below-last"
  /** The rollup is not registered in the block's epoch. */
  | "unknown-rollup"
  /** The epoch has no set known here by the time that the height left the open ones. */
  | "unknown-operator-set";

/** Collects the effects of one step. */
export type Emit = (effect: Effect) => void;
