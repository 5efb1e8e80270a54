import { describe, expect, test } from "vitest";
import {
  admitSetUpdate,
  firstOpenSetUpdate,
  type Hex,
  isSetUpdateToBlame,
  openSetUpdates,
  type SetUpdate,
  setUpdateProgress,
  toSetUpdate,
  verifyEvidence,
  verifySetUpdate,
} from "../../src/index.ts";
import { xorBls } from "../xor-bls.ts";
import { domain, OPERATORS, operatorSetOf } from "./harness.ts";
import { createSetNode, OTHER, signedBy, WRONG } from "./set-update-node.ts";

describe("signing", () => {
  test("an operator of the set before is asked once L1 has finalised the hash", () => {
    const node = createSetNode({ operator: OPERATORS[0] ?? null });
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    expect(node.of("sign-set-update")).toEqual([]);
    node.isFinal(operatorSetOf(1n));
    const { operatorSetHash } = operatorSetOf(1n);
    expect(node.of("sign-set-update")).toEqual([
      { type: "sign-set-update", epoch: 1n, operatorSetHash },
    ]);
    expect(node.of("publish-set-update").map(({ update }) => toSetUpdate(update))).toEqual([
      signedBy([0]),
    ]);
  });

  test("a set that only the store knows is not signed, nor is another hash than the set's", () => {
    const node = createSetNode({ operator: OPERATORS[0] ?? null });
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    node.receive(signedBy([1]));
    node.isFinal({ ...operatorSetOf(1n), operatorSetHash: WRONG });
    node.input({ type: "tick" });
    expect(node.of("sign-set-update")).toEqual([]);
  });

  test("epoch 0 has no set before it: its hash is signed by nobody", () => {
    const node = createSetNode({ operator: OPERATORS[0] ?? null });
    node.knows(operatorSetOf(0n));
    node.isFinal(operatorSetOf(0n));
    expect(node.of("sign-set-update")).toEqual([]);
    expect(node.receive({ ...signedBy([0]), epoch: 0n })).toBe("malformed");
  });

  test("who is not of the set before is not asked, nor is an observer", () => {
    for (const operator of [`0x${"99".repeat(20)}` as Hex, null]) {
      const node = createSetNode({ operator });
      node.knows(operatorSetOf(0n), operatorSetOf(1n));
      node.isFinal(operatorSetOf(1n));
      expect(node.of("sign-set-update")).toEqual([]);
    }
  });

  test("the set before may come later: then the operator is asked", () => {
    const node = createSetNode({ operator: OPERATORS[0] ?? null });
    node.knows(operatorSetOf(1n));
    node.isFinal(operatorSetOf(1n));
    expect(node.of("sign-set-update")).toEqual([]);
    node.knows(operatorSetOf(0n));
    expect(node.of("sign-set-update")).toHaveLength(1);
  });

  test("a late joiner signs until contracts accept the update no more, and not after", () => {
    for (const [now, count] of [
      [1_119_999, 1],
      [1_120_000, 0],
    ] as const) {
      const node = createSetNode({ operator: OPERATORS[0] ?? null });
      node.now = now;
      node.knows(operatorSetOf(0n), operatorSetOf(1n));
      node.isFinal(operatorSetOf(1n));
      expect(node.of("sign-set-update")).toHaveLength(count);
    }
  });

  test("a signer that refuses is asked again, not at once and not without end", () => {
    const node = createSetNode({ operator: OPERATORS[0] ?? null, refuses: true });
    node.now = 0;
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    node.isFinal(operatorSetOf(1n));
    node.input({ type: "tick" });
    expect(node.of("sign-set-update")).toHaveLength(1);
    const askedAt = [0];
    while (node.now < 2_000_000) {
      node.now += 5_000;
      node.input({ type: "tick" });
      if (node.of("sign-set-update").length > askedAt.length) askedAt.push(node.now / 1_000);
    }
    // Until contracts accept it no more, at 1,120 seconds.
    expect(askedAt).toEqual([0, 10, 30, 70, 150, 310, 630]);
  });

  test("an operator whose signature stands in the kept update is not asked again", () => {
    const node = createSetNode({ operator: OPERATORS[0] ?? null });
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    expect(node.receive(signedBy([0, 1, 2]))).toBe("accepted");
    node.isFinal(operatorSetOf(1n));
    expect(node.of("sign-set-update")).toEqual([]);
  });
});

