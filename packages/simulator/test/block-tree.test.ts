import { keccak256 } from "@mach/core";
import { expect, it } from "vitest";
import {
  ancestorAt,
  commonAncestor,
  createBlockTree,
  isFork,
  isOnBranchOf,
  pathBetween,
} from "../src/block-tree.ts";

const tree = createBlockTree(1_000n);
const trunk = tree.extend(tree.extend(tree.genesis, 1_001n), 1_002n);
const left = tree.extend(tree.extend(trunk, 1_003n), 1_004n);
const right = tree.extend(trunk, 1_003n);

it("a block's hash is its header's, and the header names its parent", () => {
  expect(left.blockHash).toBe(keccak256(left.headerRlp));
  expect(left.headerRlp).toContain(left.parent?.blockHash.slice(2) ?? "?");
  expect(left.blockNumber).toBe(4n);
});

it("two children of one block differ, and are a fork", () => {
  expect(ancestorAt(left, 3n)).not.toBe(right);
  expect(isFork(left, right)).toBe(true);
  expect(commonAncestor(left, right)).toBe(trunk);
});

it("a block is on the branch of its ancestors and of itself alone", () => {
  expect(isOnBranchOf(left, trunk)).toBe(true);
  expect(isOnBranchOf(left, left)).toBe(true);
  expect(isOnBranchOf(trunk, left)).toBe(false);
  expect(isFork(trunk, left)).toBe(false);
});

it("a path leads from the block above one up to the other", () => {
  expect(pathBetween(trunk, left).map(({ blockNumber }) => blockNumber)).toEqual([3n, 4n]);
});
