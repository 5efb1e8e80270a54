import { type BlockView, claimDigest, type EngineState, openContradiction } from "@mach/core";
import type { ServedCertificate } from "../http/node-view.ts";
import type { Store } from "../store/store.ts";
import { certifiedBlockView, contradictedBlockView, UNKNOWN_BLOCK } from "./answers.ts";
import type { StoredCertificates } from "./stored-certificates.ts";

export interface Found extends ServedCertificate {
  /** `suspended`: valid, and above a contradiction that L1 has not passed yet. */
  readonly standing: "served" | "suspended" | "contradicted";
}

/** The best certificate at a height, from memory or else from the store, and how it stands. */
export type FindCertificate = (rollupId: bigint, blockNumber: bigint) => Promise<Found | null>;

/** Finds certificates for readers; those of the store are checked again. */
export function createCertificateFinder(ports: {
  readonly state: () => EngineState;
  readonly store: Pick<Store, "certificateAt">;
  readonly stored: StoredCertificates;
}): FindCertificate {
  const { state, store, stored } = ports;
  return async (rollupId, blockNumber) => {
    const held = state().rollups.get(rollupId)?.certified.get(blockNumber);
    const row = held === undefined ? await store.certificateAt(rollupId, blockNumber) : null;
    const certificate = held?.certificate ?? (row && (await stored.verify(row)));
    if (certificate === null) return null;
    const digest = held?.digest ?? claimDigest(state().options.domain, certificate.claim);
    const isContradicted = held === undefined && (await stored.isContradicted(rollupId, digest));
    // What memory says is read last: nothing that came in meanwhile is missed.
    const rollup = state().rollups.get(rollupId);
    const open = rollup === undefined ? null : openContradiction(rollup);
    const isImproving = typeof held?.openUntilMs === "number";
    if (isContradicted || rollup?.contradicted.has(digest)) {
      return { certificate, isImproving, standing: "contradicted" };
    }
    const isSuspended = open !== null && blockNumber >= open.fromBlockNumber;
    return { certificate, isImproving, standing: isSuspended ? "suspended" : "served" };
  };
}

/** A block as its certificate of the store alone tells of it. */
export function viewOf({ certificate, standing }: Found): BlockView {
  switch (standing) {
    case "served":
      return certifiedBlockView(certificate);
    case "contradicted":
      return contradictedBlockView(certificate);
    case "suspended":
      return UNKNOWN_BLOCK;
  }
}
