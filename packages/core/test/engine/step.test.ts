import { describe, expect, it } from "vitest";
import { blockOf, finalityOf, type Hex, verifyEvidence } from "../../src/index.ts";
import { xorBls } from "../xor-bls.ts";
import {
  attest,
  blockAt,
  certify,
  claimAt,
  createTestNode,
  domain,
  OPERATORS,
  operatorSetOf,
  parameters,
  ROLLUP_ID,
  type TestNode,
} from "./harness.ts";

const [first, second, third, fourth] = OPERATORS as [Hex, Hex, Hex, Hex];

function readyNode(options: Parameters<typeof createTestNode>[0] = {}): TestNode {
  const node = createTestNode(options);
  node.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [parameters] });
  node.block(blockAt(1n));
  return node;
}

const statusAt = (node: TestNode, blockNumber: bigint): string | undefined =>
  blockOf(node.state(), ROLLUP_ID, { blockNumber })?.status;
const signersAt = (node: TestNode): readonly Hex[] =>
  node.trace.certificates.map((certificate) => certificate.signers);

describe("towards a certificate", () => {
  it("stands once more than two thirds of the weight has signed, and goes on improving", () => {
    const node = readyNode();
    expect(statusAt(node, 1n)).toBe("observed");
    expect(node.receive(attest(first, claimAt(1n)))).toBe("accepted");
    expect(node.receive(attest(second, claimAt(1n)))).toBe("accepted");
    expect(statusAt(node, 1n)).toBe("attested");
    expect(node.trace.certificates).toEqual([]);
    node.receive(attest(third, claimAt(1n)));
    expect(statusAt(node, 1n)).toBe("fast-final");
    node.receive(attest(fourth, claimAt(1n)));
    expect(signersAt(node)).toEqual(["0x07", "0x0f"]);
  });

  it("is not made by weight just below the threshold", () => {
    const node = readyNode();
    node.receive(attest(third, claimAt(1n)));
    node.receive(attest(fourth, claimAt(1n)));
    node.tick(5_000);
    const finality = finalityOf(node.state(), ROLLUP_ID, 5_000);
    expect(finality?.fastFinal).toBeNull();
    expect(finality?.reason).toEqual({
      code: "below-threshold",
      blockNumber: 1n,
      presentWeight: 54n,
      requiredWeight: 67n,
    });
    expect(finality?.participation).toEqual({ signed: 54n, total: 100n });
  });

  it("is made of early attestations as soon as the block is verified here", () => {
    const node = readyNode();
    for (const operator of OPERATORS) {
      expect(node.receive(attest(operator, claimAt(2n)))).toBe("accepted");
    }
    expect(node.trace.certificates).toEqual([]);
    node.block(blockAt(2n));
    expect(signersAt(node)).toEqual(["0x0f"]);
  });

  it("is never made of another block than the one verified here", () => {
    const node = readyNode();
    for (const operator of OPERATORS) node.receive(attest(operator, claimAt(2n, 1)));
    node.block(blockAt(2n, 0));
    expect(node.trace.certificates).toEqual([]);
    expect(statusAt(node, 2n)).toBe("observed");
  });

  it("waits for the set of the block's epoch", () => {
    const node = createTestNode();
    node.block(blockAt(1n));
    expect(node.receive(attest(first, claimAt(1n)))).toBe("unknown-operator-set");
    expect(finalityOf(node.state(), ROLLUP_ID, 5_000)?.reason?.code).toBe("unknown-operator-set");
    node.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [parameters] });
    for (const operator of [second, third, fourth]) node.receive(attest(operator, claimAt(1n)));
    expect(signersAt(node)).toEqual(["0x0e"]);
  });

  it("does not improve once its window has closed, and is gossiped once", () => {
    const node = readyNode({ operator: first });
    node.receive(attest(second, claimAt(1n)));
    node.receive(attest(third, claimAt(1n)));
    node.tick(1_999);
    expect(node.trace.gossiped).toEqual([]);
    node.tick(2_500);
    expect(node.receive(attest(fourth, claimAt(1n)))).toBe("accepted");
    expect(node.receive(attest(third, claimAt(1n)))).toBe("duplicate");
    node.tick(9_000);
    expect(node.trace.gossiped.map((each) => each.signers)).toEqual(["0x07"]);
    expect(signersAt(node)).toEqual(["0x07"]);
  });

  it("is not gossiped again by a node that has heard it", () => {
    const node = readyNode({ operator: first });
    node.receive(attest(second, claimAt(1n)));
    node.receive(attest(third, claimAt(1n)));
    expect(node.receiveCertificate(certify(claimAt(1n), [0, 1, 2]))).toBe("accepted");
    node.tick(9_000);
    expect(node.trace.gossiped).toEqual([]);
  });

  it("covers its ancestors, with the headers between", () => {
    const node = readyNode();
    node.block(blockAt(2n));
    node.block(blockAt(3n));
    for (const operator of OPERATORS) node.receive(attest(operator, claimAt(3n)));
    const view = blockOf(node.state(), ROLLUP_ID, { blockNumber: 1n });
    expect(view?.status).toBe("fast-final");
    expect(view?.certificate?.claim.blockNumber).toBe(3n);
    expect(view?.headers).toEqual([blockAt(3n).headerRlp, blockAt(2n).headerRlp]);
  });
});

