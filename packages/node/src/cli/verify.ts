import { parseCertificate, parseSetUpdate } from "@mach/api";
import {
  type Certificate,
  type CertificateFailure,
  type OperatorSet,
  signersOf,
  verifyCertificate,
} from "@mach/core";
import { type CheckInput, notValid, readCheckInput } from "./check-input.ts";
import type { Answer, Command } from "./command.ts";
import type { GivenSets } from "./operator-set-files.ts";
import { verifyUpdate } from "./verify-set-update.ts";

/** `mach verify`: whether a certificate, or a set update, is valid under a set that one trusts. */
export const command: Command = {
  usage: `mach verify FILE.json --operator-set SET.json [--operator-set ...] [--threshold-bps N]
            [--chain-id N --contract 0x...] [--json]

Checks a certificate, or a set update, offline. The operator set is the one that you trust: compare
its operatorSetHash with the registry's for that epoch. A set update is checked under the set of the
epoch before its own. Without --chain-id and --contract the document's own network is taken, and
printed for you to compare.

  --operator-set FILE   an OperatorSet; may be repeated, for several epochs
  --threshold-bps N     6667 (more than two thirds, the default) to 10000; for certificates
  --chain-id N          the L1's chain id, decimal
  --contract 0x...      the registry on the L1
  --json                one JSON object instead of a sentence

Exit code: 0 valid, 1 not valid (with a code), 2 wrong usage.`,
  run: (args) => Promise.resolve(verify(args)),
};

const WHY: Readonly<Record<CertificateFailure, string>> = {
  malformed: "it is not well formed",
  "unknown-operator-set": "it names another operator set, or the set given is inconsistent",
  "epoch-mismatch": "its claim is of another epoch than the operator set",
  "below-threshold": "its signers do not reach the threshold",
  "bad-signature": "its signature is not its signers' for this claim and network",
};

function verify(args: readonly string[]): Answer {
  const input = readCheckInput(args, "FILE.json");
  const { document } = input;
  const update = document.ok ? parseSetUpdate(document.value) : document;
  return update.ok ? verifyUpdate(input, update.value) : verifyDocument(input);
}

function verifyDocument(input: CheckInput): Answer {
  const { bls, document, sets, thresholdBps, domain } = input;
  const parsed = document.ok ? parseCertificate(document.value) : document;
  if (!parsed.ok) return notValid("malformed", WHY);
  const certificate = parsed.value;
  const operatorSet = chooseSet(sets, certificate);
  if (operatorSet === undefined) return notValid("unknown-operator-set", WHY);
  const context = { operatorSet, thresholdBps, ...(domain && { domain }) };
  const result = verifyCertificate(bls, certificate, context);
  // A set that contradicts itself is chosen only to tell a malformed certificate from its fault.
  const isMalformed = !result.ok && result.code === "malformed";
  if (!isMalformed && !sets.consistent.includes(operatorSet)) {
    return notValid("unknown-operator-set", WHY);
  }
  if (!result.ok) return notValid(result.code, WHY);
  return valid(result.certificate, operatorSet);
}

function chooseSet(sets: GivenSets, certificate: Certificate): OperatorSet | undefined {
  const { consistent, all } = sets;
  return (
    consistent.find((each) => each.operatorSetHash === certificate.operatorSetHash) ??
    consistent.find((each) => each.epoch === certificate.claim.epoch) ??
    consistent[0] ??
    all[0]
  );
}

function valid(
  certificate: Certificate & { readonly signedWeight: bigint; readonly totalWeight: bigint },
  operatorSet: OperatorSet,
): Answer {
  const { claim, domain, signedWeight, totalWeight } = certificate;
  const signers = signersOf(certificate, operatorSet).map((each) => each.operator);
  const json = {
    valid: true,
    signedWeight: signedWeight.toString(),
    totalWeight: totalWeight.toString(),
    signers,
  };
  const sentence =
    `valid: block ${claim.blockNumber} of rollup ${claim.rollupId} (${claim.blockHash}) has ` +
    `${signedWeight} of ${totalWeight} of the weight behind it, by ${signers.length} of ` +
    `${operatorSet.operators.length} operators`;
  const detail =
    `network: chain id ${domain.chainId}, contract ${domain.verifyingContract}; epoch ` +
    `${claim.epoch}, operatorSetHash ${operatorSet.operatorSetHash}: compare it with the registry's`;
  return { exitCode: 0, json, sentence, detail };
}
