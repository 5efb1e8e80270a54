import { describe, expect, it } from "vitest";
import { blockOf, type Claim, finalityOf, type Hex } from "../../src/index.ts";
import {
  attest,
  blockAt,
  certify,
  claimAt,
  createTestNode,
  OPERATORS,
  operatorSetOf,
  parameters,
  ROLLUP_ID,
  type TestNode,
} from "./harness.ts";

const [first, second] = OPERATORS as [Hex, Hex];
const ALL = [0, 1, 2, 3];

function readyNode(options: Parameters<typeof createTestNode>[0] = {}): TestNode {
  const node = createTestNode(options);
  for (let epoch = 0n; epoch < 4n; epoch += 1n) {
    const operatorSet = operatorSetOf(epoch);
    node.input({ type: "set-known", operatorSet, rollups: [parameters] });
  }
  return node;
}

function follow(node: TestNode, heights: readonly [from: bigint, to: bigint], branch = 0): void {
  for (let number = heights[0]; number <= heights[1]; number += 1n) {
    node.block(blockAt(number, branch));
  }
}

function certifyAll(node: TestNode, heights: readonly [from: bigint, to: bigint]): void {
  for (let number = heights[0]; number <= heights[1]; number += 1n) {
    node.receiveCertificate(certify(claimAt(number), ALL));
  }
}

const finalize = (node: TestNode, number: bigint, branch: number): void =>
  node.input({
    type: "heads",
    rollupId: ROLLUP_ID,
    safe: null,
    finalized: blockAt(number, branch),
  });
const reorg = (node: TestNode, commonAncestor: bigint): void =>
  node.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor });
const fastFinalOf = (node: TestNode): bigint | null =>
  finalityOf(node.state(), ROLLUP_ID, 60_000)?.fastFinal?.blockNumber ?? null;
const reasonOf = (node: TestNode): string | null =>
  finalityOf(node.state(), ROLLUP_ID, 60_000)?.reason?.code ?? null;
const statusAt = (node: TestNode, blockNumber: bigint): string | undefined =>
  blockOf(node.state(), ROLLUP_ID, { blockNumber })?.status;

describe("L1 against the followed branch", () => {
  it("stops service above what L1 has settled, before the branch is left", () => {
    const node = readyNode();
    follow(node, [1n, 10n]);
    certifyAll(node, [1n, 10n]);
    finalize(node, 4n, 0);
    finalize(node, 8n, 1);
    expect([fastFinalOf(node), reasonOf(node)]).toEqual([4n, "contradicted"]);
    expect(statusAt(node, 8n)).toBe("contradicted");
    expect(statusAt(node, 10n)).toBe("contradicted");
    expect(node.trace.contradictions).toEqual([5]);
  });

  it("is seen between two certified heights as well", () => {
    const node = readyNode();
    follow(node, [1n, 10n]);
    for (const number of [5n, 10n]) node.receiveCertificate(certify(claimAt(number), ALL));
    finalize(node, 5n, 0);
    finalize(node, 8n, 1);
    expect([fastFinalOf(node), reasonOf(node)]).toEqual([5n, "contradicted"]);
  });

  it("is held against a certificate above the finalised head, as soon as it comes", () => {
    const node = readyNode();
    follow(node, [1n, 10n]);
    finalize(node, 8n, 1);
    node.receiveCertificate(certify(claimAt(10n), ALL));
    expect([fastFinalOf(node), statusAt(node, 10n)]).toEqual([null, "contradicted"]);
  });

  it("is held against certificates as soon as its branch is followed", () => {
    const node = readyNode();
    follow(node, [1n, 8n]);
    node.receiveCertificate(certify(claimAt(7n), ALL));
    finalize(node, 9n, 1);
    expect(fastFinalOf(node)).toBe(7n);
    reorg(node, -1n);
    follow(node, [1n, 9n], 1);
    expect([fastFinalOf(node), node.trace.contradictions]).toEqual([null, [7]]);
  });

  it("is held against a certificate of its height's own branch once that is followed", () => {
    const node = readyNode();
    finalize(node, 4n, 1);
    node.receiveCertificate(certify(claimAt(6n), ALL));
    expect(fastFinalOf(node)).toBe(6n);
    follow(node, [1n, 6n]);
    expect([fastFinalOf(node), reasonOf(node)]).toEqual([null, "contradicted"]);
  });

  it("is seen however far finality lags behind", () => {
    const node = readyNode({ chainDepth: 32 });
    follow(node, [1n, 100n]);
    certifyAll(node, [1n, 100n]);
    finalize(node, 10n, 0);
    finalize(node, 15n, 1);
    // What L1 has settled has left memory by then: nothing is named rather than something wrong.
    expect([fastFinalOf(node), reasonOf(node)]).toEqual([null, "contradicted"]);
    expect(node.trace.contradictions).toEqual([11]);
    expect(node.state().rollups.get(ROLLUP_ID)?.certified.size).toBeLessThanOrEqual(64);
  });

  it("leaves nothing of a branch that was left too deep to be compared", () => {
    const node = readyNode();
    follow(node, [1n, 10n]);
    certifyAll(node, [1n, 10n]);
    reorg(node, -1n);
    follow(node, [12n, 13n], 1);
    finalize(node, 8n, 1);
    expect([fastFinalOf(node), reasonOf(node)]).toEqual([null, "contradicted"]);
    finalize(node, 20n, 1);
    expect(fastFinalOf(node)).toBeNull();
  });

  it("does not take back what it has settled", () => {
    const node = readyNode();
    follow(node, [1n, 10n]);
    certifyAll(node, [1n, 10n]);
    finalize(node, 9n, 0);
    expect([fastFinalOf(node), statusAt(node, 9n), node.trace.contradictions]).toEqual([
      10n,
      "finalized",
      [],
    ]);
    expect([...(node.state().rollups.get(ROLLUP_ID)?.unsettled.keys() ?? [])]).toEqual([10n]);
  });
});

