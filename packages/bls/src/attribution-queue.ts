import { fromHex, type Hex } from "@mach/core";
import type { BatchFailure, SignatureVerdict } from "./verdict.ts";

/** One attestation to be checked by itself, and where its answer goes. */
export interface PendingAttestation {
  readonly publicKey: Hex;
  readonly signature: Uint8Array;
  /** Asked again when its turn has come: see `Attestation`. */
  readonly isDoubtful: () => boolean;
  readonly answer: (verdict: SignatureVerdict<BatchFailure>) => void;
}

export interface PendingGroup {
  readonly message: Uint8Array;
  readonly attestations: readonly PendingAttestation[];
}

/** Attestations that wait, by message: those of the longest waiting message come out first. */
export interface AttributionQueue {
  readonly size: number;
  push(message: Hex, attestation: PendingAttestation): void;
  take(limits: { readonly attestations: number; readonly messages: number }): PendingGroup[];
}

export function createAttributionQueue(): AttributionQueue {
  const waiting = new Map<Hex, PendingAttestation[]>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    push(message, attestation) {
      const attestations = waiting.get(message);
      if (attestations === undefined) waiting.set(message, [attestation]);
      else attestations.push(attestation);
      size += 1;
    },
    take(limits) {
      const groups: PendingGroup[] = [];
      let room = limits.attestations;
      for (const [message, attestations] of waiting) {
        if (room === 0 || groups.length === limits.messages) break;
        const taken = attestations.slice(0, room);
        const rest = attestations.slice(room);
        waiting.delete(message);
        // To the end, so that one message cannot hold up the others.
        if (rest.length > 0) waiting.set(message, rest);
        groups.push({ message: fromHex(message), attestations: taken });
        room -= taken.length;
        size -= taken.length;
      }
      return groups;
    },
  };
}
