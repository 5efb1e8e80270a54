import { describe, expect, it } from "vitest";
import { blockOf, finalityOf, isAttestedHeight, type VerifiedBlock } from "../../src/index.ts";
import {
  attest,
  blockAt,
  claimAt,
  createTestNode,
  OPERATORS,
  operatorSetOf,
  parameters,
  ROLLUP_ID,
  type TestNode,
} from "./harness.ts";

const [first] = OPERATORS;
if (first === undefined) throw new Error("no operator");
// The interval says nothing of batches, and must not hide one that ends between its multiples.
const zk = { ...parameters, stack: "zk", attestationInterval: 5n } as const;

function within(blockNumber: bigint): VerifiedBlock {
  return { ...blockAt(blockNumber), outputRoot: null, isWithinBatch: true };
}

function followBatch(): TestNode {
  const node = createTestNode({ operator: first ?? null });
  node.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [zk] });
  for (const block of [within(1n), within(2n), blockAt(3n), within(4n), within(5n)])
    node.block(block);
  return node;
}

describe("a rollup whose claims are per batch", () => {
  it("is signed at the last block of each batch, and nothing is missed before it", () => {
    const { trace } = followBatch();
    expect(trace.published.map(({ claim }) => claim.blockNumber)).toEqual([3n]);
    expect(trace.reports.map(({ code }) => code)).toEqual(["attestation-counted"]);
  });

  it("is fast-final up to there: the earlier blocks are covered by their hashes", () => {
    const node = followBatch();
    for (const operator of OPERATORS.slice(1)) {
      expect(node.receive(attest(operator, claimAt(3n)))).toBe("accepted");
    }
    const statusAt = (blockNumber: bigint) =>
      blockOf(node.state(), ROLLUP_ID, { blockNumber })?.status;
    expect([1n, 2n, 3n, 4n].map(statusAt)).toEqual([
      ...["fast-final", "fast-final", "fast-final"],
      "observed",
    ]);
    node.tick(60_000);
    const finality = finalityOf(node.state(), ROLLUP_ID, 60_000);
    expect(finality?.participation).toEqual({ signed: 100n, total: 100n });
    expect(finality?.fastFinal?.blockNumber).toBe(3n);
  });
});

describe("an attested height", () => {
  it("is a multiple of the interval, or any where batches end", () => {
    const heights = [4n, 5n, 6n, 10n];
    const evm = { ...zk, stack: "evm" } as const;
    expect(heights.map((height) => isAttestedHeight(evm, height))).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(heights.map((height) => isAttestedHeight(zk, height))).toEqual([true, true, true, true]);
  });
});