describe("replacing a certificate", () => {
  it("more weight replaces, less never, and equal weight keeps the smaller bitfield", () => {
    const node = readyNode();
    node.receiveCertificate(certify(claimAt(1n), [1, 2, 3]));
    node.receiveCertificate(certify(claimAt(1n), [0, 1, 2]));
    expect(signersAt(node)).toEqual(["0x0e"]);
    node.receiveCertificate(certify(claimAt(1n), [0, 1, 2, 3]));
    node.receiveCertificate(certify(claimAt(1n), [1, 2, 3]));
    expect(signersAt(node)).toEqual(["0x0e", "0x0f"]);
  });

  it("a certificate below the threshold or with a bad sum is refused", () => {
    const node = readyNode();
    expect(node.receiveCertificate(certify(claimAt(1n), [2, 3]))).toBe("below-threshold");
    const forged = {
      ...certify(claimAt(1n), [1, 2, 3]),
      signature: `0x${"11".repeat(96)}`,
    } as const;
    expect(node.receiveCertificate(forged)).toBe("bad-signature");
    expect(node.trace.certificates).toEqual([]);
  });
});

describe("what is not admitted", () => {
  it("names the reason of each", () => {
    const node = readyNode();
    const claim = claimAt(1n);
    const by = (operator: Hex, changes: Partial<typeof claim>): string =>
      node.receive({ ...attest(first, claim), operator, claim: { ...claim, ...changes } });
    expect(by(first, { rollupId: 7n })).toBe("unknown-rollup");
    expect(by(first, { epoch: 1n })).toBe("epoch-mismatch");
    expect(by(first, { timestamp: 999n })).toBe("epoch-mismatch");
    expect(by(first, { timestamp: 1_061n, epoch: 1n })).toBe("unknown-operator-set");
    expect(by(first, { verification: 2 })).toBe("not-attested");
    expect(by(`0x${"99".repeat(20)}`, {})).toBe("not-an-operator");
    expect(by(first, { blockNumber: 18n })).toBe("too-far-ahead");
    expect(by(second, {})).toBe("bad-signature");
    expect(by(first, {})).toBe("accepted");
    expect(by(first, {})).toBe("duplicate");
  });

  it("a forged signature does not take the operator's place", () => {
    const node = readyNode();
    const forged = { ...attest(first, claimAt(1n)), signature: new Uint8Array(96) };
    expect(node.receive(forged)).toBe("bad-signature");
    expect(node.receive(attest(first, claimAt(1n)))).toBe("accepted");
  });

  it("each operator has its share of the early attestations, and no more", () => {
    const node = readyNode({ earlyAttestations: 8 });
    const codes = [2n, 3n, 4n].map((number) => node.receive(attest(first, claimAt(number))));
    expect(codes).toEqual(["accepted", "accepted", "early-queue-full"]);
    expect(node.receive(attest(second, claimAt(4n)))).toBe("accepted");
    node.block(blockAt(2n));
    expect(node.receive(attest(first, claimAt(4n)))).toBe("accepted");
  });

  it("heights below the open ones are stale, and memory stays bounded", () => {
    const node = readyNode();
    for (let number = 2n; number <= 200n; number += 1n) {
      const { epoch } = claimAt(number);
      node.input({ type: "set-known", operatorSet: operatorSetOf(epoch), rollups: [parameters] });
      node.block(blockAt(number));
      for (const operator of OPERATORS) node.receive(attest(operator, claimAt(number)));
    }
    expect(node.receive(attest(first, claimAt(184n)))).toBe("stale");
    const rollup = node.state().rollups.get(ROLLUP_ID);
    expect([rollup?.heights.size, rollup?.blocks.size, rollup?.certified.size]).toEqual([
      16, 32, 32,
    ]);
  });
});

