import type { Hex } from "@mach/core";
import { describe, expect, it } from "vitest";
import type { BlockAttributes, ExecutionInput } from "../src/block-input.ts";
import { executeBlock } from "../src/execute-block.ts";
import { hasExtraDataOf, maxBlobGas } from "../src/header-rules.ts";
import { type ActiveRules, type ExecutionRules, rulesAt } from "../src/rules.ts";
import type { Verdict } from "../src/verdict.ts";
import { blockOn, callContract, EVM_RULES, makeWorld } from "./support/world.ts";

const PARENT_GAS_LIMIT = 30_000_000n;
const BOUND = PARENT_GAS_LIMIT / 1024n;

async function verdictOf(
  changes: Partial<BlockAttributes>,
  rules: ExecutionRules = EVM_RULES,
): Promise<Verdict> {
  const world = await makeWorld({ code: "0x00", slots: [] });
  const { block, ...rest } = blockOn(world, [callContract(0)]);
  if (block.kind !== "attributes") throw new Error(block.kind);
  const attributes = { ...block.attributes, ...changes };
  const input: ExecutionInput = { ...rest, rules, block: { ...block, attributes } };
  const verdict = await executeBlock(input);
  // Where no rule is broken all that is wrong is the hash, which is then the block's.
  if (verdict.outcome !== "invalid" || verdict.field !== "blockHash") return verdict;
  const whole = { ...block, attributes, blockHash: verdict.expected as Hex };
  return await executeBlock({ ...input, block: whole });
}

function rulesOf(profile: "op" | "evm", fork: string): ActiveRules {
  const rules = rulesAt({ ...EVM_RULES, profile, forks: [{ name: fork, timestamp: 0n }] }, 1n);
  if (rules === null) throw new Error(fork);
  return rules;
}

describe("a block on Ethereum's rules", () => {
  it.each([PARENT_GAS_LIMIT + BOUND - 1n, PARENT_GAS_LIMIT - BOUND + 1n])(
    "may have the gas limit %d",
    async (gasLimit) => {
      expect(await verdictOf({ gasLimit })).toMatchObject({ outcome: "valid" });
    },
  );

  it.each([PARENT_GAS_LIMIT + BOUND, PARENT_GAS_LIMIT - BOUND, 2n ** 63n])(
    "is invalid with the gas limit %d, too far from its parent's",
    async (gasLimit) => {
      const verdict = await verdictOf({ gasLimit });
      expect(verdict).toMatchObject({ outcome: "invalid", field: "gasLimit", got: `${gasLimit}` });
    },
  );

  it("has at most 32 bytes of extra data", async () => {
    const most: Hex = `0x${"11".repeat(32)}`;
    expect(await verdictOf({ extraData: most })).toMatchObject({ outcome: "valid" });
    const verdict = await verdictOf({ extraData: `${most}11` });
    expect(verdict).toMatchObject({ outcome: "invalid", field: "extraData" });
  });

  it("of anvil's may have any gas limit: its operator sets it", async () => {
    const rules = { ...EVM_RULES, profile: "anvil-evm" } as const;
    const verdict = await verdictOf({ gasLimit: 2n * PARENT_GAS_LIMIT }, rules);
    expect(verdict).toMatchObject({ outcome: "valid" });
  });

  it("has at most 6 blobs in Cancun and 9 in Prague", () => {
    expect(maxBlobGas(rulesOf("evm", "cancun"))).toBe(6n * 131_072n);
    expect(maxBlobGas(rulesOf("evm", "prague"))).toBe(9n * 131_072n);
  });
});

describe("a chain that cannot be executed here", () => {
  it("has an id that the library's numbers do not hold: its blocks are never invalid", async () => {
    const rules = { ...EVM_RULES, chainId: 2n ** 53n };
    const verdict = await verdictOf({}, rules);
    expect(verdict).toMatchObject({ outcome: "unverifiable", code: "unsupported-fork" });
  });

  it.each([
    ["0x000000000100000006", true],
    ["0x000000000100000000", true],
    ["0x000000000000000006", false],
    ["0x010000000100000006", false],
    ["0x", false],
  ] as const)("Holocene's extra data %s is known: %s", (extraData, isKnown) => {
    expect(hasExtraDataOf(extraData, rulesOf("op", "holocene"))).toBe(isKnown);
  });
});