describe("a contradicted claim", () => {
  it("stays contradicted whoever signs it later", () => {
    const node = readyNode();
    follow(node, [5n, 5n]);
    node.receiveCertificate(certify(claimAt(5n), [0, 1, 2]));
    node.receiveCertificate(certify(claimAt(5n, 1), [1, 2, 3]));
    const stored = node.trace.certificates.length;
    node.receiveCertificate(certify(claimAt(5n), ALL));
    node.receiveCertificate(certify(claimAt(5n, 1), ALL));
    follow(node, [6n, 7n]);
    finalize(node, 6n, 1);
    expect(fastFinalOf(node)).toBeNull();
    expect(node.trace.certificates.length).toBe(stored);
    expect(node.trace.evidence).toHaveLength(1);
    expect(node.trace.contradictions).toEqual([5]);
  });

  it("is not forgotten for the number of others", () => {
    const node = readyNode({ openHeights: 100, chainDepth: 100 });
    for (let number = 1n; number <= 80n; number += 1n) {
      node.receiveCertificate(certify(claimAt(number), [0, 1, 2]));
      node.receiveCertificate(certify(claimAt(number, 1), [1, 2, 3]));
    }
    expect([fastFinalOf(node), reasonOf(node)]).toEqual([null, "contradicted"]);
    expect(node.state().rollups.get(ROLLUP_ID)?.contradictions.length).toBeLessThanOrEqual(64);
  });

  it("drags down only what lies above its own fork", () => {
    const node = readyNode({ openHeights: 100, chainDepth: 100 });
    follow(node, [1n, 2n]);
    reorg(node, 1n);
    follow(node, [2n, 59n], 1);
    for (let number = 2n; number <= 58n; number += 1n) {
      node.receiveCertificate(certify(claimAt(number, 1), ALL));
    }
    node.receiveCertificate(certify(claimAt(59n, 1), ALL));
    reorg(node, 58n);
    follow(node, [59n, 60n], 2);
    node.receiveCertificate(certify(claimAt(60n, 2), ALL));
    expect([fastFinalOf(node), node.trace.contradictions]).toEqual([58n, [59]]);
    expect(statusAt(node, 10n)).toBe("fast-final");
  });
});

