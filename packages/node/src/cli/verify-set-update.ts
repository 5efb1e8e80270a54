import {
  isSameDomain,
  type SetUpdate,
  type SetUpdateFailure,
  signersOf,
  verifySetUpdate,
} from "@mach/core";
import { type CheckInput, notValid } from "./check-input.ts";
import type { Answer } from "./command.ts";

const WHY: Readonly<Record<SetUpdateFailure, string>> = {
  malformed: "it is not well formed",
  "unknown-operator-set": "it is signed by another operator set, or the set given is inconsistent",
  "epoch-mismatch": "it does not lead into the epoch after the operator set's",
  "below-threshold": "its signers do not reach more than two thirds of the weight",
  "bad-signature": "its signature is not its signers' for this hash and network",
};

/** Whether a set update is valid under the set of the epoch before, which the caller trusts. */
export function verifyUpdate(input: CheckInput, update: SetUpdate): Answer {
  const { bls, sets, domain } = input;
  const { consistent } = sets;
  const operatorSet =
    consistent.find((each) => each.operatorSetHash === update.signedBy) ??
    consistent.find((each) => each.epoch === update.epoch - 1n);
  if (operatorSet === undefined) return notValid("unknown-operator-set", WHY);
  const result = verifySetUpdate(bls, update, operatorSet);
  if (!result.ok) return notValid(result.code, WHY);
  if (domain !== undefined && !isSameDomain(domain, update.domain)) {
    return notValid("bad-signature", WHY);
  }
  const { signedWeight, totalWeight } = result;
  const signers = signersOf(update, operatorSet).map((each) => each.operator);
  const { epoch, operatorSetHash } = update;
  const json = {
    valid: true,
    signedWeight: signedWeight.toString(),
    totalWeight: totalWeight.toString(),
    signers,
  };
  const sentence =
    `valid: the operator set of epoch ${epoch} (${operatorSetHash}) has ${signedWeight} of ` +
    `${totalWeight} of the weight of epoch ${epoch - 1n} behind it, by ${signers.length} of ` +
    `${operatorSet.operators.length} operators`;
  const detail =
    `network: chain id ${update.domain.chainId}, contract ${update.domain.verifyingContract}; ` +
    `epoch ${epoch - 1n}, operatorSetHash ${update.signedBy}: compare it with the registry's`;
  return { exitCode: 0, json, sentence, detail };
}
