import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Claim,
  checkForkLock,
  type LockDecision,
  linksOf,
  toRelease,
  type VerifiedRelease,
  verifyRelease,
  ZERO_HASH,
} from "../src/index.ts";
import { branchDown, extend, grow, isAncestorOrSelf, type TreeBlock } from "./engine/block-tree.ts";
import { certify, claimAt, domain, operatorSetOf } from "./engine/harness.ts";
import { xorBls } from "./xor-bls.ts";

function claimOf(block: TreeBlock, epoch = 0n): Claim {
  const { blockNumber, blockHash, stateRoot, timestamp } = block;
  const roots = { stateRoot, outputRoot: ZERO_HASH };
  return { rollupId: 902n, blockNumber, blockHash, ...roots, timestamp, epoch, verification: 1 };
}

const certificateOf = (claim: Claim): VerifiedRelease => ({
  kind: "certificate",
  certificate: certify(claim, [0, 1, 2, 3]),
});
const finalisedOf = (block: TreeBlock): VerifiedRelease => ({ kind: "l1-finalised-block", block });
const codeOf = (decision: LockDecision): string => (decision.ok ? decision.ground : decision.code);

/** The top of a branch of its own on a block. */
function blockAbove(block: TreeBlock, blocks: number): TreeBlock {
  return grow(block, blocks).at(-1) ?? block;
}

/** A tree from numbers: each block extends the one that its number picks. */
function treeOf(picks: readonly number[]): readonly TreeBlock[] {
  const blocks = [extend(null)];
  for (const pick of picks) {
    // Mostly near the end, so that branches get long.
    const parent = blocks[Math.max(0, blocks.length - 1 - pick)];
    if (parent !== undefined) blocks.push(extend(parent));
  }
  return blocks;
}

/** The rules as protocol section 3 words them, by somebody who sees the whole tree. */
function mayBeSigned(asked: {
  readonly last: { readonly block: TreeBlock; readonly epoch: bigint } | null;
  readonly next: { readonly block: TreeBlock; readonly epoch: bigint };
  readonly certified: { readonly block: TreeBlock; readonly epoch: bigint } | null;
  readonly finalised: TreeBlock | null;
}): boolean {
  const { last, next, certified, finalised } = asked;
  if (last === null) return true;
  if (last.block === next.block && last.epoch === next.epoch) return true;
  if (next.block.blockNumber <= last.block.blockNumber || next.epoch < last.epoch) return false;
  if (isAncestorOrSelf(last.block, next.block)) return true;
  if (
    certified !== null &&
    certified.block !== next.block &&
    isAncestorOrSelf(certified.block, next.block) &&
    certified.block.blockNumber >= last.block.blockNumber &&
    certified.epoch >= last.epoch &&
    certified.epoch <= next.epoch
  ) {
    return true;
  }
  return (
    finalised !== null &&
    isAncestorOrSelf(finalised, next.block) &&
    finalised.blockNumber >= last.block.blockNumber
  );
}

