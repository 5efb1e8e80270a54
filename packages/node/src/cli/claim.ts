import { parseArgs } from "node:util";
import { STACKS, type Stack } from "@mach/core";
import { type BlockFailure, type CheckedBlock, stackOf } from "@mach/rollups/stacks";
import { required } from "./arguments.ts";
import { type Answer, type Command, UsageError } from "./command.ts";
import { parseStack } from "./endpoints.ts";
import { readJsonFile } from "./json-file.ts";

/** `mach claim`: what an operator would say about a block, recomputed from its fields. */
export const command: Command = {
  usage: `mach claim --stack ${STACKS.join("|")} --block BLOCK.json [--json]
mach claim --stack ${STACKS.join("|")} --rpc URL --number N [--json]

Recomputes the hash and the roots of a rollup block, as an operator does before it signs.

  --stack NAME   the rollup's stack: ${STACKS.join(", ")}
  --block FILE   the result object of eth_getBlockByNumber, or a file with it under "header",
                 "block" or "result"; with the answer of eth_getProof for the message passer under
                 "proof", the output root of an op block from before Isthmus. A file with a list
                 of blocks, itself or under "cases" or "blocks", gives each one's claim
  --rpc URL      an http(s) endpoint of the rollup; may be given several times
  --number N     the block to ask for, decimal or 0x
  --agree K      how many endpoints must have it by the same hash; more than half by default
  --json         one JSON object instead of a sentence

Exit code: 0 recomputed, 1 not (with a code), 2 wrong usage.`,
  run: claim,
};

async function claim(args: readonly string[]): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      stack: { type: "string" },
      block: { type: "string" },
      rpc: { type: "string", multiple: true },
      number: { type: "string" },
      agree: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const stack = parseStack(required(values.stack, "stack"));
  if (values.rpc !== undefined) {
    if (values.block !== undefined) throw new UsageError("--block and --rpc exclude each other");
    // Loaded on demand: a claim from a file takes no network code.
    const { claimFromRpc } = await import("./claim-from-rpc.ts");
    const { rpc, number, agree } = values;
    return claimFromRpc({ stack, urls: rpc, number, agree }, toAnswer);
  }
  if (values.number !== undefined || values.agree !== undefined) {
    throw new UsageError("--number and --agree go with --rpc");
  }
  const file = readJsonFile(required(values.block, "block"));
  if (!file.ok) return refused({ ok: false, code: "malformed", field: "(no JSON)" });
  const list = listIn(file.value);
  return list === null ? claimOne(stack, file.value) : claimAll(stack, list);
}

async function claimOne(stack: Stack, document: unknown): Promise<Answer> {
  const { checkBlock, completion } = stackOf(stack);
  const checked = checkBlock(blockIn(document));
  if (!checked.ok) return refused(checked);
  const proof = partIn(document, "proof");
  if (checked.block.unverifiable !== "needs-proof" || proof === undefined || completion === null) {
    return toAnswer(checked.block);
  }
  const ask = completion.connect(() => Promise.resolve({ ok: true, value: proof }));
  const completed = await ask(checked.block);
  if (completed.ok) return toAnswer(completed.block);
  const detail = "the proof in the file does not lead from the state root to the message passer";
  return { ...toAnswer(checked.block), detail };
}

/** Each block's answer; the exit code is 0 only where all were recomputed. */
async function claimAll(stack: Stack, list: readonly unknown[]): Promise<Answer> {
  const answers: Answer[] = [];
  for (const each of list) answers.push(await claimOne(stack, each));
  const details = answers.flatMap(({ detail }) => detail ?? []);
  return {
    exitCode: answers.every(({ exitCode }) => exitCode === 0) ? 0 : 1,
    json: { claims: answers.map(({ json }) => json) },
    sentence: answers.map(({ sentence }) => sentence).join("\n"),
    detail: details.length === 0 ? undefined : details.join("\n"),
  };
}

function partIn(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function listIn(value: unknown): readonly unknown[] | null {
  const list = [value, partIn(value, "cases"), partIn(value, "blocks")].find(Array.isArray);
  return list === undefined || list.length === 0 ? null : list;
}

function blockIn(value: unknown): unknown {
  const nested = ["header", "block", "result"].map((name) => partIn(value, name));
  return nested.find((each) => each !== undefined) ?? value;
}

function toAnswer(block: CheckedBlock): Answer {
  const { blockNumber, blockHash, stateRoot, outputRoot, timestamp } = block;
  const json = {
    blockNumber: blockNumber.toString(),
    blockHash,
    stateRoot,
    outputRoot,
    timestamp: timestamp.toString(),
  };
  const sentence = `block ${blockNumber}, ${timestamp} s
  blockHash   ${blockHash}
  stateRoot   ${stateRoot}
  outputRoot  ${outputRoot ?? explainMissing(block)}`;
  return { exitCode: 0, json, sentence };
}

function explainMissing({ unverifiable, isWithinBatch }: CheckedBlock): string {
  if (isWithinBatch) {
    return "none: the hash attests order, not state; the last block of the batch is claimed";
  }
  switch (unverifiable) {
    case "needs-batch":
      return "unknown: the hash attests order, not state; the claim takes the L1 batch's root";
    case "no-claim":
      return "unknown: nothing in the block says what L1 will confirm, so no operator signs it";
    case "needs-proof":
    case null:
      return "unknown: it takes a proof that is not at hand, so no operator signs this block";
  }
}

function refused(failure: BlockFailure): Answer {
  const { code } = failure;
  const sentence =
    code === "malformed"
      ? `no block (malformed): the field at fault is ${failure.field}`
      : code === "unknown-header-fields"
        ? `not this block (${code}): ${failure.field} is of a fork or a stack that is not known here`
        : `not this block (${code}): ${failure.field} is ${failure.got}, expected ${failure.expected}`;
  return { exitCode: 1, json: { code }, sentence };
}
