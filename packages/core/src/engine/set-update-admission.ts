import { bitfieldIndices, isBitfieldOf } from "../bitfield.ts";
import { replacesCertificate, signersOf, sumWeight } from "../certificate.ts";
import { isSameDomain } from "../domain.ts";
import { byteLength, type Hex } from "../hex.ts";
import type { Operator } from "../operator-set.ts";
import { hasQuorum, MIN_THRESHOLD_BPS } from "../quorum.ts";
import { type SetUpdate, setUpdateDigest } from "../set-update.ts";
import type { EngineState } from "./state.ts";

declare const admitted: unique symbol;
declare const verified: unique symbol;

/**
 * A set update that passed every check that costs nothing: signed, as it says, by one operator or
 * by a quorum of the set of the epoch before, and news. Only `admitSetUpdate` makes one.
 */
export interface AdmittedSetUpdate extends SetUpdate {
  readonly [admitted]: true;
  readonly digest: Hex;
  /** The signers' compressed keys, in order of index. */
  readonly publicKeys: readonly Hex[];
  readonly signedWeight: bigint;
  readonly totalWeight: bigint;
}

/** A set update whose signature was found valid under exactly its signers' keys. */
export interface VerifiedSetUpdate extends AdmittedSetUpdate {
  readonly [verified]: true;
}

export type SetUpdateAdmissionFailure =
  /** Of another network. The sender is to blame. */
  | "wrong-domain"
  /** A length, an unused bit or the epoch is wrong. The sender is to blame. */
  | "malformed"
  /** The set of the epoch before is not known here, or not yet. No blame. */
  | "unknown-operator-set"
  /** It names another set than L1 has for the epoch before. The sender is to blame. */
  | "wrong-signing-set"
  /** Neither one operator's nor a quorum's. The sender is to blame. */
  | "below-threshold"
  /** A quorum's, for an epoch whose hash is not known here yet. No blame. */
  | "not-fixed-yet"
  /** The operator's signature counts already, or it stands convicted. No blame. */
  | "duplicate"
  /** The one that stands has as much weight. No blame. */
  | "not-better";

export type SetUpdateAdmission =
  | { readonly ok: true; readonly update: AdmittedSetUpdate }
  | { readonly ok: false; readonly code: SetUpdateAdmissionFailure };

/** What is kept of one operator for an epoch whose hash is not known here: of two one is false. */
export const MAX_UNDECIDED = 2;

const fail = (code: SetUpdateAdmissionFailure): SetUpdateAdmission => ({ ok: false, code });

/** Whether a failure is one that an honest, up-to-date sender could not have caused. */
export function isSetUpdateToBlame(code: SetUpdateAdmissionFailure): boolean {
  switch (code) {
    case "wrong-domain":
    case "malformed":
    case "wrong-signing-set":
    case "below-threshold":
      return true;
    case "unknown-operator-set":
    case "not-fixed-yet":
    case "duplicate":
    case "not-better":
      return false;
  }
}

/** Every check of a set update that costs no cryptography, the cheapest first. */
export function admitSetUpdate(state: EngineState, update: SetUpdate): SetUpdateAdmission {
  const { epoch, signers, signature } = update;
  if (!isSameDomain(update.domain, state.options.domain)) return fail("wrong-domain");
  if (epoch < 1n || byteLength(signature) !== 96) return fail("malformed");
  const signing = state.epochs.get(epoch - 1n)?.operatorSet;
  if (signing === undefined) return fail("unknown-operator-set");
  if (!isBitfieldOf(signers, signing.operators.length)) return fail("malformed");
  if (update.signedBy !== signing.operatorSetHash) return fail("wrong-signing-set");
  const operators = signersOf(update, signing);
  const signedWeight = sumWeight(operators);
  const { totalWeight } = signing;
  const thresholdBps = MIN_THRESHOLD_BPS;
  const isQuorum = hasQuorum({ signedWeight, totalWeight, thresholdBps });
  // Attribution comes before counting: a sum of a few is of use to nobody but a forger.
  if (operators.length !== 1 && !isQuorum) return fail("below-threshold");
  const repeated = checkRepeated(state, update, { operators, signedWeight });
  if (repeated !== null) return fail(repeated);
  return { ok: true, update: toAdmitted(state, update, { operators, signedWeight, totalWeight }) };
}

/** Says that the signature check has passed: to be called with its result at hand only. */
export function asVerifiedSetUpdate(update: AdmittedSetUpdate): VerifiedSetUpdate {
  return update as VerifiedSetUpdate;
}

/** Whether L1 is known here to have fixed another hash for the update's epoch. */
export function isFalseSetUpdate(
  state: EngineState,
  update: Pick<SetUpdate, "epoch" | "operatorSetHash">,
): boolean {
  const registryHash = registryHashOf(state, update.epoch);
  return registryHash !== undefined && registryHash !== update.operatorSetHash;
}

/** The hash that L1 has fixed for an epoch, as far as it is known here. */
export function registryHashOf(state: EngineState, epoch: bigint): Hex | undefined {
  return state.epochs.get(epoch)?.operatorSet.operatorSetHash;
}

/** The one signer's index; null where it is a sum of several. */
export function singleSigner(update: Pick<SetUpdate, "signers">): number | null {
  const [index, ...others] = bitfieldIndices(update.signers);
  return index === undefined || others.length > 0 ? null : index;
}

/** Whether an operator's bit is set. */
export function hasSignedUpdate(update: Pick<SetUpdate, "signers"> | null, index: number): boolean {
  return update !== null && bitfieldIndices(update.signers).includes(index);
}

/** The same checks passed for a sum that was made here of signatures that count. */
export function toAdmitted(
  state: EngineState,
  update: SetUpdate,
  found: {
    readonly operators: readonly Operator[];
    readonly signedWeight: bigint;
    readonly totalWeight: bigint;
  },
): AdmittedSetUpdate {
  const { operators, signedWeight, totalWeight } = found;
  const publicKeys: readonly Hex[] = operators.map((each) => each.publicKey);
  const digest = setUpdateDigest(state.options.domain, update);
  return { ...update, digest, publicKeys, signedWeight, totalWeight } as AdmittedSetUpdate;
}

function checkRepeated(
  state: EngineState,
  update: SetUpdate,
  found: { readonly operators: readonly Operator[]; readonly signedWeight: bigint },
): SetUpdateAdmissionFailure | null {
  const progress = state.setUpdates.get(update.epoch);
  const index = singleSigner(update);
  if (isFalseSetUpdate(state, update)) {
    const isConvicted = found.operators.every((each) => progress?.convicted.has(each.operator));
    return isConvicted ? "duplicate" : null;
  }
  if (registryHashOf(state, update.epoch) === undefined) {
    if (index === null) return "not-fixed-yet";
    const kept = progress?.undecided.get(index) ?? [];
    const isKept = kept.some((each) => each.operatorSetHash === update.operatorSetHash);
    return isKept || kept.length >= MAX_UNDECIDED ? "duplicate" : null;
  }
  // Also one whose operator is in the update that stands: a heavier one may lack it.
  if (index !== null) return progress?.signatures.has(index) ? "duplicate" : null;
  const held = progress?.held ?? null;
  const { signers } = update;
  const { signedWeight } = found;
  if (held === null || replacesCertificate(held, { signers, signedWeight })) return null;
  return "not-better";
}
