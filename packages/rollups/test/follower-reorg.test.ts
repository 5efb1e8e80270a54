import { describe, expect, it } from "vitest";
import { type Anvil, startAnvil, until } from "./support/anvil.ts";
import { startLyingNode } from "./support/lying-node.ts";
import { type Recorded, record } from "./support/recorder.ts";

/** Replaces the newest blocks by others: a transaction makes the new branch differ. */
async function reorg(anvil: Anvil, depth: number): Promise<void> {
  const transaction = {
    from: "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
    to: "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
    value: "0x1",
    gas: "0x5208",
  };
  await anvil.call("anvil_reorg", [depth, [[transaction, 0]]]);
}

async function expectChain(seen: Recorded, anvil: Anvil, from = 0n): Promise<void> {
  const chain = new Map<bigint, string>();
  for (const { blockNumber, blockHash } of seen.blocks) chain.set(blockNumber, blockHash);
  for (const [height, hash] of chain) {
    if (height < from || height > (seen.heights().at(-1) ?? 0n)) continue;
    const raw = await anvil.call<{ hash: string }>("eth_getBlockByNumber", [
      `0x${height.toString(16)}`,
      false,
    ]);
    expect(raw.hash).toBe(hash);
  }
}

describe.each(["httpUrl", "wsUrl"] as const)("a reorg over %s", (url) => {
  it("at heights that were emitted is seen without a higher block", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(10);
    const seen = record({ urls: [anvil[url]], agree: 1 }, { fromBlockNumber: 0n });
    await seen.reached(10n);
    await reorg(anvil, 3);
    await until(() => seen.reorgs.length === 1 && seen.blocks.length === 14);
    expect(seen.reorgs).toMatchObject([
      {
        commonAncestor: { blockNumber: 7n, blockHash: seen.blocks[7]?.blockHash },
        depth: 3,
        droppedFrom: 8n,
      },
    ]);
    expect(seen.order.slice(-4)).toEqual(["reorg 3", "block 8", "block 9", "block 10"]);
    await expectChain(seen, anvil);
  });

  it("is seen when the new branch is longer at once", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(10);
    const seen = record({ urls: [anvil[url]], agree: 1 }, { fromBlockNumber: 0n });
    await seen.reached(10n);
    await reorg(anvil, 5);
    await anvil.mine(3);
    await seen.reached(13n);
    await until(() => seen.blocks.length >= 19);
    expect(seen.reorgs.at(0)?.commonAncestor.blockNumber).toBe(5n);
    await expectChain(seen, anvil);
  });

  it("to a shorter chain is seen once that differs", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(10);
    const seen = record({ urls: [anvil[url]], agree: 1 }, { fromBlockNumber: 0n });
    await seen.reached(10n);
    await anvil.call("anvil_rollback", [6]);
    await anvil.call("evm_increaseTime", ["0x64"]);
    await anvil.mine(2);
    await until(() => seen.reorgs.length === 1 && seen.blocks.length === 13);
    expect(seen.reorgs).toMatchObject([{ depth: 6, droppedFrom: 5n }]);
    expect(seen.heights().slice(-2)).toEqual([5n, 6n]);
    await anvil.mine();
    await until(() => seen.blocks.length === 14);
    expect(seen.heights().at(-1)).toBe(7n);
    await expectChain(seen, anvil);
  });
});

