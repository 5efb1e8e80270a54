import { type Hex, ZERO_HASH } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRecentBlocks } from "../src/recent-blocks.ts";
import type { CheckedBlock } from "../src/stack.ts";

const hash = (blockNumber: bigint, branch = 0): Hex =>
  `0x${branch.toString(16).padStart(2, "0")}${blockNumber.toString(16).padStart(62, "0")}`;

function block(blockNumber: bigint, branch = 0): CheckedBlock {
  return {
    blockNumber,
    blockHash: hash(blockNumber, branch),
    parentHash: hash(blockNumber - 1n, branch),
    stateRoot: ZERO_HASH,
    outputRoot: ZERO_HASH,
    unverifiable: null,
    timestamp: blockNumber,
    headerRlp: "0x",
  };
}

describe("the recent blocks", () => {
  it("hold as many as a reorg may replace, and the ancestor below", () => {
    const recent = createRecentBlocks(3);
    for (let height = 10n; height <= 20n; height++) recent.push(block(height));
    expect(recent.tip?.blockNumber).toBe(20n);
    expect(recent.hashAt(16n)).toBeUndefined();
    for (let height = 17n; height <= 20n; height++) {
      expect(recent.hashAt(height)).toBe(hash(height));
    }
  });

  it("know the parent of the first block, or the hash that they began with", () => {
    const first = createRecentBlocks(3);
    first.push(block(10n));
    expect(first.hashAt(9n)).toBe(hash(9n));
    const seeded = createRecentBlocks(3);
    seeded.seed(9n, hash(9n, 1));
    expect(seeded.tip).toBeNull();
    seeded.push(block(10n));
    expect(seeded.hashAt(9n)).toBe(hash(9n, 1));
  });

  it("never hold more than their bound, nor a block above the tip", () => {
    const step = fc.oneof(fc.constant("push" as const), fc.nat({ max: 12 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const recent = createRecentBlocks(8);
        let model: bigint[] = [];
        let next = 100n;
        for (const each of steps) {
          if (each === "push") {
            if (model.length === 0) model.push(next - 1n);
            recent.push(block(next));
            model = [...model, next].filter((height) => height >= next - 8n);
            next++;
          } else {
            const ancestor = next - 1n - BigInt(each);
            if (!model.includes(ancestor)) continue;
            recent.truncate(ancestor);
            model = model.filter((height) => height <= ancestor);
            next = ancestor + 1n;
          }
          for (let height = next - 20n; height <= next + 5n; height++) {
            expect(recent.hashAt(height) !== undefined).toBe(model.includes(height));
          }
        }
      }),
    );
  });
});