describe("aggregation", () => {
  test("signatures become an update at the threshold, and later ones make it heavier", () => {
    const node = createSetNode();
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    expect([0, 1].map((index) => node.receive(signedBy([index])))).toEqual([
      "accepted",
      "accepted",
    ]);
    expect(node.held(1n)).toBe(null);
    expect(setUpdateProgress(node.state(), 1n)).toEqual({
      presentWeight: 46n,
      requiredWeight: 67n,
    });
    node.receive(signedBy([2]));
    expect(node.held(1n)).toEqual(signedBy([0, 1, 2]));
    node.receive(signedBy([3]));
    expect(node.held(1n)).toEqual(signedBy([0, 1, 2, 3]));
    expect(node.of("store-set-update").map((each) => each.update.signedWeight)).toEqual([
      72n,
      100n,
    ]);
    const held = node.held(1n);
    expect(held && verifySetUpdate(xorBls, held, operatorSetOf(0n))).toMatchObject({ ok: true });
    expect(firstOpenSetUpdate(node.state())).toBe(null);
  });

  test("a signature is added to an update that came whole, also after a restart", () => {
    const node = createSetNode();
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    node.receive(signedBy([1, 2, 3]));
    node.receive(signedBy([0]));
    expect(node.held(1n)).toEqual(signedBy([0, 1, 2, 3]));
  });

  test("nodes that hold different updates of one weight agree once they have exchanged them", () => {
    const sets = [0n, 1n].map((epoch) => operatorSetOf(epoch, [25n, 25n, 25n, 25n]));
    const [signing, fixed] = sets;
    if (signing === undefined || fixed === undefined) throw new Error("no sets");
    const of = (indices: readonly number[]): SetUpdate => {
      const update = signedBy(indices, 1n, fixed.operatorSetHash);
      return { ...update, signedBy: signing.operatorSetHash };
    };
    const left = createSetNode();
    const right = createSetNode();
    for (const node of [left, right]) node.knows(...sets);
    left.receive(of([0, 1, 2]));
    right.receive(of([1, 2, 3]));
    const [ofLeft, ofRight] = [left.held(1n), right.held(1n)];
    if (ofLeft === null || ofRight === null) throw new Error("nothing held");
    expect([left.receive(ofRight), right.receive(ofLeft)]).toEqual(["not-better", "accepted"]);
    expect(left.held(1n)).toEqual(right.held(1n));
  });

  test("every order of arrival ends in the same update", () => {
    const updates = [[0], [1], [2], [3], [0, 1, 2], [1, 2, 3]];
    for (let seed = 0; seed < 50; seed++) {
      const node = createSetNode();
      node.knows(operatorSetOf(0n), operatorSetOf(1n));
      const key = (at: number): number => ((at + 1) * (seed + 7) * 7_919) % 101;
      const order = updates.map((_, at) => at).sort((a, b) => key(a) - key(b));
      for (const at of order) node.receive(signedBy(updates[at] ?? []));
      expect(node.held(1n)).toEqual(signedBy([0, 1, 2, 3]));
    }
  });
});

