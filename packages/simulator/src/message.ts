import type { Certificate, Evidence, SetUpdate, WireAttestation } from "@mach/core";

/** What travels between the nodes of a run. */
export type Message =
  | { readonly type: "attestation"; readonly attestation: WireAttestation }
  | { readonly type: "certificate"; readonly certificate: Certificate }
  | { readonly type: "evidence"; readonly evidence: Evidence }
  | { readonly type: "set-update"; readonly update: SetUpdate }
  | { readonly type: "sync-request"; readonly from: bigint }
  | {
      readonly type: "sync-answer";
      readonly certificates: readonly Certificate[];
      readonly attestations: readonly WireAttestation[];
      readonly evidence: readonly Evidence[];
      readonly setUpdates: readonly SetUpdate[];
    };
