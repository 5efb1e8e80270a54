import { parseArgs } from "node:util";
import { parseEvidence } from "@mach/api";
import { createNativeBls } from "@mach/bls";
import { type EvidenceFailure, verifyEvidence } from "@mach/core";
import { onlyPositional, parseDomain, parseThreshold } from "./arguments.ts";
import { type Answer, type Command, UsageError } from "./command.ts";
import { readJsonFile } from "./json-file.ts";
import { readOperatorSets } from "./operator-set-files.ts";

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
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      "operator-set": { type: "string", multiple: true },
      "threshold-bps": { type: "string" },
      "chain-id": { type: "string" },
      contract: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const path = onlyPositional(positionals, "EVIDENCE.json");
  const thresholdBps = parseThreshold(values["threshold-bps"]);
  const domain = parseDomain({ chainId: values["chain-id"], contract: values.contract });
  if (domain === undefined) throw new UsageError("--chain-id and --contract are missing");
  const bls = createNativeBls();
  const { consistent } = readOperatorSets(bls, values["operator-set"]);
  const file = readJsonFile(path);
  const parsed = file.ok ? parseEvidence(file.value) : file;
  if (!parsed.ok) return invalid("malformed");
  const evidence = parsed.value;
  const result = verifyEvidence(bls, evidence, {
    domain,
    thresholdBps,
    operatorSet: (epoch) => consistent.find((each) => each.epoch === epoch),
  });
  if (!result.ok) return invalid(result.code);
  const { kind } = evidence;
  const { operators } = result;
  const sentence = `valid (${kind}): it proves the breach of ${operators.join(", ")}`;
  return { exitCode: 0, json: { valid: true, kind, operators }, sentence };
}

function invalid(code: EvidenceFailure): Answer {
  const sentence = `not valid (${code}): ${WHY[code]}`;
  return { exitCode: 1, json: { valid: false, code }, sentence };
}