describe("signing", () => {
  it("goes in the order of the heights, each height once", () => {
    const node = readyNode({ operator: third });
    node.block(blockAt(2n));
    node.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: 1n });
    node.block(blockAt(2n));
    node.block(blockAt(3n));
    expect(node.trace.published.map((each) => each.claim.blockNumber)).toEqual([1n, 2n, 3n]);
  });

  it("takes up after the last height signed before a restart", () => {
    const node = readyNode({
      operator: third,
      rollups: [{ rollupId: ROLLUP_ID, lastSigned: claimAt(2n) }],
    });
    node.block(blockAt(2n));
    node.block(blockAt(3n));
    // The last one signed is published again: nobody knows whether it got out before.
    expect(node.trace.published.map((each) => each.claim.blockNumber)).toEqual([2n, 3n]);
  });

  it("waits for the set, and signs what waited in order", () => {
    const node = createTestNode({ operator: third });
    node.block(blockAt(1n));
    node.block(blockAt(2n));
    expect(node.trace.published).toEqual([]);
    node.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [parameters] });
    expect(node.trace.published.map((each) => each.claim.blockNumber)).toEqual([1n, 2n]);
  });

  it("passes over an epoch only once L1 is known to have fixed no set for it", () => {
    const node = createTestNode({ operator: third, openHeights: 100, chainDepth: 100 });
    for (let number = 58n; number <= 62n; number += 1n) node.block(blockAt(number));
    node.input({ type: "set-known", operatorSet: operatorSetOf(1n), rollups: [parameters] });
    expect(node.trace.published).toEqual([]);
    node.input({ type: "set-absent", epoch: 0n });
    expect(node.trace.published.map((each) => each.claim.blockNumber)).toEqual([60n, 61n, 62n]);
  });

  it("does not wait for an epoch that lies further back than sets are kept", () => {
    const node = createTestNode({ operator: third, openHeights: 2_000, chainDepth: 2_000 });
    node.block(blockAt(1n));
    node.block(blockAt(1_000n));
    node.input({ type: "set-known", operatorSet: operatorSetOf(16n), rollups: [parameters] });
    expect(node.trace.published.map((each) => each.claim.blockNumber)).toEqual([1_000n]);
  });

  it("abstains, with the reason, from what it cannot or must not sign", () => {
    const node = readyNode({ operator: third });
    node.block({ ...blockAt(2n), outputRoot: null });
    node.receiveCertificate(certify(claimAt(3n, 1), [0, 1, 3]));
    node.block(blockAt(3n));
    const abstained = node.trace.reports.flatMap((report) =>
      report.code === "abstained" ? [[report.blockNumber, report.reason]] : [],
    );
    expect(abstained).toEqual([
      [2n, "needs-proof"],
      [3n, "certificate-disagrees"],
    ]);
    expect(node.trace.published.map((each) => each.claim.blockNumber)).toEqual([1n]);
  });
});

describe("evidence", () => {
  const context = {
    domain,
    thresholdBps: 6667,
    operatorSet: (epoch: bigint) => operatorSetOf(epoch),
  };

  it("two claims of one operator at one height are evidence, once", () => {
    const node = readyNode();
    node.receive(attest(first, claimAt(1n)));
    node.receive(attest(first, claimAt(1n, 1)));
    expect(node.receive(attest(first, claimAt(1n, 2)))).toBe("duplicate");
    expect(node.trace.evidence.map((each) => each.kind)).toEqual(["double-attestation"]);
    for (const evidence of node.trace.evidence) {
      expect(verifyEvidence(xorBls, evidence, context)).toEqual({ ok: true, operators: [first] });
    }
  });

  it("after the window the certificate bears witness against its signer", () => {
    const node = readyNode();
    for (const operator of OPERATORS) node.receive(attest(operator, claimAt(1n)));
    node.tick(3_000);
    node.receive(attest(second, claimAt(1n, 1)));
    expect(node.trace.evidence.map((each) => each.kind)).toEqual([
      "attestation-against-certificate",
    ]);
    for (const evidence of node.trace.evidence) {
      expect(verifyEvidence(xorBls, evidence, context)).toEqual({ ok: true, operators: [second] });
    }
  });

  it("after the window two claims of an operator that was too late are evidence all the same", () => {
    const node = readyNode();
    for (const operator of [first, second, third]) node.receive(attest(operator, claimAt(1n)));
    node.tick(3_000);
    node.receive(attest(fourth, claimAt(1n)));
    node.receive(attest(fourth, claimAt(1n, 1)));
    expect(node.trace.evidence.map((each) => each.kind)).toEqual(["double-attestation"]);
  });

  it("two certificates at one height contradict each other, and neither is served", () => {
    const node = readyNode();
    node.receiveCertificate(certify(claimAt(1n), [0, 1, 2]));
    node.receiveCertificate(certify(claimAt(1n, 1), [1, 2, 3]));
    expect(node.trace.evidence.map((each) => each.kind)).toEqual(["conflicting-certificates"]);
    for (const evidence of node.trace.evidence) {
      const expected = { ok: true, operators: [second, third] };
      expect(verifyEvidence(xorBls, evidence, context)).toEqual(expected);
    }
    const finality = finalityOf(node.state(), ROLLUP_ID, 5_000);
    expect([finality?.fastFinal, finality?.reason?.code]).toEqual([null, "contradicted"]);
    expect(statusAt(node, 1n)).toBe("contradicted");
  });
});

