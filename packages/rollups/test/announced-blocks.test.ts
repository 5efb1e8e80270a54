import type { Hex } from "@mach/core";
import { describe, expect, it } from "vitest";
import { createAnnouncedBlocks } from "../src/announced-blocks.ts";
import type { CheckedBlock } from "../src/stack.ts";

const hashOf = (height: bigint, branch = 0): Hex =>
  `0x${(BigInt(branch) * 1_000n + height).toString(16).padStart(64, "0")}`;

function blockAt(height: bigint, branch = 0): CheckedBlock {
  return {
    blockNumber: height,
    blockHash: hashOf(height, branch),
    parentHash: hashOf(height - 1n, branch),
  } as CheckedBlock;
}

describe("announced blocks", () => {
  it("are given once", () => {
    const blocks = createAnnouncedBlocks(4);
    blocks.add(blockAt(7n));
    expect(blocks.has(7n)).toBe(true);
    expect(blocks.take(7n)).toEqual(blockAt(7n));
    expect(blocks.take(7n)).toBeUndefined();
  });

  it("are no more than the newest few", () => {
    const blocks = createAnnouncedBlocks(3);
    for (let height = 1n; height <= 5n; height++) blocks.add(blockAt(height));
    const held = [1n, 2n, 3n, 4n, 5n].filter((height) => blocks.has(height));
    expect(held).toEqual([3n, 4n, 5n]);
  });

  it("go when their source tells of another branch", () => {
    const blocks = createAnnouncedBlocks(8);
    for (let height = 1n; height <= 5n; height++) blocks.add(blockAt(height));
    blocks.add(blockAt(4n));
    expect([blocks.has(4n), blocks.has(5n)]).toEqual([true, false]);
    blocks.add(blockAt(5n, 1));
    expect([1n, 2n, 3n, 4n, 5n].map((height) => blocks.has(height))).toEqual(
      [1n, 2n, 3n, 4n, 5n].map((height) => height === 5n),
    );
  });
});
