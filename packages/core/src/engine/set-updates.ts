import { bitfieldFromIndices, bitfieldIndices } from "../bitfield.ts";
import { replacesCertificate, signersOf, sumWeight } from "../certificate.ts";
import { type EpochSchedule, epochStart } from "../epoch.ts";
import type { Hex } from "../hex.ts";
import type { OperatorSet } from "../operator-set.ts";
import { hasQuorum, MIN_THRESHOLD_BPS, requiredWeight } from "../quorum.ts";
import type { SetUpdate } from "../set-update.ts";
import type { Emit } from "./effects.ts";
import {
  asVerifiedSetUpdate,
  hasSignedUpdate,
  isFalseSetUpdate,
  MAX_UNDECIDED,
  registryHashOf,
  singleSigner,
  toAdmitted,
  type VerifiedSetUpdate,
} from "./set-update-admission.ts";
import type { EngineState, SetUpdateState } from "./state.ts";

/** How long after the signer was asked in vain it is asked again: each time twice as long. */
const RETRY_MS = 10_000;
const MAX_DOUBLINGS = 8;

/**
 * When contracts stop accepting the update into an epoch, in seconds: the acceptance window of the
 * protocol, one epoch on every network, after the end of the epoch that signs.
 */
export function setUpdateDeadline(schedule: EpochSchedule, epoch: bigint): bigint {
  return epochStart(schedule, epoch + 1n);
}

/** L1's finalised state, read by this process, has this hash: it may be signed from now on. */
export function onSetFinal(
  state: EngineState,
  found: { readonly epoch: bigint; readonly operatorSetHash: Hex },
  now: number,
  emit: Emit,
): void {
  // The store's word is not enough to sign, nor is L1's for another set than the one known here.
  if (registryHashOf(state, found.epoch) !== found.operatorSetHash) return;
  progressOf(state, found.epoch).isFinal = true;
  proposeSetUpdates(state, now, emit);
}

/** Judges what waited for an epoch's hash, and lets go of epochs that no set is kept of. */
export function onSetOfUpdateKnown(state: EngineState, epoch: bigint, emit: Emit): void {
  for (const each of state.setUpdates.keys()) {
    if (!state.epochs.has(each) && !state.epochs.has(each - 1n)) state.setUpdates.delete(each);
  }
  for (const each of [epoch, epoch + 1n]) {
    for (const update of takeUnfounded(state, each)) onSetUpdateVerified(state, update, emit);
  }
  const undecided = state.setUpdates.get(epoch)?.undecided;
  if (undecided === undefined || registryHashOf(state, epoch) === undefined) return;
  const waiting = [...undecided.values()].flat();
  undecided.clear();
  for (const update of waiting) onSetUpdateVerified(state, update, emit);
}

/**
 * Begins an epoch anew where L1 has another set for it, or for the one before, than the store had:
 * signatures over two hashes, or by the indices of two sets, must never be summed. What the set
 * that stands has signed is given back, to be judged by the hash that stands.
 */
function takeUnfounded(state: EngineState, epoch: bigint): readonly VerifiedSetUpdate[] {
  const progress = state.setUpdates.get(epoch);
  if (progress === undefined) return [];
  const { held, signatures, undecided, isFinal } = progress;
  const registryHash = registryHashOf(state, epoch);
  const signedBy = registryHashOf(state, epoch - 1n);
  const counted = [...signatures.values(), ...(held === null ? [] : [held])];
  const all = [...counted, ...[...undecided.values()].flat()];
  const isOfHash = counted.every((each) => each.operatorSetHash === registryHash);
  const isOfSigners = all.every((each) => each.signedBy === signedBy);
  if ((registryHash === undefined || isOfHash) && (signedBy === undefined || isOfSigners)) {
    return [];
  }
  state.setUpdates.delete(epoch);
  progressOf(state, epoch).isFinal = isFinal && isOfHash;
  return all.filter((each) => each.signedBy === signedBy);
}

/** Takes a set update with a valid signature: of one operator, or a quorum's. */
export function onSetUpdateVerified(
  state: EngineState,
  update: VerifiedSetUpdate,
  emit: Emit,
): void {
  const { epoch } = update;
  // Its set may have left memory while the signature was checked.
  if (!state.epochs.has(epoch - 1n)) return;
  const progress = progressOf(state, epoch);
  const index = singleSigner(update);
  if (registryHashOf(state, epoch) === undefined) {
    if (index !== null) keepUndecided(progress, index, update);
  } else if (isFalseSetUpdate(state, update)) {
    convict(state, progress, update, emit);
  } else if (index !== null) {
    progress.signatures.set(index, update);
    const { signedWeight, totalWeight } = update;
    // One operator may be a quorum by itself.
    if (hasQuorum({ signedWeight, totalWeight, thresholdBps: MIN_THRESHOLD_BPS })) {
      hold(progress, update, emit);
    }
    improve(state, progress, emit);
  } else {
    hold(progress, update, emit);
    improve(state, progress, emit);
  }
}

