import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Claim,
  claimDigest,
  epochAt,
  finalityOf,
  type Hex,
  type Input,
} from "../../src/index.ts";
import { xorSign } from "../xor-bls.ts";
import { branchDown, extend, grow, isAncestorOrSelf, type TreeBlock } from "./block-tree.ts";
import { domain, OPERATORS, operatorSetOf, ROLLUP_ID, schedule } from "./harness.ts";
import { blockIn, claimOf, EPOCHS, fork, Operator, type OperatorOptions } from "./lone-operator.ts";

const [, second, third] = OPERATORS as [Hex, Hex, Hex];

/** An operator that has signed heights 1 to 6 of the left branch, and now follows the right one. */
function lockedOperator(options: OperatorOptions = {}) {
  const tree = fork();
  const operator = new Operator(tree.genesis, options);
  operator.follow(blockIn(tree.left, 6));
  expect(operator.heights()).toEqual([1, 2, 3, 4, 5, 6]);
  operator.asked.length = 0;
  for (const block of tree.right.slice(0, 5)) operator.follow(block);
  return { ...tree, operator };
}

describe("an operator after a reorg", () => {
  it("signs nothing on the new branch, and says why, once for each height", () => {
    const { operator } = lockedOperator();
    expect(operator.heights()).toEqual([]);
    expect(operator.codes()).toEqual(["fork-locked"]);
    expect(operator.lock()).toBe("fork-locked");
    const abstained = operator.reports.flatMap((each) =>
      each.code === "abstained" ? [[each.reason, Number(each.blockNumber)]] : [],
    );
    expect(abstained).toEqual([
      ["fork-locked", 7],
      ["fork-locked", 8],
      ["fork-locked", 9],
    ]);
  });

  it("goes on above a certificate of the new branch, in the order of the heights", () => {
    const { operator, right } = lockedOperator();
    operator.certify(blockIn(right, 5));
    expect(operator.heights()).toEqual([]);
    operator.certify(blockIn(right, 7));
    expect(operator.heights()).toEqual([8, 9]);
    expect(operator.asked.map(({ release }) => release?.kind ?? null)).toEqual([
      "certificate",
      null,
    ]);
    expect(operator.asked[0]?.ancestry).toEqual([blockIn(right, 8).headerRlp]);
    expect(operator.codes()).toEqual(["fork-locked", "fork-released"]);
    expect(operator.lock()).toBeNull();
  });

  it("goes on at the block that L1 has finalised, and the lower the certificate the better", () => {
    const { operator, right } = lockedOperator();
    operator.finalize(blockIn(right, 5));
    expect(operator.heights()).toEqual([]);
    operator.finalize(blockIn(right, 8));
    expect(operator.heights()).toEqual([8, 9]);
    expect(operator.asked[0]).toMatchObject({
      ancestry: [],
      release: { kind: "l1-finalised-block", block: { blockNumber: 8n } },
    });
  });

  it("is not released by the branch that it left, nor by L1's choice of that", () => {
    const { operator, left, right } = lockedOperator();
    operator.certify(blockIn(left, 6));
    operator.finalize(blockIn(left, 6));
    operator.follow(blockIn(right, 10));
    expect(operator.heights()).toEqual([]);
    expect(operator.lock()).toBe("fork-locked");
  });

  it("goes on where it was when its branch comes back", () => {
    const { operator, left } = lockedOperator();
    operator.follow(blockIn(left, 8));
    expect(operator.heights().filter((height) => height > 6)).toEqual([7, 8]);
    expect(operator.asked.at(-1)?.release).toBeNull();
    expect(operator.codes()).toEqual(["fork-locked", "fork-released"]);
  });

  it("is locked after a restart as well: the record says what was signed last", () => {
    const { genesis, left, right } = fork();
    const operator = new Operator(genesis, { lastSigned: claimOf(blockIn(left, 6)) });
    for (const block of right.slice(0, 5)) operator.take(block);
    expect([operator.heights(), operator.lock()]).toEqual([[], "fork-locked"]);
    operator.certify(blockIn(right, 6));
    expect(operator.heights()).toEqual([7, 8, 9]);
  });

  it("finds L1's block however far below, within the blocks kept for it", () => {
    const { genesis, left, right } = fork();
    const operator = new Operator(genesis, { chainDepth: 16 });
    operator.follow(blockIn(left, 8));
    operator.asked.length = 0;
    const long = grow(blockIn(right, 12), 300);
    operator.follow(blockIn(long, 200));
    expect(operator.lock()).toBe("fork-locked");
    operator.finalize(blockIn(right, 9));
    expect(operator.heights()).toEqual(Array.from({ length: 16 }, (_, i) => 185 + i));
    expect(operator.asked[0]?.ancestry).toHaveLength(185 - 9);
    const { blocks } = operator.state.rollups.get(ROLLUP_ID) ?? { blocks: new Map() };
    operator.follow(blockIn(long, 201));
    expect(blocks.size).toBe(16);
  });

  it("holds memory to a bound while it waits", () => {
    const { genesis, left, right } = fork();
    const operator = new Operator(genesis, { chainDepth: 16 });
    operator.follow(blockIn(left, 8));
    operator.follow(blockIn(right, 12));
    for (const block of grow(blockIn(right, 12), 400)) operator.take(block);
    expect(operator.state.rollups.get(ROLLUP_ID)?.blocks.size).toBe(16 * 16);
  });
});

