import { describe, expect, it } from "vitest";
import { blockOf } from "../../src/index.ts";
import {
  blockAt,
  certify,
  claimAt,
  createTestNode,
  operatorSetOf,
  parameters,
  ROLLUP_ID,
  type TestNode,
} from "./harness.ts";

/** A node on branch 1 since height 2, of which L1 has finalised height 4. */
function finalisedNode(): TestNode {
  const node = createTestNode();
  node.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [parameters] });
  for (let number = 1n; number <= 3n; number += 1n) node.block(blockAt(number));
  node.receiveCertificate(certify(claimAt(2n), [1, 2, 3]));
  node.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: 1n });
  for (let number = 2n; number <= 6n; number += 1n) node.block(blockAt(number, 1));
  const finalized = blockAt(4n, 1);
  node.input({ type: "heads", rollupId: ROLLUP_ID, safe: null, finalized });
  return node;
}

function statusOf(node: TestNode, blockNumber: bigint, branch: number): string | undefined {
  const { blockHash } = blockAt(blockNumber, branch);
  return blockOf(node.state(), ROLLUP_ID, { blockHash })?.status;
}

describe("a certificate for a block that L1 has finalised another one for", () => {
  it("is contradicted when it comes, and not only when L1 moves on", () => {
    const node = finalisedNode();
    node.receiveCertificate(certify(claimAt(3n), [0, 1, 2, 3]));
    expect(statusOf(node, 3n, 0)).toBe("contradicted");
  });

  it("stays contradicted when more of its signers come", () => {
    const node = finalisedNode();
    expect(statusOf(node, 2n, 0)).toBe("contradicted");
    node.receiveCertificate(certify(claimAt(2n), [0, 1, 2, 3]));
    expect(statusOf(node, 2n, 0)).toBe("contradicted");
  });

  it("and one for the finalised block itself stands", () => {
    const node = finalisedNode();
    node.receiveCertificate(certify(claimAt(3n, 1), [0, 1, 2, 3]));
    expect(statusOf(node, 3n, 1)).toBe("finalized");
    expect(node.trace.contradictions).toEqual([2]);
  });
});