describe("a reorg", () => {
  it("deeper than the bound is reported, and following begins afresh", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(20);
    const seen = record(
      { urls: [anvil.httpUrl], agree: 1, maxReorgDepth: 4 },
      { fromBlockNumber: 0n },
    );
    await seen.reached(20n);
    await reorg(anvil, 5);
    await until(() => seen.skips.length === 1);
    await anvil.mine();
    await seen.reached(21n);
    const at = seen.order.indexOf("abstain reorg-too-deep");
    expect(seen.order[at + 1]).toBe("skipped reorg-too-deep");
    // The node may be seen half-way: following begins with whatever its head is then.
    const first = seen.blocks[21]?.blockNumber ?? 0n;
    expect(seen.skips).toEqual([
      { reason: "reorg-too-deep", fromBlockNumber: 21n, toBlockNumber: first - 1n },
    ]);
    expect(seen.reorgs).toEqual([]);
    await expectChain(seen, anvil, first);
  });

  it("too deep ends the suspicion that a poll raised meanwhile", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const node = await startLyingNode(anvil.httpUrl);
    await anvil.mine(20);
    const seen = record(
      { urls: [node.url], agree: 1, maxReorgDepth: 8, pollMs: 1 },
      { fromBlockNumber: 0n },
    );
    await seen.reached(20n);
    // No block comes after it: nothing but the follower itself makes it begin afresh.
    await reorg(anvil, 12);
    await until(() => seen.skips.length === 1 && seen.blocks.length > 21);
  });

  it("at exactly the bound is followed", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(20);
    const seen = record(
      { urls: [anvil.httpUrl], agree: 1, maxReorgDepth: 4 },
      { fromBlockNumber: 0n },
    );
    await seen.reached(20n);
    await reorg(anvil, 4);
    await until(() => seen.blocks.length === 25);
    expect(seen.reorgs).toMatchObject([{ depth: 4, droppedFrom: 17n }]);
    expect(seen.skips).toEqual([]);
  });

  it("below the first block is found by its parent hash", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(5);
    const seen = record({ urls: [anvil.httpUrl], agree: 1 });
    await seen.reached(5n);
    await reorg(anvil, 1);
    await until(() => seen.blocks.length === 2);
    expect(seen.order).toEqual(["block 5", "reorg 1", "block 5"]);
  });

  it("during an absence is reported by the parent hash given at the start", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(5);
    const parentHash = `0x${"ab".repeat(32)}` as const;
    const seen = record({ urls: [anvil.httpUrl], agree: 1 }, { fromBlockNumber: 4n, parentHash });
    await seen.reached(5n);
    expect(seen.order).toEqual(["abstain reorg-too-deep", "skipped reorg-too-deep", "block 5"]);
  });

  it("that one source saw while the others are away is not believed", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(5);
    const other = await startLyingNode(anvil.httpUrl);
    const seen = record({ urls: [anvil.httpUrl, other.url], agree: 2 }, { fromBlockNumber: 0n });
    await seen.reached(5n);
    other.behave({ kind: "lie", lie: () => null });
    await reorg(anvil, 2);
    await until(() => seen.codes().length > 0);
    await anvil.mine();
    await until(() => seen.abstentions.some(({ blockNumber }) => blockNumber === 6n));
    expect(seen.order.filter((each) => !each.startsWith("abstain"))).toHaveLength(6);
    other.behave({ kind: "honest" });
    await until(() => seen.blocks.length === 9);
    expect(seen.reorgs).toMatchObject([{ depth: 2, droppedFrom: 4n }]);
    await expectChain(seen, anvil);
  });

  it("that only one of two sources saw is not believed", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(5);
    const other = await startLyingNode(anvil.httpUrl);
    const old = new Map<string, unknown>();
    for (const tag of ["0x3", "0x4", "0x5", "latest"]) {
      old.set(tag, await anvil.call("eth_getBlockByNumber", [tag, false]));
    }
    const seen = record({ urls: [anvil.httpUrl, other.url], agree: 1 }, { fromBlockNumber: 0n });
    await seen.reached(5n);
    other.behave({ kind: "lie", lie: ({ params }) => old.get(String(params[0])) });
    await reorg(anvil, 2);
    await anvil.mine();
    await until(() => seen.codes().includes("sources-disagree"));
    expect(seen.blocks).toHaveLength(6);
    expect(seen.reorgs).toEqual([]);
    other.behave({ kind: "honest" });
    await until(() => seen.blocks.length === 9);
    expect(seen.reorgs).toMatchObject([{ depth: 2, droppedFrom: 4n }]);
    await expectChain(seen, anvil);
  });
});
