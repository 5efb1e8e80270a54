import { type Hex, toHex } from "@mach/core";
import { describe, expect, it } from "vitest";
import type { ExecutionInput } from "../src/block-input.ts";
import { executeBlock } from "../src/execute-block.ts";
import { keccak } from "../src/keccak.ts";
import { blockOn, CONTRACT, callContract, makeWorld } from "./support/world.ts";

const HOLDER = CONTRACT.toString();
/** SSTORE(5, SLOAD(1)): reads a slot and writes another. */
const COPIES = "0x6001545f556001546005555f5ff3";
/** SSTORE(1, 0). */
const ZEROES = "0x5f6001555f5ff3";
/** SSTORE(1, 0), SSTORE(3, 1). */
const MOVES = "0x5f60015560016003555f5ff3";

/** The same block with the hash that it comes to on the whole witness. */
async function honest(input: ExecutionInput): Promise<ExecutionInput> {
  const verdict = await executeBlock(input);
  if (verdict.outcome !== "invalid")
    throw new Error("detail" in verdict ? verdict.detail : verdict.outcome);
  const block = { ...input.block, blockHash: verdict.expected } as ExecutionInput["block"];
  const whole = { ...input, block };
  expect(await executeBlock(whole)).toMatchObject({ outcome: "valid" });
  return whole;
}

function without(input: ExecutionInput, hash: string): ExecutionInput {
  const witness = input.witness.filter((bytes) => toHex(keccak(bytes)) !== hash);
  expect(witness.length).toBe(input.witness.length - 1);
  return { ...input, witness };
}

describe("what the witness lacks is never taken for zero", () => {
  it("every node and code of a block, one at a time", async () => {
    const world = await makeWorld({
      code: COPIES,
      slots: [1, 2, 3, 4, 6, 7, 8, 9].map((slot) => [slot, slot]),
    });
    const block = await honest(blockOn(world, [callContract(0), callContract(1)]));
    const outcomes: Record<string, number> = {};
    for (const bytes of block.witness) {
      const verdict = await executeBlock(without(block, toHex(keccak(bytes))));
      expect(verdict.outcome).not.toBe("invalid");
      outcomes[verdict.outcome] = (outcomes[verdict.outcome] ?? 0) + 1;
    }
    expect(outcomes["unverifiable"]).toBeGreaterThan(5);
    expect(outcomes["valid"]).toBeGreaterThan(5);
  });

  it("the code of a contract that is called", async () => {
    const world = await makeWorld({ code: COPIES, slots: [[1, 1]] });
    const block = await honest(blockOn(world, [callContract(0)]));
    const hash = toHex(keccak(Buffer.from(COPIES.slice(2), "hex")));
    expect(await executeBlock(without(block, hash))).toMatchObject({
      outcome: "unverifiable",
      code: "missing-preimage",
      missing: [{ kind: "code", hash, account: HOLDER, path: "", key: null }],
    });
  });

  it("a slot that is only read", async () => {
    // The slots lie in leaves of their own under a branch.
    const world = await makeWorld({
      code: "0x6001545f5260205ff3",
      slots: [1, 2, 3, 4].map((slot) => [slot, slot]),
    });
    const block = await honest(blockOn(world, [callContract(0)]));
    const lacking: string[] = [];
    for (const bytes of block.witness) {
      const verdict = await executeBlock(without(block, toHex(keccak(bytes))));
      if (verdict.outcome !== "unverifiable") continue;
      const [missing] = verdict.missing;
      if (missing?.kind === "trie-node" && missing.account !== null) lacking.push(missing.path);
    }
    expect(lacking.length).toBeGreaterThan(0);
    expect(lacking).toContain("");
  });

  it("the sibling that a zeroed slot leaves alone: named, with its path", async () => {
    const named = await storageNodesNeeded(ZEROES);
    expect(named).toEqual(["", "4", "b"]);
  });

  it("but no sibling is asked for where another slot takes the place", async () => {
    const named = await storageNodesNeeded(MOVES);
    expect(named).toEqual(["", "b"]);
  });
});

/** The nodes of a storage of two slots, under nibbles b and 4, that a call of some code needs. */
async function storageNodesNeeded(code: Hex): Promise<readonly string[]> {
  const slots = [
    [1, 1],
    [2, 2],
  ] as const;
  const block = await honest(blockOn(await makeWorld({ code, slots }), [callContract(0)]));
  const paths = new Set<string>();
  for (const bytes of block.witness) {
    const verdict = await executeBlock(without(block, toHex(keccak(bytes))));
    if (verdict.outcome !== "unverifiable") continue;
    for (const { kind, account, path } of verdict.missing) {
      if (kind === "trie-node" && account === HOLDER) paths.add(path);
    }
  }
  return [...paths].toSorted();
}