describe("the signer's answers", () => {
  it("are awaited one by one", () => {
    const { genesis, left } = fork();
    const operator = new Operator(genesis, { isManual: true });
    operator.follow(blockIn(left, 6));
    expect(operator.heights()).toEqual([1]);
    const [asked] = operator.asked;
    if (asked !== undefined) operator.answer(asked);
    expect(operator.heights()).toEqual([1, 2]);
  });

  it("that the block was dropped leave its height to the block that took its place", () => {
    const { genesis, base } = fork();
    const operator = new Operator(genesis, { isManual: true });
    operator.follow(blockIn(base, 1));
    const [asked] = operator.asked;
    const other = extend(genesis, 1_001n);
    operator.follow(other);
    if (asked === undefined) throw new Error("not asked");
    const code = "no-longer-wanted";
    operator.input({ type: "sign-refused", claim: asked.claim, code, last: null });
    expect(operator.asked.at(-1)?.claim.blockHash).toBe(other.blockHash);
  });

  it("that its record is ahead move what is known here there, and the lock with it", () => {
    const { genesis, left, right } = fork();
    const operator = new Operator(genesis);
    operator.follow(blockIn(left, 5));
    // Another node of the operator, with the same signer, has signed on the right branch.
    operator.last = claimOf(blockIn(right, 6));
    operator.follow(blockIn(left, 8));
    expect(operator.lock()).toBe("fork-locked");
    expect(operator.last).toEqual(claimOf(blockIn(right, 6)));
    operator.follow(blockIn(right, 9));
    expect(operator.last).toEqual(claimOf(blockIn(right, 9)));
  });
});

describe("an operator whose record was lost", () => {
  it("hands its signer L1's block and the way to it, and keeps what that takes", () => {
    const { genesis, base, right } = fork();
    const operator = new Operator(genesis, { isManual: true, chainDepth: 16 });
    const refuseAll = (): void => {
      for (let seen = -1; seen !== operator.asked.length; ) {
        seen = operator.asked.length;
        const claim = operator.asked.at(-1)?.claim;
        const code = "waiting-for-finality";
        if (claim !== undefined) operator.input({ type: "sign-refused", claim, code, last: null });
      }
    };
    operator.follow(blockIn(base, 2));
    refuseAll();
    expect([operator.heights(), operator.lock()]).toEqual([[1, 2], "waiting-for-finality"]);
    operator.finalize(blockIn(base, 2));
    const long = grow(blockIn(right, 12), 88);
    operator.follow(blockIn(long, 99));
    refuseAll();
    operator.follow(blockIn(long, 100));
    const asked = operator.asked.at(-1);
    expect(asked).toMatchObject({
      claim: { blockNumber: 100n },
      release: { kind: "l1-finalised-block", block: { blockNumber: 2n } },
    });
    expect(asked?.ancestry).toHaveLength(98);
    if (asked !== undefined) operator.answer(asked);
    operator.follow(extend(blockIn(long, 100), blockIn(long, 100).timestamp));
    expect(operator.lock()).toBeNull();
  });
});

describe("an epoch below the last one", () => {
  it("is not signed, and is no lock", () => {
    const genesis = extend(null, 1_000n);
    const late = extend(genesis, 1_200n);
    const operator = new Operator(genesis);
    operator.follow(late);
    const early = extend(extend(genesis, 1_001n), 1_002n);
    operator.finalize(early);
    operator.follow(early);
    expect(operator.reports.filter((each) => each.code === "abstained")).toMatchObject([
      { reason: "epoch-below-last", blockNumber: 2n },
    ]);
    expect(operator.lock()).toBeNull();
  });
});