/** Takes what the node's own signer made: counted and published. */
export function onSetUpdateSigned(
  state: EngineState,
  signed: { readonly epoch: bigint; readonly operatorSetHash: Hex; readonly signature: Hex },
  emit: Emit,
): void {
  const { operator } = state.options;
  const signing = state.epochs.get(signed.epoch - 1n);
  const index = operator === null ? undefined : signing?.byOperator.get(operator);
  if (signing === undefined || index === undefined) return;
  if (registryHashOf(state, signed.epoch) !== signed.operatorSetHash) return;
  const signers = bitfieldFromIndices([index], signing.operatorSet.operators.length);
  const update = toUpdate(state, { ...signed, signers, operatorSet: signing.operatorSet });
  emit({ type: "publish-set-update", update });
  if (progressOf(state, signed.epoch).signatures.has(index)) return;
  onSetUpdateVerified(state, update, emit);
}

/** Takes the sum that was asked for; null where the signatures cancel each other out. */
export function onSetUpdateSummed(
  state: EngineState,
  summed: {
    readonly epoch: bigint;
    readonly operatorSetHash: Hex;
    readonly signers: Hex;
    readonly signature: Hex | null;
  },
  emit: Emit,
): void {
  const { epoch, signature } = summed;
  const progress = state.setUpdates.get(epoch);
  const operatorSet = state.epochs.get(epoch - 1n)?.operatorSet;
  if (progress === undefined) return;
  progress.isSumming = false;
  // Only keys that were chosen to cancel out sum to infinity. To try again is to loop.
  if (operatorSet === undefined || signature === null) return;
  hold(progress, toUpdate(state, { ...summed, signature, operatorSet }), emit);
  improve(state, progress, emit);
}

/** Asks the signer for every update that this node owes: in its turn again where it refused. */
export function proposeSetUpdates(state: EngineState, now: number, emit: Emit): void {
  for (const progress of state.setUpdates.values()) {
    const operatorSetHash = dueHash(state, progress, now);
    if (operatorSetHash === null) continue;
    progress.askedAtMs = now;
    progress.attempts += 1;
    emit({ type: "sign-set-update", epoch: progress.epoch, operatorSetHash });
  }
}

/**
 * What a peer that was away has to be given, from a place on: for each epoch in order the update
 * that stands, or while there is none the single signatures, by index.
 */
export function openSetUpdates(
  state: EngineState,
  query: { readonly epoch: bigint; readonly from: number; readonly limit: number },
): readonly SetUpdate[] {
  const found: SetUpdate[] = [];
  const epochs = [...state.setUpdates.keys()].sort((a, b) => (a < b ? -1 : 1));
  for (const epoch of epochs) {
    const progress = state.setUpdates.get(epoch);
    if (progress === undefined || epoch < query.epoch) continue;
    const { held } = progress;
    const from = epoch === query.epoch ? query.from : 0;
    if (held !== null) {
      if (from === 0) found.push(toSetUpdate(held));
    } else {
      const singles = [...progress.signatures].sort(([a], [b]) => a - b);
      found.push(...singles.filter(([at]) => at >= from).map(([, each]) => toSetUpdate(each)));
    }
    if (found.length >= query.limit) break;
  }
  return found.slice(0, query.limit);
}

/** The lowest epoch whose update lacks a signer here, of those that have one; null for none. */
export function firstOpenSetUpdate(state: EngineState): bigint | null {
  let lowest: bigint | null = null;
  for (const epoch of state.epochs.keys()) {
    const signing = state.epochs.get(epoch - 1n)?.operatorSet;
    if (signing === undefined || (lowest !== null && lowest <= epoch)) continue;
    const held = state.setUpdates.get(epoch)?.held ?? null;
    if (held === null || held.signedWeight < signing.totalWeight) lowest = epoch;
  }
  return lowest;
}

/** How far the update into an epoch has come here; null where the set that signs is not known. */
export function setUpdateProgress(
  state: EngineState,
  epoch: bigint,
): { readonly presentWeight: bigint; readonly requiredWeight: bigint } | null {
  const signing = state.epochs.get(epoch - 1n)?.operatorSet;
  if (signing === undefined) return null;
  const progress = state.setUpdates.get(epoch);
  const singles = sumOfWeights(progress?.signatures.values() ?? []);
  return {
    presentWeight: progress?.held?.signedWeight ?? singles,
    requiredWeight: requiredWeight(signing.totalWeight, MIN_THRESHOLD_BPS),
  };
}

/** The document alone: without what was found in checking it. */
export function toSetUpdate(update: SetUpdate): SetUpdate {
  const { version, domain, epoch, operatorSetHash, signedBy, signers, signature } = update;
  return { version, domain, epoch, operatorSetHash, signedBy, signers, signature };
}

