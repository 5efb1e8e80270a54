import {
  type Bls,
  type EngineState,
  type Hex,
  isSameDomain,
  type OperatorSet,
  type SetUpdate,
  setUpdateDeadline,
  setUpdateProgress,
  signersOf,
  sumWeight,
  toSetUpdate,
  verifySetUpdate,
} from "@mach/core";
import type { ServedSetUpdate, ViewResult } from "../http/node-view.ts";
import type { Store } from "../store/store.ts";

export interface SetUpdateReaderPorts {
  readonly state: () => EngineState;
  readonly store: Pick<Store, "setUpdateOf" | "epochRecord">;
  readonly bls: Pick<Bls, "verifyAggregate">;
  /** Milliseconds. */
  readonly now: () => number;
}

/** The updates into epochs: from the engine's memory where it is there, else from the store. */
export interface SetUpdateReader {
  /** The update into the epoch of this set, which L1 has fixed. */
  read(operatorSet: OperatorSet): Promise<ViewResult<ServedSetUpdate>>;
}

/** About 1 KiB each. */
const MAX_REMEMBERED = 256;

/** Remembers what it found valid, so that readers of old epochs do not use up the node's CPU. */
export function createSetUpdateReader(ports: SetUpdateReaderPorts): SetUpdateReader {
  const { state, store, bls } = ports;
  const remembered = new Map<Hex, Found>();

  /** What a disk gives back is checked again, under the set that the store has for its signers. */
  async function findStored({ epoch, operatorSetHash }: OperatorSet): Promise<Found | null> {
    const row = await store.setUpdateOf(epoch);
    if (row === null || row.epoch !== epoch || row.operatorSetHash !== operatorSetHash) return null;
    if (!isSameDomain(row.domain, state().options.domain)) return null;
    const known = remembered.get(row.signature);
    if (known !== undefined && isSameUpdate(known.update, row)) return known;
    const signing = (await store.epochRecord(epoch - 1n))?.operatorSet;
    if (signing === undefined || !verifySetUpdate(bls, row, signing).ok) return null;
    const isWhole = sumWeight(signersOf(row, signing)) === signing.totalWeight;
    const oldest = remembered.keys().next();
    if (remembered.size >= MAX_REMEMBERED && !oldest.done) remembered.delete(oldest.value);
    const found = { update: row, isWhole };
    remembered.set(row.signature, found);
    return found;
  }

  function findHeld(epoch: bigint): Found | null {
    const held = state().setUpdates.get(epoch)?.held ?? null;
    if (held === null) return null;
    return { update: toSetUpdate(held), isWhole: held.signedWeight === held.totalWeight };
  }

  return {
    async read(operatorSet) {
      const { epoch } = operatorSet;
      const deadline = Number(setUpdateDeadline(state().options.schedule, epoch)) * 1_000;
      const isOpen = ports.now() < deadline;
      const found = findHeld(epoch) ?? (epoch === 0n ? null : await findStored(operatorSet));
      if (found === null) return whyNone(state(), epoch, isOpen);
      const { update, isWhole } = found;
      return { ok: true, value: { update, isImproving: isOpen && !isWhole } };
    },
  };
}

interface Found {
  readonly update: SetUpdate;
  /** Everyone has signed. */
  readonly isWhole: boolean;
}

function whyNone(
  state: EngineState,
  epoch: bigint,
  isOpen: boolean,
): Extract<ViewResult<never>, { readonly ok: false }> {
  const none = (detail: string) => ({ ok: false, code: "no-update", detail }) as const;
  const notYet = (detail: string) => ({ ok: false, code: "not-yet", detail }) as const;
  if (epoch === 0n) return none("Epoch 0 has no set before it that could sign.");
  if (state.absentEpochs.has(epoch - 1n)) return none("The epoch before has no operator set.");
  if (!isOpen) return none("Contracts accept it no more.");
  const progress = setUpdateProgress(state, epoch);
  if (progress === null) return notYet("The set of the epoch before is not known on this node.");
  const { presentWeight, requiredWeight } = progress;
  return notYet(`Of the weight that is required, ${requiredWeight}, ${presentWeight} has signed.`);
}

function isSameUpdate(left: SetUpdate, right: SetUpdate): boolean {
  return (
    left.epoch === right.epoch &&
    left.operatorSetHash === right.operatorSetHash &&
    left.signedBy === right.signedBy &&
    left.signers === right.signers &&
    left.signature === right.signature
  );
}
