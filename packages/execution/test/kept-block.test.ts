import { describe, expect, it } from "vitest";
import { parseBlockJson } from "../src/block-file.ts";
import type { ExecutionInput } from "../src/block-input.ts";
import { executeBlock } from "../src/execute-block.ts";
import { encodeKeptBlock } from "../src/kept-block.ts";
import { blockOn, callContract, makeWorld } from "./support/world.ts";

const COPIES = "0x6001545f556001546005555f5ff3";

/** A block with a header of its own: the attributes of a block, and whatever roots. */
async function headerBlock(): Promise<ExecutionInput> {
  const input = blockOn(await makeWorld({ code: COPIES, slots: [[1, 1]] }), [callContract(0)]);
  const { parent, block } = input;
  const withdrawals = [
    { index: 1n, validatorIndex: 2n, address: `0x${"ab".repeat(20)}`, amount: 3n },
  ] as const;
  const { transactions } = block;
  const ghosts = {
    accounts: [`0x${"01".repeat(20)}`],
    slots: [{ account: `0x${"02".repeat(20)}`, slot: `0x${"03".repeat(32)}` }],
  } as const;
  return { ...input, block: { kind: "header", header: parent, transactions, withdrawals }, ghosts };
}

function throughJson(input: ExecutionInput): unknown {
  return JSON.parse(JSON.stringify(encodeKeptBlock(input)));
}

describe("a block as a node keeps it", () => {
  it("comes back whole", async () => {
    const input = await headerBlock();
    expect(parseBlockJson(throughJson(input))).toEqual({ ok: true, input });
    const verdict = await executeBlock(input);
    const parsed = parseBlockJson(throughJson(input));
    expect(parsed.ok && (await executeBlock(parsed.input))).toEqual(verdict);
  });

  it("is nothing where only its attributes are known", async () => {
    const world = await makeWorld({ code: COPIES, slots: [[1, 1]] });
    expect(encodeKeptBlock(blockOn(world, []))).toBeNull();
  });

  it.each([
    ["rules", { profile: "orbit" }],
    ["rules", { forks: [{ name: "a" }] }],
    ["header", { stateRoot: "0x12" }],
    ["parent", { number: "1" }],
    ["transactions", ["0x1"]],
    ["withdrawals", [{}]],
    ["ghosts", { slots: 1 }],
    ["witness", [7]],
    ["other", 1],
  ])("with a wrong %s: %j is malformed", async (part, changes) => {
    const json = throughJson(await headerBlock()) as Record<string, unknown>;
    const isObject = typeof changes === "object" && !Array.isArray(changes);
    const value = isObject ? { ...(json[part] as object), ...changes } : changes;
    expect(parseBlockJson({ ...json, [part]: value })).toMatchObject({
      ok: false,
      verdict: { code: "malformed" },
    });
  });
});