/** The hash that this node has to sign now; null where it owes nothing, or must not sign. */
function dueHash(state: EngineState, progress: SetUpdateState, now: number): Hex | null {
  const { operator, schedule } = state.options;
  const { epoch, held, signatures, askedAtMs, attempts } = progress;
  if (operator === null || !progress.isFinal || epoch < 1n) return null;
  if (now >= Number(setUpdateDeadline(schedule, epoch)) * 1_000) return null;
  const index = state.epochs.get(epoch - 1n)?.byOperator.get(operator);
  if (index === undefined || signatures.has(index) || hasSignedUpdate(held, index)) return null;
  const retryMs = RETRY_MS * 2 ** Math.min(Math.max(0, attempts - 1), MAX_DOUBLINGS);
  if (askedAtMs !== null && now < askedAtMs + retryMs) return null;
  return registryHashOf(state, epoch) ?? null;
}

/** Adds what counts and is missing to the update that stands, or makes the first of a quorum. */
function improve(state: EngineState, progress: SetUpdateState, emit: Emit): void {
  const { epoch, held, signatures } = progress;
  const signing = state.epochs.get(epoch - 1n)?.operatorSet;
  const operatorSetHash = registryHashOf(state, epoch);
  if (signing === undefined || operatorSetHash === undefined || progress.isSumming) return;
  const missing = [...signatures].filter(([index]) => !hasSignedUpdate(held, index));
  if (missing.length === 0) return;
  const added = missing.map(([, each]) => each);
  const signedWeight = (held?.signedWeight ?? 0n) + sumOfWeights(added);
  const { totalWeight } = signing;
  if (!hasQuorum({ signedWeight, totalWeight, thresholdBps: MIN_THRESHOLD_BPS })) return;
  const indices = [
    ...(held === null ? [] : bitfieldIndices(held.signers)),
    ...missing.map(([index]) => index),
  ];
  progress.isSumming = true;
  emit({
    type: "sum-set-update",
    epoch,
    operatorSetHash,
    signers: bitfieldFromIndices(indices, signing.operators.length),
    signatures: [...(held === null ? [] : [held]), ...added].map((each) => each.signature),
  });
}

function hold(progress: SetUpdateState, update: VerifiedSetUpdate, emit: Emit): void {
  const { held } = progress;
  if (held !== null && !replacesCertificate(held, update)) return;
  progress.held = update;
  emit({ type: "store-set-update", update });
}

function convict(
  state: EngineState,
  progress: SetUpdateState,
  update: VerifiedSetUpdate,
  emit: Emit,
): void {
  const signing = state.epochs.get(update.epoch - 1n)?.operatorSet;
  const registryHash = registryHashOf(state, update.epoch);
  if (signing === undefined || registryHash === undefined) return;
  const operators = signersOf(update, signing).map((each) => each.operator);
  if (operators.every((each) => progress.convicted.has(each))) return;
  for (const each of operators) progress.convicted.add(each);
  const shown = toSetUpdate(update);
  emit({
    type: "store-evidence",
    evidence: { kind: "false-set-update", operators, update: shown, registryHash },
  });
}

function keepUndecided(progress: SetUpdateState, index: number, update: VerifiedSetUpdate): void {
  const kept = progress.undecided.get(index) ?? [];
  if (kept.some((each) => each.operatorSetHash === update.operatorSetHash)) return;
  // The second bound of admission: several may have been in the signature check at once.
  if (kept.length < MAX_UNDECIDED) progress.undecided.set(index, [...kept, update]);
}

function toUpdate(
  state: EngineState,
  made: {
    readonly epoch: bigint;
    readonly operatorSetHash: Hex;
    readonly operatorSet: OperatorSet;
    readonly signers: Hex;
    readonly signature: Hex;
  },
): VerifiedSetUpdate {
  const { epoch, operatorSetHash, operatorSet, signers, signature } = made;
  const { domain } = state.options;
  const signedBy = operatorSet.operatorSetHash;
  const version = 1 as const;
  const update = { version, domain, epoch, operatorSetHash, signedBy, signers, signature };
  const operators = signersOf(update, operatorSet);
  const { totalWeight } = operatorSet;
  const found = { operators, signedWeight: sumWeight(operators), totalWeight };
  return asVerifiedSetUpdate(toAdmitted(state, update, found));
}

function progressOf(state: EngineState, epoch: bigint): SetUpdateState {
  let progress = state.setUpdates.get(epoch);
  if (progress === undefined) {
    progress = {
      epoch,
      signatures: new Map(),
      undecided: new Map(),
      convicted: new Set(),
      held: null,
      isSumming: false,
      isFinal: false,
      askedAtMs: null,
      attempts: 0,
    };
    state.setUpdates.set(epoch, progress);
  }
  return progress;
}

function sumOfWeights(updates: Iterable<VerifiedSetUpdate>): bigint {
  let sum = 0n;
  for (const { signedWeight } of updates) sum += signedWeight;
  return sum;
}
