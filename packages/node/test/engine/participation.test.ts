import type { Participation } from "@mach/api";
import type { EngineOptions } from "@mach/core";
import { describe, expect, it } from "vitest";
import { createParticipation, type ParticipationKeeper } from "../../src/engine/participation.ts";
import type { Store } from "../../src/store/store.ts";
import {
  attest,
  certify,
  claimAt,
  createEngineNode,
  doubleAttestation,
  type EngineNode,
  memoryStore,
  operatorAt,
  ROLLUP_ID,
  useVerifier,
} from "./engine-node.ts";

const verifier = useVerifier();
const OPEN = 4;

interface Watched extends EngineNode {
  readonly keeper: ParticipationKeeper;
  /** Lets time pass until windows have closed. */
  pass(milliseconds: number): void;
  /** Blocks up to a height, each told to the keeper as the node tells it. */
  blocksTo(height: bigint, branch?: number): void;
  /** What is kept of an operator in epoch 0. */
  of(index: number): Promise<Participation>;
}

function watch(options: { store?: Store; engine?: Partial<EngineOptions> } = {}): Watched {
  const engine = { openHeights: OPEN, chainDepth: 32, ...options.engine };
  const store = options.store ?? memoryStore();
  const node = createEngineNode({ verifier: verifier(), engine, store });
  const keeper = createParticipation({
    state: () => node.shell.state(),
    store,
    onFatal: (error) => node.fatal.push(error),
    now: () => node.clock.now,
  });
  node.learn(0n, 1n);
  let told = 0;
  const tell = (): void => {
    for (; told < node.announced.length; told++) {
      const announcement = node.announced[told];
      if (announcement !== undefined) keeper.announce(announcement);
    }
  };
  let tip = 0n;
  return {
    ...node,
    keeper,
    pass(milliseconds) {
      tell();
      node.clock.now += milliseconds;
      node.shell.input({ type: "tick" });
      tell();
    },
    blocksTo(height, branch = 0) {
      tell();
      for (let at = tip + 1n; at <= height; at += 1n) {
        node.block(at, branch);
        tell();
        keeper.onBlock(ROLLUP_ID);
      }
      tip = height;
    },
    async of(index) {
      tell();
      await keeper.flush();
      const [record] = await store.participation(0n);
      const found = record?.operators.find(({ operator }) => operator === operatorAt(index));
      if (found === undefined) throw new Error("nothing is kept");
      const { operator: _, ...participation } = found;
      return participation;
    },
  };
}

async function attestAll(node: Watched, indices: readonly number[], height: bigint, branch = 0) {
  const attestations = indices.map((index) => attest(index, claimAt(height, branch)));
  await node.shell.receiveAttestations(attestations);
  await node.shell.settle();
}

const CLEAN = { late: 0, missed: 0, disagreeing: 0, unseen: 0, reasons: [], lapses: [] };
const missed = (blockNumber: bigint, reason: string) => ({
  kind: "missed",
  blockNumber,
  reason,
  lateMs: null,
});