describe("admission", () => {
  test("each wrong update has its code, and its sender is to blame or not", () => {
    const node = createSetNode();
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    const good = signedBy([0]);
    const cases: readonly (readonly [SetUpdate, string, boolean])[] = [
      [{ ...good, domain: { ...domain, chainId: 1n } }, "wrong-domain", true],
      [{ ...good, signature: "0x00" }, "malformed", true],
      [{ ...good, signers: "0x0100" }, "malformed", true],
      [{ ...good, signers: "0x10" }, "malformed", true],
      [{ ...good, signedBy: WRONG }, "wrong-signing-set", true],
      [{ ...good, signers: "0x00" }, "below-threshold", true],
      [signedBy([0, 1]), "below-threshold", true],
      [
        { ...signedBy([0, 1, 2], 2n), signedBy: operatorSetOf(1n).operatorSetHash },
        "not-fixed-yet",
        false,
      ],
      [signedBy([0], 9n), "unknown-operator-set", false],
    ];
    for (const [update, code, isBlamed] of cases) {
      const admission = admitSetUpdate(node.state(), update);
      if (admission.ok) throw new Error(`admitted instead of ${code}`);
      expect([admission.code, isSetUpdateToBlame(admission.code)]).toEqual([code, isBlamed]);
    }
    expect(node.receive({ ...good, signature: signedBy([1]).signature })).toBe("bad-signature");
    expect(node.receive(good)).toBe("accepted");
    expect(node.receive(good)).toBe("duplicate");
    expect(node.receive(signedBy([0, 1, 2]))).toBe("accepted");
    // A heavier update may lack it: an operator's own signature is kept beside the sum.
    expect(node.receive(signedBy([1]))).toBe("accepted");
    expect(node.receive(signedBy([1]))).toBe("duplicate");
  });

  test("a signature for an epoch not fixed here waits, and counts when L1 says the same", () => {
    const node = createSetNode();
    node.knows(operatorSetOf(0n));
    for (const index of [0, 1, 2]) expect(node.receive(signedBy([index]))).toBe("accepted");
    expect(node.receive(signedBy([0]))).toBe("duplicate");
    expect([node.held(1n), openSetUpdates(node.state(), { epoch: 0n, from: 0, limit: 9 })]).toEqual(
      [null, []],
    );
    node.knows(operatorSetOf(1n));
    expect(node.held(1n)).toEqual(signedBy([0, 1, 2]));
  });

  test("an operator has room for two hashes before L1 has fixed one", () => {
    const node = createSetNode();
    node.knows(operatorSetOf(0n));
    expect(node.receive(signedBy([0], 1n, WRONG))).toBe("accepted");
    expect(node.receive(signedBy([0], 1n, OTHER))).toBe("accepted");
    expect(node.receive(signedBy([0]))).toBe("duplicate");
    node.knows(operatorSetOf(1n));
    expect(node.of("store-evidence")).toHaveLength(1);
  });

  test("what is known of epochs goes with their sets", () => {
    const node = createSetNode();
    for (let epoch = 0n; epoch < 40n; epoch++) {
      node.knows(operatorSetOf(epoch));
      if (epoch > 0n) node.receive(signedBy([0, 1, 2], epoch));
    }
    expect(node.state().setUpdates.size).toBeLessThanOrEqual(17);
    expect(node.held(39n)).toEqual(signedBy([0, 1, 2], 39n));
  });
});

