import { parseEvidence } from "@mach/api";
import { type EvidenceFailure, verifyEvidence } from "@mach/core";
import { notValid, readCheckInput } from "./check-input.ts";
import { type Answer, type Command, UsageError } from "./command.ts";

/** `mach evidence verify`: whether evidence proves its operators guilty. */
export const command: Command = {
  usage: `mach evidence verify EVIDENCE.json --operator-set SET.json [--operator-set ...]
            --chain-id N --contract 0x... [--threshold-bps N] [--json]

Checks evidence of any kind, offline, under operator sets that you trust.

  --operator-set FILE   an OperatorSet; repeat it where the evidence spans epochs
  --chain-id N          the L1's chain id, decimal
  --contract 0x...      the registry on the L1
  --threshold-bps N     the rollup's threshold, 6667 (the default) to 10000
  --json                one JSON object instead of a sentence

Exit code: 0 valid, 1 not valid (with a code), 2 wrong usage.`,
  run: (args) => Promise.resolve(verify(args)),
};

const WHY: Readonly<Record<EvidenceFailure, string>> = {
  malformed: "it is not well formed, or not in its canonical order",
  "not-conflicting": "what it shows is no breach",
  "not-a-signer": "it names an operator that did not sign, or is not of the set",
  "broken-header-chain": "its headers do not lead from the higher block down to the lower",
  "unknown-operator-set": "the operator set of its epoch was not given, or is inconsistent",
  "epoch-mismatch": "a claim is of another epoch than its operator set",
  "below-threshold": "a certificate in it does not reach the threshold",
  "bad-signature": "a signature in it is not its signer's for this network",
};

function verify(args: readonly string[]): Answer {
  const { bls, document, sets, thresholdBps, domain } = readCheckInput(args, "EVIDENCE.json");
  if (domain === undefined) throw new UsageError("--chain-id and --contract are missing");
  const parsed = document.ok ? parseEvidence(document.value) : document;
  if (!parsed.ok) return notValid("malformed", WHY);
  const evidence = parsed.value;
  const result = verifyEvidence(bls, evidence, {
    domain,
    thresholdBps,
    operatorSet: (epoch) => sets.consistent.find((each) => each.epoch === epoch),
  });
  if (!result.ok) return notValid(result.code, WHY);
  const { kind } = evidence;
  const { operators } = result;
  const sentence = `valid (${kind}): it proves the breach of ${operators.join(", ")}`;
  return { exitCode: 0, json: { valid: true, kind, operators }, sentence };
}