describe("what an operator did at a height", () => {
  it("is made where the certificate has it, and counted once no attestation is taken", async () => {
    const node = watch();
    node.blocksTo(1n);
    await attestAll(node, [0, 1, 2, 3], 1n);
    node.pass(3_000);
    node.blocksTo(4n);
    await expect(node.of(0)).rejects.toThrow();
    node.blocksTo(5n);
    const all = { ...CLEAN, expected: 1, made: 1, newestBlockNumber: 1n };
    for (const index of [0, 1, 2, 3]) expect(await node.of(index)).toEqual(all);
  });

  it("is counted half a minute after its block, however long attestations are taken", async () => {
    const node = watch({ engine: { openHeights: 16 } });
    node.blocksTo(2n);
    for (const height of [1n, 2n]) await attestAll(node, [0, 1, 2], height);
    node.pass(31_999);
    node.keeper.onTick();
    await expect(node.of(3)).rejects.toThrow();
    node.pass(1);
    node.keeper.onTick();
    expect(await node.of(3)).toMatchObject({ expected: 2, missed: 2 });
    // What comes then is too late to be late.
    await attestAll(node, [3], 2n);
    node.blocksTo(20n);
    node.pass(32_000);
    node.keeper.onTick();
    expect(await node.of(3)).toMatchObject({ expected: 20, missed: 2, late: 0 });
  });

  it("is late where it came after the certificate had closed, and says by how much", async () => {
    const node = watch();
    node.blocksTo(1n);
    await attestAll(node, [0, 1, 2], 1n);
    node.pass(2_000);
    node.pass(750);
    await attestAll(node, [3], 1n);
    node.blocksTo(5n);
    expect(await node.of(3)).toEqual({
      ...{ expected: 1, made: 0, late: 1, missed: 0, disagreeing: 0, unseen: 0 },
      newestBlockNumber: 1n,
      reasons: [{ kind: "late", reason: "after-window", count: 1 }],
      lapses: [{ kind: "late", blockNumber: 1n, reason: "after-window", lateMs: 750 }],
    });
  });

  it("is missed where a quorum came and it did not: silent, or skipped", async () => {
    const node = watch();
    for (const height of [1n, 2n]) {
      node.blocksTo(height);
      await attestAll(node, height === 2n ? [0, 1, 2, 3] : [0, 1, 2], height);
      node.pass(3_000);
    }
    node.blocksTo(3n);
    await attestAll(node, [0, 1, 2], 3n);
    node.pass(3_000);
    node.blocksTo(7n);
    // At height 1 it was heard of for height 2 while height 1 was open.
    expect(await node.of(3)).toMatchObject({
      ...{ expected: 3, made: 1, missed: 2, newestBlockNumber: 2n },
      lapses: [missed(1n, "skipped"), missed(3n, "silent")],
    });
  });

  it("is disagreeing where it attested another block, or two", async () => {
    const node = watch();
    node.blocksTo(2n);
    for (const height of [1n, 2n]) await attestAll(node, [0, 1, 2], height);
    await attestAll(node, [3], 1n, 1);
    await node.shell.receiveEvidence(doubleAttestation(3, 2n));
    node.pass(3_000);
    node.blocksTo(6n);
    expect(await node.of(3)).toMatchObject({
      ...{ expected: 2, made: 0, disagreeing: 2 },
      reasons: [
        { kind: "disagreeing", reason: "other-block", count: 1 },
        { kind: "disagreeing", reason: "double-attestation", count: 1 },
      ],
    });
  });

  it("is excused in words where it attested a block that a reorg left", async () => {
    const node = watch();
    node.blocksTo(1n);
    await attestAll(node, [3], 1n);
    node.shell.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: 0n });
    node.block(1n, 1);
    await attestAll(node, [0, 1, 2], 1n, 1);
    node.pass(3_000);
    for (let at = 2n; at <= 5n; at += 1n) node.block(at, 1);
    node.keeper.onBlock(ROLLUP_ID);
    const { lapses } = await node.of(3);
    expect(lapses).toEqual([{ ...missed(1n, "left-branch"), kind: "disagreeing" }]);
  });

  it("of this node's own operator has the reason for which it did not sign", async () => {
    const node = watch({ engine: { operator: operatorAt(3) } });
    node.blocksTo(1n);
    const refused = { type: "sign-refused", claim: claimAt(1n), code: "needs-proof" } as const;
    node.keeper.announce(refused);
    await attestAll(node, [0, 1], 1n);
    node.blocksTo(5n);
    // Whether or not there is a certificate: it knows what it did itself.
    expect(await node.of(3)).toMatchObject({ missed: 1, lapses: [missed(1n, "needs-proof")] });
    expect(await node.of(2)).toMatchObject({ missed: 0, unseen: 1 });
  });
});