describe("a sum that changes nothing", () => {
  it("is made once beside a certificate of another claim at the height", () => {
    const node = readyNode();
    follow(node, [1n, 1n]);
    node.receiveCertificate(certify(claimAt(1n, 1), [1, 2, 3]));
    for (const operator of OPERATORS.slice(1)) node.receive(attest(operator, claimAt(1n)));
    node.receive(attest(first, claimAt(1n)));
    expect(node.trace.sums).toEqual(["0x0e", "0x0f"]);
    expect(node.trace.contradictions).toEqual([1]);
  });

  it("is made once where as many claims of the height are contradicted as are recorded", () => {
    const node = readyNode();
    follow(node, [1n, 1n]);
    for (let branch = 1; branch <= 8; branch++) {
      node.receiveCertificate(certify(claimAt(1n, branch), [1, 2, 3]));
    }
    const stored = node.trace.certificates.length;
    for (const operator of OPERATORS.slice(1)) node.receive(attest(operator, claimAt(1n)));
    node.receive(attest(first, claimAt(1n)));
    expect(node.trace.sums).toEqual(["0x0e", "0x0f"]);
    expect(node.trace.certificates).toHaveLength(stored);
  });

  it("is made once for more signers of what L1 has contradicted", () => {
    const node = readyNode();
    follow(node, [1n, 1n]);
    for (const operator of OPERATORS.slice(0, 3)) node.receive(attest(operator, claimAt(1n)));
    finalize(node, 1n, 1);
    node.receive(attest(OPERATORS[3] as Hex, claimAt(1n)));
    expect(node.trace.sums).toEqual(["0x07", "0x0f"]);
    expect(node.trace.certificates.map(({ signers }) => signers)).toEqual(["0x07"]);
  });
});

describe("evidence that comes late", () => {
  it("is made when the certificate comes after the attestation to another claim", () => {
    const node = readyNode();
    follow(node, [1n, 1n]);
    node.receive(attest(second, claimAt(1n, 1)));
    node.receiveCertificate(certify(claimAt(1n), [0, 1, 2]));
    expect(node.trace.evidence).toMatchObject([
      { kind: "attestation-against-certificate", operator: second },
    ]);
  });

  it("is made across epochs: an operator is who it is by its address", () => {
    const node = readyNode();
    follow(node, [1n, 1n]);
    for (const operator of OPERATORS) node.receive(attest(operator, claimAt(1n)));
    node.tick(3_000);
    const later: Claim = { ...claimAt(1n, 1), timestamp: 1_061n, epoch: 1n };
    expect(node.receive(attest(second, later))).toBe("accepted");
    expect(node.trace.evidence).toMatchObject([
      { kind: "attestation-against-certificate", operator: second },
    ]);
  });

  it("is made of what an operator outside of the certificate had signed before", () => {
    const node = readyNode();
    follow(node, [1n, 1n]);
    node.receive(attest(first, claimAt(1n)));
    node.receiveCertificate(certify(claimAt(1n), [1, 2, 3]));
    node.tick(3_000);
    node.receive(attest(first, claimAt(1n, 1)));
    expect(node.trace.evidence).toMatchObject([{ kind: "double-attestation", operator: first }]);
  });

  it("shows a second quorum at a certified height to everyone", () => {
    const node = readyNode();
    follow(node, [1n, 1n]);
    for (const operator of OPERATORS.slice(0, 3)) node.receive(attest(operator, claimAt(1n)));
    const accused: Hex[] = [];
    for (const operator of OPERATORS.slice(1)) {
      if (node.receive(attest(operator, claimAt(1n, 1))) === "accepted") accused.push(operator);
    }
    expect(accused).toHaveLength(3);
    expect(node.trace.evidence.map((each) => each.kind)).toContain("conflicting-certificates");
    expect([fastFinalOf(node), reasonOf(node)]).toEqual([null, "contradicted"]);
  });
});

describe("what strangers can make up", () => {
  it("leaves nothing behind before a signature was found valid", () => {
    const node = readyNode();
    follow(node, [1n, 1n]);
    for (let i = 0; i < 500; i++) {
      const stateRoot = `0x${i.toString(16).padStart(64, "0")}` as const;
      const claim = { ...claimAt(1n), stateRoot };
      const forged = { ...attest(first, claim), signature: new Uint8Array(96) };
      expect(node.receive(forged)).toBe("bad-signature");
    }
    expect(node.state().rollups.get(ROLLUP_ID)?.heights.get(1n)?.pools.size).toBe(0);
  });

  it("an operator that is convicted at a height adds nothing to it", () => {
    const node = readyNode();
    follow(node, [1n, 1n]);
    for (const branch of [0, 1]) node.receive(attest(first, claimAt(1n, branch)));
    expect(node.receive(attest(first, claimAt(1n, 2)))).toBe("duplicate");
    expect(node.state().rollups.get(ROLLUP_ID)?.heights.get(1n)?.pools.size).toBe(2);
  });
});