describe("the fork lock", () => {
  it("decides as somebody does who sees the whole tree", () => {
    const index = fc.nat({ max: 40 });
    const epoch = fc.bigInt({ min: 0n, max: 3n });
    const grounds = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 4 }), { minLength: 4, maxLength: 24 }),
        fc.tuple(index, index, index, epoch, epoch, epoch),
        fc.constantFrom("nothing", "certificate", "finalised"),
        (picks, [a, b, c, lastEpoch, nextEpoch, releaseEpoch], kind) => {
          const tree = treeOf(picks);
          const at = (i: number): TreeBlock => tree[i % tree.length] ?? extend(null);
          const [lastBlock, nextBlock, releaseBlock] = [at(a), at(b), at(c)];
          const release =
            kind === "certificate"
              ? certificateOf(claimOf(releaseBlock, releaseEpoch))
              : finalisedOf(releaseBlock);
          const decision = checkForkLock({
            last: claimOf(lastBlock, lastEpoch),
            claim: claimOf(nextBlock, nextEpoch),
            ancestry: linksOf(branchDown(nextBlock, 0n).map(({ headerRlp }) => headerRlp)),
            release: kind === "nothing" ? null : release,
          });
          const expected = mayBeSigned({
            last: { block: lastBlock, epoch: lastEpoch },
            next: { block: nextBlock, epoch: nextEpoch },
            certified: kind === "certificate" ? { block: releaseBlock, epoch: releaseEpoch } : null,
            finalised: kind === "finalised" ? releaseBlock : null,
          });
          const code = codeOf(decision);
          grounds.set(code, (grounds.get(code) ?? 0) + 1);
          expect(decision.ok).toBe(expected);
        },
      ),
      { numRuns: 3_000, seed: 1 },
    );
    // Every answer was given often enough to mean something.
    for (const code of ["descent", "release", "fork-locked", "epoch-below-last"]) {
      expect(grounds.get(code) ?? 0).toBeGreaterThan(20);
    }
  });

  it("takes no more headers than it needs, and none that do not link", () => {
    const base = grow(extend(null), 6);
    const [tip, last] = [base[5], base[2]];
    if (tip === undefined || last === undefined) throw new Error("no blocks");
    const headers = branchDown(tip, 0n).map(({ headerRlp }) => headerRlp);
    const decide = (some: typeof headers): string =>
      codeOf(
        checkForkLock({
          last: claimOf(last),
          claim: claimOf(tip),
          ancestry: linksOf(some),
          release: null,
        }),
      );
    const other = branchDown(blockAbove(last, 3), 0n).map(({ headerRlp }) => headerRlp);
    // As many headers down to the right block, of another one than the claim's.
    expect(decide(other)).toBe("fork-locked");
    expect(decide([...headers.slice(0, 1), ...other.slice(1)])).toBe("fork-locked");
    expect(decide(headers)).toBe("descent");
    expect(decide(headers.slice(0, 3))).toBe("descent");
    expect(decide(headers.slice(0, 2))).toBe("fork-locked");
    expect(decide(headers.slice(1))).toBe("fork-locked");
    expect(decide([...headers.slice(0, 1), ...headers.slice(2)])).toBe("fork-locked");
    expect(decide([])).toBe("fork-locked");
    expect(decide(["0x00", ...headers])).toBe("fork-locked");
  });

  it("knows the very same claim from another one of its block", () => {
    const claim = claimAt(5n);
    const decide = (other: Claim): string =>
      codeOf(checkForkLock({ last: claim, claim: other, ancestry: [], release: null }));
    expect(decide({ ...claim })).toBe("same-claim");
    expect(decide({ ...claim, stateRoot: ZERO_HASH })).toBe("height-not-above-last");
    expect(() => decide({ ...claim, rollupId: 1n })).toThrow(RangeError);
  });

  it("takes no certificate of another rollup", () => {
    const [block] = grow(extend(null), 1);
    if (block === undefined) throw new Error("no block");
    const last = { ...claimOf(extend(null)), blockNumber: 0n };
    const next = extend(block);
    const foreign = certificateOf({ ...claimOf(block), rollupId: 7n });
    const own = certificateOf(claimOf(block));
    const decide = (release: VerifiedRelease): string =>
      codeOf(checkForkLock({ last, claim: claimOf(next), ancestry: [next], release }));
    expect([decide(foreign), decide(own)]).toEqual(["fork-locked", "release"]);
  });
});

describe("a release", () => {
  it("is believed only with a certificate that holds under the set that comes with it", () => {
    const certificate = certify(claimAt(5n), [0, 1, 2, 3]);
    const operatorSet = operatorSetOf(0n);
    const good = { kind: "certificate", certificate, operatorSet, thresholdBps: 6667 } as const;
    const verify = (evidence: Parameters<typeof verifyRelease>[1]) =>
      verifyRelease(xorBls, evidence, domain);
    expect(verify(good)).toMatchObject({
      certificate: { certificateId: certificate.certificateId },
    });
    const few = certify(claimAt(5n), [2, 3]);
    for (const bad of [
      { ...good, certificate: few },
      { ...good, certificate: { ...certificate, signature: few.signature } },
      { ...good, operatorSet: operatorSetOf(1n) },
      { ...good, operatorSet: { ...operatorSet, totalWeight: 1n } },
      { ...good, certificate: { ...certificate, domain: { ...domain, chainId: 1n } } },
      { ...good, thresholdBps: 6666 },
    ]) {
      expect(verify(bad)).toBeNull();
    }
  });

  it("is kept without what was found in its verification", () => {
    const certificate = certify(claimAt(5n), [0, 1, 2, 3]);
    const kept = toRelease({ kind: "certificate", certificate });
    expect(Object.keys(kept.kind === "certificate" ? kept.certificate : {})).not.toContain(
      "signedWeight",
    );
    const block = extend(null);
    const { blockNumber, blockHash, timestamp } = block;
    expect(toRelease(finalisedOf(block))).toEqual({
      kind: "l1-finalised-block",
      block: { blockNumber, blockHash, timestamp },
    });
  });
});
