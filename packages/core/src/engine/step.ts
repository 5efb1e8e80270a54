import type { OperatorSet } from "../operator-set.ts";
import type { RollupParameters } from "../rollup.ts";
import {
  onAttestationArrived,
  onAttestationRefused,
  onAttestationVerified,
  onSigned,
  trySum,
} from "./attestation-pool.ts";
import { pruneBound } from "./bound-operators.ts";
import { closeWindows, onCertificateVerified, onSumChecked } from "./certificates.ts";
import { onBlockVerified, onHeads, onReorged, onSetKnown } from "./chain.ts";
import { restoreContradiction } from "./contradiction.ts";
import type { Effect, Emit, Input } from "./effects.ts";
import { onSignerAnswered, onSignRefused, proposeClaims } from "./proposals.ts";
import {
  onSetFinal,
  onSetOfUpdateKnown,
  onSetUpdateSigned,
  onSetUpdateSummed,
  onSetUpdateVerified,
  proposeSetUpdates,
} from "./set-updates.ts";
import { type EngineState, MAX_EPOCHS } from "./state.ts";

/** What a step gives back: the state to go on with, and what the shell is to do, in order. */
export interface Step {
  readonly state: EngineState;
  readonly effects: readonly Effect[];
}

/**
 * The protocol, one input at a time: no clock, no randomness and no I/O of its own, so that the
 * same inputs at the same times always give the same effects. `now` is in milliseconds. The state
 * handed in is used up: go on with the one returned.
 */
export function step(state: EngineState, input: Input, now: number): Step {
  const effects: Effect[] = [];
  apply(state, input, now, (effect) => effects.push(effect));
  return { state, effects };
}

function apply(state: EngineState, input: Input, now: number, emit: Emit): void {
  switch (input.type) {
    case "set-known":
      learnSet(state, input);
      onSetKnown(state, emit);
      onSetOfUpdateKnown(state, input.operatorSet.epoch, emit);
      proposeSetUpdates(state, now, emit);
      return;
    case "set-final":
      onSetFinal(state, input, now, emit);
      return;
    case "set-update-verified":
      onSetUpdateVerified(state, input.update, emit);
      return;
    case "set-update-signed":
      onSetUpdateSigned(state, input, emit);
      return;
    case "set-update-summed":
      onSetUpdateSummed(state, input, emit);
      return;
    case "set-absent":
      learnAbsence(state, input.epoch);
      onSetKnown(state, emit);
      return;
    case "block-verified":
      onBlockVerified(state, input, emit);
      return;
    case "reorged":
      onReorged(state, input);
      return;
    case "heads":
      onHeads(state, input, emit);
      return;
    case "attestation-arrived":
      onAttestationArrived(state, input.attestation, emit);
      return;
    case "attestation-verified":
      onAttestationVerified(state, input.attestation, emit);
      return;
    case "attestation-refused":
      onAttestationRefused(state, input.attestation);
      return;
    case "signed":
      onSigned(state, input.attestation, emit);
      onSignerAnswered(state, input.attestation.claim, emit);
      return;
    case "sign-refused":
      onSignRefused(state, input, emit);
      return;
    case "sum-checked": {
      const pool = onSumChecked(state, input, now, emit);
      const rollup = state.rollups.get(input.claim.rollupId);
      const height = rollup?.heights.get(input.claim.blockNumber);
      // More may have arrived while the sum was checked.
      if (pool !== null && rollup !== undefined && height !== undefined) {
        trySum(state, { rollup, height, pool }, emit);
      }
      tryRelease(state, input.claim.rollupId, emit);
      return;
    }
    case "certificate-verified":
      onCertificateVerified(state, input.certificate, now, emit);
      tryRelease(state, input.certificate.claim.rollupId, emit);
      return;
    case "contradiction-restored": {
      const rollup = state.rollups.get(input.rollupId);
      if (rollup !== undefined) restoreContradiction(rollup, input.contradiction);
      return;
    }
    case "tick":
      for (const rollup of state.rollups.values()) closeWindows(state, rollup, now, emit);
      proposeSetUpdates(state, now, emit);
      return;
  }
}

/** A new certificate may release what the fork lock holds. */
function tryRelease(state: EngineState, rollupId: bigint, emit: Emit): void {
  const rollup = state.rollups.get(rollupId);
  if (rollup !== undefined && rollup.lock !== null) proposeClaims(state, rollup, emit);
}

function learnAbsence(state: EngineState, epoch: bigint): void {
  if (state.epochs.has(epoch)) return;
  state.absentEpochs.add(epoch);
  const [oldest] = state.absentEpochs;
  if (state.absentEpochs.size > MAX_EPOCHS && oldest !== undefined) {
    state.absentEpochs.delete(oldest);
  }
}

function learnSet(
  state: EngineState,
  known: {
    readonly operatorSet: OperatorSet;
    readonly rollups: readonly RollupParameters[];
  },
): void {
  const { operatorSet, rollups } = known;
  state.epochs.set(operatorSet.epoch, {
    operatorSet,
    rollups: new Map(rollups.map((each) => [each.rollupId, each])),
    byOperator: new Map(operatorSet.operators.map((each) => [each.operator, each.index])),
  });
  const epochs = [...state.epochs.keys()].sort((a, b) => (a < b ? -1 : 1));
  for (const epoch of epochs.slice(0, -MAX_EPOCHS)) state.epochs.delete(epoch);
  pruneBound(state);
}
