import { parseArgs } from "node:util";
import { createNativeBls } from "@mach/bls";
import type { Bls, Domain } from "@mach/core";
import { onlyPositional, parseDomain, parseThreshold } from "./arguments.ts";
import type { Answer } from "./command.ts";
import { type JsonFile, readJsonFile } from "./json-file.ts";
import { type GivenSets, readOperatorSets } from "./operator-set-files.ts";

/** What an offline check is given: a document, and what the caller trusts it against. */
export interface CheckInput {
  readonly bls: Bls;
  readonly document: JsonFile;
  readonly sets: GivenSets;
  readonly thresholdBps: number;
  /** Undefined where the command line names no network. */
  readonly domain: Domain | undefined;
}

/** Reads the arguments and files of an offline check. Throws a UsageError for wrong ones. */
export function readCheckInput(args: readonly string[], documentName: string): CheckInput {
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
  const path = onlyPositional(positionals, documentName);
  const thresholdBps = parseThreshold(values["threshold-bps"]);
  const domain = parseDomain({ chainId: values["chain-id"], contract: values.contract });
  const bls = createNativeBls();
  const sets = readOperatorSets(bls, values["operator-set"]);
  return { bls, document: readJsonFile(path), sets, thresholdBps, domain };
}

/** The answer to a document that is not valid, with what its code means to a person. */
export function notValid<Code extends string>(
  code: Code,
  why: Readonly<Record<Code, string>>,
): Answer {
  const sentence = `not valid (${code}): ${why[code]}`;
  return { exitCode: 1, json: { valid: false, code }, sentence };
}