describe("what this node did not see is not called missed", () => {
  it("where the certificate came from a peer, and too few attestations did", async () => {
    const node = watch();
    node.blocksTo(1n);
    await node.shell.receiveCertificate(certify(claimAt(1n), [0, 1, 2]));
    await node.shell.settle();
    node.pass(3_000);
    node.blocksTo(5n);
    expect(await node.of(0)).toMatchObject({ expected: 1, made: 1 });
    expect(await node.of(3)).toMatchObject({ expected: 1, missed: 0, unseen: 1, lapses: [] });
  });

  it("where no certificate stands: who was heard has made it, of the others nothing is known", async () => {
    const node = watch();
    node.blocksTo(1n);
    await attestAll(node, [0], 1n);
    node.blocksTo(5n);
    expect(await node.of(0)).toMatchObject({ expected: 1, made: 1 });
    expect(await node.of(1)).toMatchObject({ expected: 1, unseen: 1, missed: 0 });
  });

  it("where the block is from before this process", async () => {
    const store = memoryStore();
    const before = createEngineNode({ verifier: verifier(), store });
    before.clock.now += 3_000;
    const keeper = createParticipation({
      state: () => before.shell.state(),
      store,
      onFatal: (error) => before.fatal.push(error),
      now: () => before.clock.now,
    });
    before.learn(0n);
    for (let at = 1n; at <= 20n; at += 1n) before.block(at);
    keeper.onBlock(ROLLUP_ID);
    await keeper.flush();
    const [record] = await store.participation(0n);
    // Blocks 1 and 2 are; 3 and 4 are as old as the process, or younger.
    expect(record).toMatchObject({
      throughBlockNumber: 4n,
      operators: [{ expected: 2 }, {}, {}, {}],
    });
  });

  it("where certificates contradict each other", async () => {
    const node = watch();
    node.blocksTo(1n);
    await attestAll(node, [0, 1, 2], 1n);
    await node.shell.receiveCertificate(certify(claimAt(1n, 1), [1, 2, 3]));
    await node.shell.settle();
    node.pass(3_000);
    node.blocksTo(5n);
    await expect(node.of(0)).rejects.toThrow();
  });
});

describe("what is counted", () => {
  it("is taken up after a restart, and no height twice", async () => {
    const store = memoryStore();
    const before = watch({ store });
    before.blocksTo(1n);
    await attestAll(before, [0, 1, 2], 1n);
    before.pass(3_000);
    before.blocksTo(5n);
    expect(await before.of(3)).toMatchObject({ expected: 1, missed: 1 });

    const after = watch({ store });
    await after.keeper.restore();
    after.blocksTo(2n);
    for (const height of [1n, 2n]) await attestAll(after, [0, 1, 2, 3], height);
    after.pass(3_000);
    after.blocksTo(6n);
    const seen = await after.of(3);
    expect(seen).toMatchObject({ expected: 2, made: 1, missed: 1, newestBlockNumber: 2n });
  });

  it("is written now and then, and a store that fails is fatal", async () => {
    const failing: Store = {
      ...memoryStore(),
      participationEpochs: async () => [],
      putParticipation: async () => {
        throw new Error("the disk is full");
      },
    };
    const node = watch({ store: failing });
    node.blocksTo(5n);
    node.keeper.onTick();
    await Promise.resolve();
    expect(node.fatal).toEqual([]);
    node.clock.now += 5_000;
    node.keeper.onTick();
    await expect.poll(() => node.fatal).toHaveLength(1);
  });

  it("adds up, and keeps few lapses, whatever comes", async () => {
    const node = watch();
    for (let at = 1n; at <= 30n; at += 1n) {
      node.blocksTo(at);
      await attestAll(node, at % 3n === 0n ? [0, 1, 2, 3] : [0, 1, 2], at);
      node.pass(at % 5n === 0n ? 3_000 : 100);
    }
    node.pass(3_000);
    for (const index of [0, 1, 2, 3]) {
      const { expected, made, late, missed, disagreeing, unseen, ...rest } = await node.of(index);
      expect(expected).toBe(26);
      expect(made + late + missed + disagreeing + unseen).toBe(expected);
      expect(rest.lapses.length).toBe(Math.min(8, missed));
      expect(rest.reasons.reduce((sum, { count }) => sum + count, 0)).toBe(missed);
    }
  });
});