describe("contradiction by branches", () => {
  it("a certificate off the followed branch and one above it on the branch contradict", () => {
    const node = readyNode();
    node.block(blockAt(2n));
    node.receiveCertificate(certify(claimAt(1n), [0, 1, 2, 3]));
    node.receiveCertificate(certify(claimAt(2n), [0, 1, 2, 3]));
    node.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: 1n });
    for (let number = 2n; number <= 3n; number += 1n) node.block(blockAt(number, 1));
    expect(finalityOf(node.state(), ROLLUP_ID, 5_000)?.fastFinal?.blockNumber).toBe(2n);
    node.receiveCertificate(certify(claimAt(3n, 1), [0, 1, 2, 3]));
    const finality = finalityOf(node.state(), ROLLUP_ID, 5_000);
    expect([finality?.fastFinal?.blockNumber, finality?.reason?.code]).toEqual([
      1n,
      "contradicted",
    ]);
    expect(node.trace.contradictions).toEqual([2]);
    expect([1n, 2n, 3n].map((number) => statusAt(node, number))).toEqual([
      "fast-final",
      "observed",
      "contradicted",
    ]);
  });

  it("certificates of one branch never contradict, in whatever order they come", () => {
    const node = readyNode();
    for (const number of [3n, 1n, 2n]) {
      node.receiveCertificate(certify(claimAt(number), [0, 1, 2, 3]));
    }
    for (const number of [2n, 3n, 4n]) node.block(blockAt(number));
    expect(node.trace.contradictions).toEqual([]);
    expect(finalityOf(node.state(), ROLLUP_ID, 5_000)?.fastFinal?.blockNumber).toBe(3n);
  });

  it("without any block, certificates stay within the bound of memory", () => {
    const node = createTestNode();
    for (let epoch = 0n; epoch < 3n; epoch += 1n) {
      const operatorSet = operatorSetOf(epoch);
      node.input({ type: "set-known", operatorSet, rollups: [parameters] });
    }
    for (let number = 1n; number <= 150n; number += 1n) {
      node.receiveCertificate(certify(claimAt(number), [0, 1, 2, 3]));
    }
    expect(node.state().rollups.get(ROLLUP_ID)?.certified.size).toBe(32);
  });
});

describe("contradiction by L1", () => {
  it("stops fast finality from the contradicted height until L1 has passed it", () => {
    const node = readyNode();
    node.block(blockAt(2n));
    node.block(blockAt(3n));
    node.receiveCertificate(certify(claimAt(1n), [0, 1, 2, 3]));
    node.receiveCertificate(certify(claimAt(2n), [0, 1, 2, 3]));
    node.receiveCertificate(certify(claimAt(3n), [0, 1, 2, 3]));
    node.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: 1n });
    for (let number = 2n; number <= 5n; number += 1n) node.block(blockAt(number, 1));
    const finalizeAt = (number: bigint, branch: number): void =>
      node.input({
        type: "heads",
        rollupId: ROLLUP_ID,
        safe: null,
        finalized: blockAt(number, branch),
      });
    finalizeAt(2n, 1);
    const finality = finalityOf(node.state(), ROLLUP_ID, 5_000);
    expect([finality?.fastFinal?.blockNumber, finality?.reason?.code]).toEqual([
      1n,
      "contradicted",
    ]);
    expect(statusAt(node, 3n)).toBe("observed");
    expect(blockOf(node.state(), ROLLUP_ID, { blockHash: blockAt(3n, 0).blockHash })?.status).toBe(
      "contradicted",
    );
    node.receiveCertificate(certify(claimAt(5n, 1), [0, 1, 2, 3]));
    expect(finalityOf(node.state(), ROLLUP_ID, 5_000)?.fastFinal?.blockNumber).toBe(1n);
    finalizeAt(4n, 1);
    expect(finalityOf(node.state(), ROLLUP_ID, 5_000)?.fastFinal?.blockNumber).toBe(5n);
    expect(node.trace.contradictions).toEqual([2]);
  });
});
