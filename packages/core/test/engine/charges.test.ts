import { describe, expect, it } from "vitest";
import { type Evidence, verifyEvidence } from "../../src/index.ts";
import { xorBls } from "../xor-bls.ts";
import { domain, OPERATORS, operatorSetOf } from "./harness.ts";
import { blockIn, fork, Operator } from "./lone-operator.ts";

const context = { domain, thresholdBps: 6667, operatorSet: operatorSetOf };

interface Charge {
  readonly lower: bigint;
  readonly higher: bigint;
  readonly headers: number;
  readonly guilty: readonly number[];
}

/** What is charged, after anybody has checked it offline. */
function chargesOf({ evidence }: Operator): readonly Charge[] {
  return evidence.map((each: Evidence) => {
    const verdict = verifyEvidence(xorBls, each, context);
    if (each.kind !== "conflicting-certificates" || !verdict.ok) throw new Error("no charge");
    const { lower, higher, headers, operators } = each;
    const guilty = operators.map((operator) => OPERATORS.indexOf(operator));
    const [low, high] = [lower.claim.blockNumber, higher.claim.blockNumber];
    return { lower: low, higher: high, headers: headers.length, guilty };
  });
}

/** A node that has followed the left branch of a fork above height 4, and then the right one. */
function onTheRight() {
  const tree = fork();
  const operator = new Operator(tree.genesis);
  operator.follow(blockIn(tree.left, 8));
  operator.follow(blockIn(tree.right, 12));
  return { ...tree, operator };
}

describe("certificates of two branches at different heights", () => {
  it("charge who signed both, once L1 has settled the lower height", () => {
    const { operator, left, right } = onTheRight();
    operator.certify(blockIn(left, 8), [0, 1, 2]);
    operator.certify(blockIn(right, 7), [1, 2, 3]);
    operator.finalize(blockIn(right, 6));
    expect(chargesOf(operator)).toEqual([]);
    operator.finalize(blockIn(right, 7));
    operator.finalize(blockIn(right, 8));
    expect(chargesOf(operator)).toEqual([{ lower: 7n, higher: 8n, headers: 1, guilty: [1, 2] }]);
  });

  it("charge nobody for leaving a branch that L1 has given up", () => {
    const { operator, left, right } = onTheRight();
    operator.certify(blockIn(left, 6), [0, 1, 2]);
    operator.certify(blockIn(right, 9), [1, 2, 3]);
    operator.finalize(blockIn(right, 10));
    expect(chargesOf(operator)).toEqual([]);
  });

  it("charge the nearest pair, because one in between excuses", () => {
    const { operator, left, right } = onTheRight();
    for (const height of [5, 6, 7]) operator.certify(blockIn(right, height), [1, 2, 3]);
    operator.certify(blockIn(left, 8), [0, 1, 2]);
    operator.finalize(blockIn(right, 9));
    expect(chargesOf(operator)).toEqual([{ lower: 7n, higher: 8n, headers: 1, guilty: [1, 2] }]);
  });

  it("charge nobody past a certificate in between, of the branch that was left either", () => {
    const { operator, left, right } = onTheRight();
    operator.certify(blockIn(left, 7), [0, 1, 2]);
    operator.certify(blockIn(left, 8), [0, 1, 2]);
    operator.certify(blockIn(right, 6), [1, 2, 3]);
    operator.finalize(blockIn(right, 9));
    expect(chargesOf(operator)).toEqual([{ lower: 6n, higher: 7n, headers: 1, guilty: [1, 2] }]);
  });

  it("charge nobody before this node has followed what L1 has finalised", () => {
    const { genesis, left, right } = fork();
    const operator = new Operator(genesis);
    operator.follow(blockIn(left, 8));
    operator.certify(blockIn(left, 8), [0, 1, 2]);
    operator.certify(blockIn(right, 7), [1, 2, 3]);
    operator.finalize(blockIn(right, 9));
    expect(chargesOf(operator)).toEqual([]);
    operator.follow(blockIn(right, 9));
    expect(chargesOf(operator)).toEqual([{ lower: 7n, higher: 8n, headers: 1, guilty: [1, 2] }]);
  });

  it("charge who signed what L1 contradicts, above what it has finalised", () => {
    const { operator, left, right } = onTheRight();
    operator.certify(blockIn(left, 8), [0, 1, 2]);
    operator.finalize(blockIn(right, 9));
    operator.certify(blockIn(right, 7), [1, 2, 3]);
    expect(chargesOf(operator)).toEqual([{ lower: 7n, higher: 8n, headers: 1, guilty: [1, 2] }]);
  });

  it("charge nobody where the very height of the lower one is certified on the branch", () => {
    const { operator, left, right } = onTheRight();
    operator.certify(blockIn(right, 6), [1, 2, 3]);
    operator.certify(blockIn(right, 9), [1, 2, 3]);
    operator.certify(blockIn(left, 6), [0, 1, 2]);
    // Two at one height: no charge, but a breach by itself.
    expect(chargesOf(operator)).toEqual([{ lower: 6n, higher: 6n, headers: 0, guilty: [1, 2] }]);
  });

  it("charge nobody once L1 has finalised the other branch", () => {
    const { operator, left, right } = onTheRight();
    operator.finalize(blockIn(right, 7));
    operator.certify(blockIn(left, 6), [0, 1, 2]);
    operator.certify(blockIn(right, 9), [1, 2, 3]);
    expect(chargesOf(operator)).toEqual([]);
  });

  it("charge nobody for certificates below the fork, or of one branch", () => {
    const { operator, base, right } = onTheRight();
    operator.certify(blockIn(base, 3), [0, 1, 2]);
    operator.certify(blockIn(right, 5), [1, 2, 3]);
    operator.certify(blockIn(right, 9), [1, 2, 3]);
    expect(chargesOf(operator)).toEqual([]);
  });
});
