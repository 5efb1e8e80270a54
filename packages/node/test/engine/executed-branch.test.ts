import type { Hex } from "@mach/core";
import type { BlockExecutor, Verdict } from "@mach/execution";
import { describe, expect, it } from "vitest";
import { type BlockId, createExecutedBranch } from "../../src/engine/executed-branch.ts";

function hashOf(number: bigint): Hex {
  return `0x${number.toString(16).padStart(64, "0")}`;
}

function blockAt(blockNumber: bigint): BlockId {
  return { blockNumber, blockHash: hashOf(blockNumber) };
}

const LACKING: Verdict = {
  outcome: "unverifiable",
  code: "missing-preimage",
  detail: "a node",
  missing: [],
};
const GONE: Verdict = { ...LACKING, code: "unavailable" };
const INVALID: Verdict = { outcome: "invalid", field: "stateRoot", expected: "a", got: "b" };

function setUp(options: Partial<Pick<BlockExecutor, "givenThrough" | "includesAncestors">> = {}) {
  const verdicts = new Map<bigint, Verdict>();
  const settled = new Set<Hex>();
  const world = { finalized: null as BlockId | null, executed: [] as bigint[] };
  const paused: number[] = [];
  const branch = createExecutedBranch({
    executor: {
      givenThrough: 0n,
      includesAncestors: false,
      ...options,
      async execute(blockHash) {
        const number = BigInt(blockHash);
        world.executed.push(number);
        const valid = { outcome: "valid", blockHash, gasUsed: 0n, surplus: 0 } as const;
        return verdicts.get(number) ?? { ...valid, parentHash: hashOf(number - 1n) };
      },
    },
    finalized: () => world.finalized,
    isSettled: ({ blockHash }) =>
      settled.has(blockHash) || world.finalized?.blockHash === blockHash,
    delay: async (milliseconds) => void paused.push(milliseconds),
  });
  const check = (number: bigint, isStillWanted = () => true) =>
    branch.check(blockAt(number), isStillWanted);
  const settle = (number: bigint) => settled.add(hashOf(number));
  return { check, settle, verdicts, world, paused };
}

describe("a block and its ancestors", () => {
  it("are executed down to one that is settled, and none twice", async () => {
    const { check, settle, world } = setUp();
    settle(6n);
    expect(await check(9n)).toEqual({ outcome: "valid" });
    expect(await check(12n)).toEqual({ outcome: "valid" });
    expect(world.executed).toEqual([9n, 8n, 7n, 12n, 11n, 10n]);
  });

  it("are executed down to the genesis where nothing is settled", async () => {
    const { check, world } = setUp();
    expect(await check(3n)).toEqual({ outcome: "valid" });
    expect(world.executed).toEqual([3n, 2n, 1n]);
  });

  it("need the execution of the block itself, settled or given", async () => {
    const { check, settle, world, verdicts } = setUp({ givenThrough: 1n });
    settle(9n);
    settle(8n);
    expect(await check(9n)).toEqual({ outcome: "valid" });
    expect(world.executed).toEqual([9n]);
    verdicts.set(1n, LACKING);
    expect(await check(1n)).toMatchObject({ outcome: "unverifiable", block: blockAt(1n) });
  });

  it("stand on the first state of a chain whose genesis commits to none", async () => {
    const { check, verdicts, world } = setUp({ givenThrough: 1n });
    verdicts.set(1n, LACKING);
    expect(await check(3n)).toEqual({ outcome: "valid" });
    expect(world.executed).toEqual([3n, 2n]);
  });

  it("are all meant where the executor says so", async () => {
    const { check, world } = setUp({ includesAncestors: true });
    expect(await check(900n)).toEqual({ outcome: "valid" });
    expect(world.executed).toEqual([900n]);
  });

  it("are not looked for without end", async () => {
    const { check, world } = setUp();
    expect(await check(10_000n)).toMatchObject({ outcome: "unverifiable" });
    expect(world.executed).toHaveLength(4_096);
  });
});

