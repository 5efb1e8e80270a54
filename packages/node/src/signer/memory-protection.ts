import { NodeError } from "../node-error.ts";
import type {
  ProtectionIdentity,
  ProtectionRecord,
  ProtectionWriter,
  RecordedClaim,
  RecordedSetUpdate,
  RecordOrigin,
  SigningRecord,
  Slot,
} from "./protection.ts";

/** A record that lasts as long as its process: for tests and simulation, never for an operator. */
export function createMemoryProtection(
  identity: ProtectionIdentity,
  origin: RecordOrigin = "never-signed",
): ProtectionRecord {
  const records = new Map<string, RecordedClaim>();
  const signatures = new Map<string, Uint8Array>();
  const newestSlots = new Map<bigint, Slot>();
  const setUpdates = new Map<bigint, RecordedSetUpdate>();
  const setUpdateSignatures = new Map<bigint, Uint8Array>();
  const ceilings = new Map<bigint, bigint>();
  let bindingSequence = 0n;
  let undo: (() => void)[] = [];

  function at(slot: Slot): SigningRecord | null {
    const name = slotName(slot);
    const record = records.get(name);
    return record === undefined ? null : { ...record, signature: signatures.get(name) ?? null };
  }
  function newest(rollupId: bigint): SigningRecord | null {
    const slot = newestSlots.get(rollupId);
    return slot === undefined ? null : at(slot);
  }
  function putUndoably<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
    map.set(key, value);
  }

  const writer: ProtectionWriter = {
    newest,
    at,
    insert(record) {
      const { claim } = record;
      const name = slotName(claim);
      if (records.has(name)) throw new NodeError("slot-taken", "The slot is already signed.");
      putUndoably(records, name, record);
      const last = newestSlots.get(claim.rollupId);
      if (last === undefined || claim.blockNumber > last.blockNumber) {
        putUndoably(newestSlots, claim.rollupId, claim);
      }
    },
    keepSignature: (slot, signature) => putUndoably(signatures, slotName(slot), signature),
    setUpdateOf(epoch) {
      const record = setUpdates.get(epoch);
      if (record === undefined) return null;
      return { ...record, signature: setUpdateSignatures.get(epoch) ?? null };
    },
    insertSetUpdate(record) {
      if (setUpdates.has(record.epoch)) {
        throw new NodeError("slot-taken", "The epoch's update is already signed.");
      }
      putUndoably(setUpdates, record.epoch, record);
    },
    keepSetUpdateSignature: (epoch, signature) =>
      putUndoably(setUpdateSignatures, epoch, signature),
    ceiling: (rollupId) => ceilings.get(rollupId) ?? null,
    keepCeiling: (rollupId, height) => putUndoably(ceilings, rollupId, height),
    bindingSequence: () => bindingSequence,
    keepBindingSequence(sequence) {
      const before = bindingSequence;
      undo.push(() => {
        bindingSequence = before;
      });
      bindingSequence = sequence;
    },
  };

  return {
    identity,
    origin,
    commit(change) {
      undo = [];
      try {
        return change(writer);
      } catch (error) {
        for (const step of undo.reverse()) step();
        throw error;
      }
    },
    covered: async () => {},
    newest,
    at,
    contents: () => ({
      claims: [...records.values()].sort(byHeight),
      setUpdates: [...setUpdates.values()].sort(byEpoch),
      ceilings: [...ceilings].map(([rollupId, blockNumber]) => ({ rollupId, blockNumber })),
      bindingSequence,
    }),
    close: async () => {},
  };
}

function byHeight({ claim: left }: RecordedClaim, { claim: right }: RecordedClaim): number {
  return left.blockNumber < right.blockNumber ? -1 : 1;
}

function byEpoch(left: RecordedSetUpdate, right: RecordedSetUpdate): number {
  return left.epoch < right.epoch ? -1 : 1;
}

function slotName(slot: Slot): string {
  return `${slot.rollupId}/${slot.blockNumber}`;
}
