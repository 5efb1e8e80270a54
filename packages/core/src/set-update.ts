import { keccak256, keccak256Text, uintWord } from "./abi-words.ts";
import { isBitfieldOf } from "./bitfield.ts";
import type { Bls } from "./bls.ts";
import { signersOf, sumWeight } from "./certificate.ts";
import { type Domain, typedDataDigest } from "./domain.ts";
import { byteLength, concatHex, type Hex } from "./hex.ts";
import type { OperatorSet } from "./operator-set.ts";
import { hasQuorum, MIN_THRESHOLD_BPS } from "./quorum.ts";

/** The hash of an epoch's set, signed by the set of the epoch before. */
export interface SetUpdate {
  readonly version: 1;
  readonly domain: Domain;
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
  /** The operatorSetHash of epoch - 1. */
  readonly signedBy: Hex;
  readonly signers: Hex;
  readonly signature: Hex;
}

export type SetUpdateFailure =
  | "malformed"
  | "unknown-operator-set"
  | "epoch-mismatch"
  | "below-threshold"
  | "bad-signature";

export type SetUpdateResult =
  | { readonly ok: true; readonly signedWeight: bigint; readonly totalWeight: bigint }
  | { readonly ok: false; readonly code: SetUpdateFailure };

const SET_UPDATE_TYPEHASH = keccak256Text(
  "OperatorSetUpdate(uint64 epoch,bytes32 operatorSetHash)",
);

/** The 32-byte digest of an OperatorSetUpdate. */
export function setUpdateDigest(
  domain: Domain,
  update: { readonly epoch: bigint; readonly operatorSetHash: Hex },
): Hex {
  return typedDataDigest(
    domain,
    keccak256(concatHex(SET_UPDATE_TYPEHASH, uintWord(update.epoch), update.operatorSetHash)),
  );
}

/** Checks a set update under the trusted set of the epoch before; the threshold is 6667. */
export function verifySetUpdate(
  bls: Pick<Bls, "verifyAggregate">,
  update: SetUpdate,
  operatorSet: OperatorSet,
): SetUpdateResult {
  const { signers, signature } = update;
  if (byteLength(signature) !== 96 || !isBitfieldOf(signers, operatorSet.operators.length)) {
    return { ok: false, code: "malformed" };
  }
  if (update.signedBy !== operatorSet.operatorSetHash) {
    return { ok: false, code: "unknown-operator-set" };
  }
  if (update.epoch !== operatorSet.epoch + 1n) return { ok: false, code: "epoch-mismatch" };
  const operators = signersOf(update, operatorSet);
  const signedWeight = sumWeight(operators);
  const { totalWeight } = operatorSet;
  if (!hasQuorum({ signedWeight, totalWeight, thresholdBps: MIN_THRESHOLD_BPS })) {
    return { ok: false, code: "below-threshold" };
  }
  const publicKeys = operators.map((each) => each.publicKey);
  const message = setUpdateDigest(update.domain, update);
  if (!bls.verifyAggregate({ publicKeys, message, signature })) {
    return { ok: false, code: "bad-signature" };
  }
  return { ok: true, signedWeight, totalWeight };
}
