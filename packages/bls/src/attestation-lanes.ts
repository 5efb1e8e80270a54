import { type Hex, toHex } from "@mach/core";
import {
  createAttributionQueue,
  type PendingAttestation,
  type PendingGroup,
} from "./attribution-queue.ts";
import { createGathering } from "./gathering.ts";

export interface AttestationLanesOptions {
  readonly maxBatch: number;
  readonly gatherMs: number;
  readonly maxQueuedAttestations: number;
}

/** Attestations that wait in two lanes: the usual one, and a slow one for what is doubtful. */
export interface AttestationLanes {
  readonly size: number;
  readonly doubtful: number;
  /** Takes it in and is true; answers it `overloaded` and is false where there is no room. */
  push(message: Hex, attestation: PendingAttestation): boolean;
  /** The next batch; null where nothing waits, or what waits still gathers. */
  take(): readonly PendingGroup[] | null;
  /** All that waits, and no more timers. */
  close(): readonly PendingGroup[];
}

/** Messages of one batch share a final step; each costs the others about 0.35 ms. */
const MAX_MESSAGES_PER_BATCH = 8;
/** A batch is not broken off: four bad signatures hold up what comes meanwhile for about 5 ms. */
const MAX_DOUBTFUL_PER_BATCH = 4;
/** So that doubtful ones are checked in the end, however many others there are. */
const MAX_BATCHES_BEFORE_DOUBTFUL = 16;
/** The room for doubtful ones, as a part of that for the others. */
const DOUBTFUL_SHARE = 16;

/** `onOver` is called when what gathers is due. */
export function createAttestationLanes(
  options: AttestationLanesOptions,
  onOver: () => void,
): AttestationLanes {
  const { maxBatch, gatherMs, maxQueuedAttestations } = options;
  const usual = createAttributionQueue();
  const doubtful = createAttributionQueue();
  const maxDoubtful = Math.ceil(maxQueuedAttestations / DOUBTFUL_SHARE);
  const gathering = createGathering(gatherMs, onOver);
  let batchesInARow = 0;

  function postpone(message: Hex, attestation: PendingAttestation): boolean {
    const hasRoom = doubtful.size < maxDoubtful;
    if (hasRoom) doubtful.push(message, attestation);
    else attestation.answer({ ok: false, code: "overloaded" });
    return hasRoom;
  }

  function takeUsual(): readonly PendingGroup[] | null {
    if (usual.size < maxBatch && !gathering.isOver()) return null;
    const limits = { attestations: maxBatch, messages: MAX_MESSAGES_PER_BATCH };
    while (usual.size > 0) {
      const groups = withoutDoubtful(usual.take(limits), postpone);
      if (groups.length > 0) return groups;
    }
    return null;
  }

  function takeDoubtful(): readonly PendingGroup[] | null {
    const most = MAX_DOUBTFUL_PER_BATCH;
    return doubtful.size === 0 ? null : doubtful.take({ attestations: most, messages: most });
  }

  return {
    get size() {
      return usual.size + doubtful.size;
    },
    get doubtful() {
      return doubtful.size;
    },
    push(message, attestation) {
      if (attestation.isDoubtful()) return postpone(message, attestation);
      const hasRoom = usual.size < maxQueuedAttestations;
      if (!hasRoom) {
        attestation.answer({ ok: false, code: "overloaded" });
        return false;
      }
      if (usual.size === 0) gathering.begin();
      usual.push(message, attestation);
      return true;
    },
    take() {
      // Where none is there the turn passes: a thread that is told of nothing sleeps.
      const isDoubtfulsTurn = doubtful.size > 0 && batchesInARow >= MAX_BATCHES_BEFORE_DOUBTFUL;
      const groups = usual.size === 0 || isDoubtfulsTurn ? null : takeUsual();
      batchesInARow = groups === null ? 0 : batchesInARow + 1;
      if (groups !== null) return groups;
      // What gathers is due in a moment: nothing that can fail is begun before it.
      return usual.size === 0 || isDoubtfulsTurn ? takeDoubtful() : null;
    },
    close() {
      gathering.stop();
      return [usual, doubtful].flatMap((queue) =>
        queue.take({ attestations: queue.size, messages: queue.size }),
      );
    },
  };
}

/** The groups without what has become doubtful, which is handed on. */
function withoutDoubtful(
  groups: readonly PendingGroup[],
  postpone: (message: Hex, attestation: PendingAttestation) => void,
): readonly PendingGroup[] {
  return groups.flatMap((group) => {
    const attestations: PendingAttestation[] = [];
    for (const each of group.attestations) {
      if (each.isDoubtful()) postpone(toHex(group.message), each);
      else attestations.push(each);
    }
    return attestations.length === 0 ? [] : [{ message: group.message, attestations }];
  });
}