describe("a split", () => {
  const reasonOf = (operator: Operator): string | null =>
    finalityOf(operator.state, ROLLUP_ID, 60_000)?.reason?.code ?? null;
  const attestAs = (operator: Operator, by: Hex, block: TreeBlock): void => {
    const claim = claimOf(block);
    const digest = claimDigest(domain, claim);
    const operatorSet = operatorSetOf(claim.epoch);
    const member = operatorSet.operators.find((each) => each.operator === by);
    if (member === undefined) throw new Error("no member");
    const { publicKey, weight, index } = member;
    const signature = xorSign(publicKey, digest);
    const attestation = { claim, operator: by, signature, digest, publicKey, weight, index };
    // As the attribution check would hand it on.
    operator.input({ type: "attestation-verified", attestation } as unknown as Input);
  };

  it("is named where the lock keeps too much weight from the branch, until L1 decides", () => {
    const { operator, left, right } = lockedOperator();
    expect(reasonOf(operator)).toBe("below-threshold");
    attestAs(operator, second, blockIn(left, 6));
    // 22 and 24 of 100 are bound to the left branch: 54 cannot reach 67.
    expect(reasonOf(operator)).toBe("split");
    attestAs(operator, third, blockIn(right, 9));
    expect(reasonOf(operator)).toBe("split");
    operator.finalize(blockIn(right, 7));
    expect(reasonOf(operator)).toBe("below-threshold");
  });

  it("ends with whatever releases the others, by L1 or by a certificate", () => {
    for (const release of ["finalize", "certify"] as const) {
      const { genesis, left, right } = fork();
      const operator = new Operator(genesis);
      operator.follow(blockIn(right, 9));
      for (const by of [second, third]) attestAs(operator, by, blockIn(left, 6));
      // Left are 22 and 28 of 100.
      expect(reasonOf(operator)).toBe("split");
      operator[release](blockIn(right, 5));
      expect(reasonOf(operator)).toBe("split");
      operator[release](blockIn(right, 6));
      expect(reasonOf(operator)).toBe("below-threshold");
    }
  });

  it("is none where who had signed the other branch signs this one", () => {
    const { operator, left, right } = lockedOperator();
    attestAs(operator, second, blockIn(left, 6));
    attestAs(operator, second, blockIn(right, 8));
    expect(reasonOf(operator)).toBe("below-threshold");
  });
});

/** What happens next in a random run: a block on the tip, or below it; a certificate; a head. */
type Event =
  | { readonly kind: "grow"; readonly below: number; readonly seconds: number }
  | { readonly kind: "follow" | "certify" | "finalize"; readonly pick: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("grow" as const),
      below: fc.constantFrom(0, 0, 0, 0, 1, 2, 5),
      seconds: fc.constantFrom(0, 1, 1, 25),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("follow" as const, "certify" as const, "finalize" as const),
      pick: fc.nat({ max: 12 }),
    }),
  },
);

describe("whatever happens", () => {
  it("the tip is signed exactly where somebody who sees the whole tree would allow it", () => {
    const seen = { signed: 0, locked: 0 };
    fc.assert(
      fc.property(fc.array(event, { minLength: 5, maxLength: 40 }), (events) => {
        const tree = [extend(null, 1_000n)];
        const [genesis] = tree as [TreeBlock];
        const operator = new Operator(genesis);
        let finalized = genesis;
        for (const each of events) {
          const before = operator.last;
          if (each.kind === "grow") {
            let parent = operator.tip;
            for (let i = 0; i < each.below && parent.parent !== null; i++) parent = parent.parent;
            const block = extend(parent, parent.timestamp + BigInt(each.seconds));
            if ((epochAt(schedule, block.timestamp) ?? 0n) >= EPOCHS) continue;
            tree.push(block);
            operator.follow(block);
          } else {
            const block = tree[Math.max(0, tree.length - 1 - each.pick)] ?? genesis;
            if (each.kind === "follow") operator.follow(block);
            if (each.kind === "certify" && block !== genesis) operator.certify(block);
            if (each.kind === "finalize" && isAncestorOrSelf(finalized, block)) {
              finalized = block;
              operator.finalize(block);
            }
          }
          const expected = mayTipBeSigned(operator, before, { tree, finalized });
          const isSigned = operator.last?.blockHash === operator.tip.blockHash;
          if (expected !== null) expect(isSigned).toBe(expected);
          seen.signed += expected === true ? 1 : 0;
          seen.locked += operator.lock() === "fork-locked" ? 1 : 0;
        }
      }),
      { numRuns: 400 },
    );
    expect(Math.min(seen.signed, seen.locked)).toBeGreaterThan(100);
  });
});

/** The rules for the tip, from the tree and what the node holds; null where they do not say. */
function mayTipBeSigned(
  { tip, state }: Operator,
  last: Claim | null,
  world: { readonly tree: readonly TreeBlock[]; readonly finalized: TreeBlock },
): boolean | null {
  const claim = claimOf(tip);
  const held = [...(state.rollups.get(ROLLUP_ID)?.certified.values() ?? [])];
  const isOther = held.some(
    ({ certificate: { claim: other } }) =>
      other.blockNumber === claim.blockNumber && other.blockHash !== claim.blockHash,
  );
  if (isOther || tip.parent === null) return null;
  if (last === null || last.blockHash === claim.blockHash) return true;
  if (claim.blockNumber <= last.blockNumber || claim.epoch < last.epoch) return false;
  const ancestors = new Set(branchDown(tip, 0n).map(({ blockHash }) => blockHash));
  if (ancestors.has(last.blockHash)) return true;
  const isFinal =
    world.finalized.blockNumber >= last.blockNumber &&
    ancestors.has(world.finalized.blockHash) &&
    state.rollups.get(ROLLUP_ID)?.finalized?.blockHash === world.finalized.blockHash;
  const isCertified = held.some(({ certificate: { claim: certified } }) => {
    const isStrict = ancestors.has(certified.blockHash) && certified.blockHash !== tip.blockHash;
    const isHigh = certified.blockNumber >= last.blockNumber;
    return isStrict && isHigh && certified.epoch >= last.epoch && certified.epoch <= claim.epoch;
  });
  return isFinal || isCertified;
}
