import { parseArgs } from "node:util";
import { STACKS, type Stack } from "@mach/core";
import { type BlockFailure, type CheckedBlock, stackOf } from "@mach/rollups/stacks";
import { required } from "./arguments.ts";
import { type Answer, type Command, UsageError } from "./command.ts";
import { readJsonFile } from "./json-file.ts";

/** `mach claim`: what an operator would say about a block, recomputed from its fields. */
export const command: Command = {
  usage: `mach claim --stack ${STACKS.join("|")} --block BLOCK.json [--json]

Recomputes the hash and the roots of a rollup block, as an operator does before it signs.

  --stack NAME   the rollup's stack: ${STACKS.join(", ")}
  --block FILE   the result object of eth_getBlockByNumber, or a file with it under "header"
  --json         one JSON object instead of a sentence

Exit code: 0 recomputed, 1 not (with a code), 2 wrong usage.`,
  run: (args) => Promise.resolve(claim(args)),
};

function claim(args: readonly string[]): Answer {
  const { values } = parseArgs({
    args: [...args],
    options: {
      stack: { type: "string" },
      block: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const stack = parseStack(required(values.stack, "stack"));
  const file = readJsonFile(required(values.block, "block"));
  if (!file.ok) return refused({ ok: false, code: "malformed", field: "(no JSON)" });
  const checked = stackOf(stack).checkBlock(blockIn(file.value));
  return checked.ok ? recomputed(checked.block) : refused(checked);
}

function parseStack(name: string): Stack {
  const stack = STACKS.find((each) => each === name);
  if (stack === undefined) throw new UsageError(`--stack is one of ${STACKS.join(", ")}`);
  return stack;
}

function blockIn(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("header" in value) return value.header;
  return "result" in value ? value.result : value;
}

function recomputed(block: CheckedBlock): Answer {
  const { blockNumber, blockHash, stateRoot, outputRoot, timestamp } = block;
  const json = {
    blockNumber: blockNumber.toString(),
    blockHash,
    stateRoot,
    outputRoot,
    timestamp: timestamp.toString(),
  };
  const output =
    outputRoot === null
      ? "unknown: it takes a proof that the file lacks, so no operator signs this block"
      : outputRoot;
  const sentence = `block ${blockNumber}, ${timestamp} s
  blockHash   ${blockHash}
  stateRoot   ${stateRoot}
  outputRoot  ${output}`;
  return { exitCode: 0, json, sentence };
}

function refused(failure: BlockFailure): Answer {
  const { code } = failure;
  const sentence =
    code === "malformed"
      ? `no block (malformed): the field at fault is ${failure.field}`
      : `not this block (${code}): ${failure.field} is ${failure.got}, expected ${failure.expected}`;
  return { exitCode: 1, json: { code }, sentence };
}