describe("evidence", () => {
  const sets = new Map([0n, 1n].map((epoch) => [epoch, operatorSetOf(epoch)]));
  const context = { domain, thresholdBps: 6667, operatorSet: (epoch: bigint) => sets.get(epoch) };

  test("a signature over another hash than the registry's convicts, once, and never counts", () => {
    const node = createSetNode();
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    expect(node.receive(signedBy([1], 1n, WRONG))).toBe("accepted");
    expect(node.receive(signedBy([1], 1n, OTHER))).toBe("duplicate");
    const [made, ...more] = node.of("store-evidence");
    expect(more).toEqual([]);
    expect(made?.evidence).toEqual({
      kind: "false-set-update",
      operators: [OPERATORS[1]],
      update: signedBy([1], 1n, WRONG),
      registryHash: operatorSetOf(1n).operatorSetHash,
    });
    if (made === undefined) throw new Error("no evidence");
    expect(verifyEvidence(xorBls, made.evidence, context)).toEqual({
      ok: true,
      operators: [OPERATORS[1]],
    });
    expect(setUpdateProgress(node.state(), 1n)?.presentWeight).toBe(0n);
    if (made.evidence.kind !== "false-set-update") throw new Error("of another kind");
    const update = { ...made.evidence.update, domain: { ...domain, chainId: 1n } };
    expect(verifyEvidence(xorBls, { ...made.evidence, update }, context)).toEqual({
      ...{ ok: false, code: "bad-signature" },
    });
  });

  test("a false update of a quorum convicts all of it, and is not held", () => {
    const node = createSetNode();
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    expect(node.receive(signedBy([0, 2, 3], 1n, WRONG))).toBe("accepted");
    const [made] = node.of("store-evidence");
    if (made === undefined) throw new Error("no evidence");
    expect(verifyEvidence(xorBls, made.evidence, context)).toEqual({
      ok: true,
      operators: [0, 2, 3].map((at) => OPERATORS[at]),
    });
    expect(node.held(1n)).toBe(null);
  });

  test("a false signature that came before the hash was known convicts when it is", () => {
    const node = createSetNode();
    node.knows(operatorSetOf(0n));
    node.receive(signedBy([2], 1n, WRONG));
    expect(node.of("store-evidence")).toEqual([]);
    node.knows(operatorSetOf(1n));
    expect(node.of("store-evidence").map((each) => each.evidence.kind)).toEqual([
      "false-set-update",
    ]);
  });
});

describe("serving", () => {
  test("a peer is given the update that stands, and single signatures while there is none", () => {
    const node = createSetNode();
    node.knows(...[0n, 1n, 2n, 3n].map((epoch) => operatorSetOf(epoch)));
    node.receive(signedBy([0, 1, 2], 1n));
    for (const index of [3, 1]) node.receive(signedBy([index], 2n));
    node.receive(signedBy([0], 3n));
    const all = [signedBy([0, 1, 2], 1n), signedBy([1], 2n), signedBy([3], 2n), signedBy([0], 3n)];
    const open = (epoch: bigint, from: number, limit: number): readonly SetUpdate[] =>
      openSetUpdates(node.state(), { epoch, from, limit });
    expect(open(0n, 0, 9)).toEqual(all);
    expect(open(1n, 1, 9)).toEqual(all.slice(1));
    expect(open(2n, 2, 1)).toEqual(all.slice(2, 3));
    expect(firstOpenSetUpdate(node.state())).toBe(1n);
  });
});

describe("where L1 has another set than the store had", () => {
  test("what was counted for the store's hash is not summed with what L1's hash gets", () => {
    const node = createSetNode();
    node.knows(operatorSetOf(0n), { ...operatorSetOf(1n), operatorSetHash: WRONG });
    for (const index of [0, 1, 2]) node.receive(signedBy([index], 1n, WRONG));
    expect(node.held(1n)?.operatorSetHash).toBe(WRONG);
    node.knows(operatorSetOf(1n));
    expect(node.held(1n)).toBeNull();
    // It is false by L1, and each who signed it is told of.
    const convicted = node
      .of("store-evidence")
      .flatMap(({ evidence }) => (evidence.kind === "false-set-update" ? evidence.operators : []));
    expect(new Set(convicted)).toEqual(new Set(OPERATORS.slice(0, 3)));
    for (const index of [1, 2, 3]) expect(node.receive(signedBy([index]))).toBe("accepted");
    const held = node.held(1n);
    if (held === null) throw new Error("no update");
    expect(held).toEqual(signedBy([1, 2, 3]));
    expect(verifySetUpdate(xorBls, held, operatorSetOf(0n)).ok).toBe(true);
  });

  test("signatures by the indices of the store's set convict nobody of L1's set", () => {
    const node = createSetNode();
    node.knows({ ...operatorSetOf(0n), operatorSetHash: WRONG });
    // Waits for the hash of epoch 1: a lie, by the set that the store had.
    node.receive({ ...signedBy([0], 1n, OTHER), signedBy: WRONG });
    node.knows(operatorSetOf(0n), operatorSetOf(1n));
    expect(node.of("store-evidence")).toEqual([]);
    expect(node.receive(signedBy([0]))).toBe("accepted");
  });
});