describe("a block that cannot be executed", () => {
  it("is not covered by those above it, and tried again with each", async () => {
    const { check, settle, verdicts, world } = setUp();
    settle(6n);
    verdicts.set(7n, LACKING);
    const why = { outcome: "unverifiable", block: blockAt(7n) };
    expect(await check(7n)).toMatchObject(why);
    expect(await check(8n)).toMatchObject(why);
    expect(await check(9n)).toMatchObject(why);
    expect(world.executed).toEqual([7n, 8n, 7n, 9n, 7n]);
    verdicts.delete(7n);
    expect(await check(10n)).toEqual({ outcome: "valid" });
    expect(world.executed.slice(5)).toEqual([10n, 7n]);
  });

  it("is no matter once a certificate covers it", async () => {
    const { check, settle, verdicts } = setUp();
    verdicts.set(7n, LACKING);
    expect(await check(8n)).toMatchObject({ outcome: "unverifiable" });
    settle(8n);
    expect(await check(9n)).toEqual({ outcome: "valid" });
  });

  it("is waited for a little where the source lacks it, and then no more", async () => {
    const { check, settle, verdicts, paused, world } = setUp();
    settle(8n);
    verdicts.set(9n, GONE);
    expect(await check(9n)).toMatchObject({ outcome: "unverifiable" });
    expect(paused).toEqual([250, 500, 1000, 2000]);
    expect(world.executed).toHaveLength(5);
    let asked = 0;
    await check(9n, () => asked++ === 0);
    expect(world.executed).toHaveLength(6);
  });

  it("is not executed once nobody wants it", async () => {
    const { check, world } = setUp();
    expect(await check(9n, () => false)).toMatchObject({ outcome: "unverifiable" });
    expect(world.executed).toEqual([]);
  });
});

describe("an invalid block", () => {
  it("makes all above it invalid, certified or not", async () => {
    const { check, settle, verdicts, world } = setUp();
    settle(6n);
    verdicts.set(7n, INVALID);
    const refused = { outcome: "invalid", block: blockAt(7n), verdict: INVALID };
    for (const number of [7n, 8n, 9n]) expect(await check(number)).toEqual(refused);
    settle(8n);
    settle(9n);
    expect(await check(10n)).toEqual(refused);
    expect(world.executed).toEqual([7n, 8n, 9n, 10n]);
  });

  it("is found below blocks that were valid on it", async () => {
    const { check, settle, verdicts } = setUp();
    settle(4n);
    verdicts.set(5n, INVALID);
    expect(await check(9n)).toMatchObject({ outcome: "invalid", block: blockAt(5n) });
    settle(8n);
    expect(await check(9n)).toMatchObject({ outcome: "invalid", block: blockAt(5n) });
  });

  it("holds back until L1 has finalised it or one above it, and not before", async () => {
    const { check, verdicts, settle, world } = setUp();
    settle(6n);
    verdicts.set(7n, INVALID);
    for (const number of [7n, 8n, 9n]) await check(number);
    world.finalized = blockAt(6n);
    expect(await check(9n)).toMatchObject({ outcome: "invalid" });
    world.finalized = blockAt(8n);
    expect(await check(10n)).toEqual({ outcome: "valid" });
    expect(await check(11n)).toEqual({ outcome: "valid" });
  });

  it("holds back where L1 has finalised another branch past it", async () => {
    const { check, verdicts, settle, world } = setUp();
    settle(6n);
    verdicts.set(7n, INVALID);
    for (const number of [7n, 8n, 9n]) await check(number);
    world.finalized = { blockNumber: 8n, blockHash: hashOf(800n) };
    expect(await check(10n)).toMatchObject({ outcome: "invalid", block: blockAt(7n) });
  });

  it("says nothing of another branch", async () => {
    const { check, verdicts, settle } = setUp();
    settle(6n);
    verdicts.set(7n, INVALID);
    await check(8n);
    verdicts.set(800n, {
      outcome: "valid",
      blockHash: hashOf(800n),
      parentHash: hashOf(6n),
      gasUsed: 0n,
      surplus: 0,
    });
    settle(6n);
    expect(await check(800n)).toEqual({ outcome: "valid" });
  });
});
