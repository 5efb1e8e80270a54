import { keccak256 } from "@mach/core";
import { describe, expect, it } from "vitest";
import { opOutputRoot } from "../src/op.ts";
import { stackOf } from "../src/stacks.ts";
import { startAnvil, until } from "./support/anvil.ts";
import { forge, startLyingNode } from "./support/lying-node.ts";
import { record } from "./support/recorder.ts";

describe.each(["op", "evm"] as const)("on a real chain of stack %s", (flavour) => {
  const rollupId = flavour === "op" ? 901n : 902n;

  it("recomputes the hash of every block from genesis on", async () => {
    const anvil = await startAnvil({ flavour });
    await anvil.mine(5);
    for (let height = 0; height <= 5; height++) {
      const raw = await anvil.call<Record<string, string>>("eth_getBlockByNumber", [
        `0x${height.toString(16)}`,
        false,
      ]);
      const checked = stackOf(flavour).checkBlock(raw);
      if (!checked.ok) throw new Error(checked.code);
      const { blockHash, stateRoot, outputRoot, headerRlp } = checked.block;
      expect(blockHash).toBe(raw["hash"]);
      expect(keccak256(headerRlp)).toBe(raw["hash"]);
      if (flavour === "evm") continue;
      expect(raw["requestsHash"]).toMatch(/^0xe3b0c442/);
      const messagePasserStorageRoot = raw["withdrawalsRoot"] as `0x${string}`;
      expect(outputRoot).toBe(opOutputRoot({ stateRoot, messagePasserStorageRoot, blockHash }));
    }
  });

  it.each(["httpUrl", "wsUrl"] as const)("emits every block in order over %s", async (url) => {
    const anvil = await startAnvil({ flavour });
    const seen = record({ urls: [anvil[url]], agree: 1, stack: flavour, rollupId });
    await seen.reached(0n);
    for (let i = 0; i < 5; i++) await anvil.mine();
    await anvil.mine(20);
    await seen.reached(25n);
    expect(seen.heights()).toEqual(Array.from({ length: 26 }, (_, height) => BigInt(height)));
    for (const [index, block] of seen.blocks.entries()) {
      if (index > 0) expect(block.parentHash).toBe(seen.blocks[index - 1]?.blockHash);
      expect(Math.abs(Date.now() - block.observedAtMs)).toBeLessThan(20_000);
    }
    expect(seen.order.filter((each) => !each.startsWith("block"))).toEqual([]);
  });
});

describe("following", () => {
  it("does not wait for the next poll when a head is pushed", async () => {
    const anvil = await startAnvil({ flavour: "op" });
    const urls = [anvil.wsUrl];
    const seen = record({
      ...{ urls, agree: 1, stack: "op", rollupId: 901n },
      ...{ pollMs: 60_000, headsMs: 60_000 },
    });
    await seen.reached(0n);
    // The subscription is made after the first poll; what was mined before is not pushed.
    await until(async () => {
      await anvil.mine();
      return seen.blocks.length > 1;
    });
    const before = await anvil.blockNumber();
    await anvil.mine();
    await seen.reached(before + 1n);
  });

  it("does not ask a host again for a block that the host has pushed", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const seen = record({
      ...{ urls: [anvil.wsUrl, anvil.httpUrl], agree: 1 },
      ...{ pollMs: 60_000, headsMs: 60_000 },
    });
    await seen.reached(0n);
    await until(async () => {
      await anvil.mine();
      return seen.blocks.length > 1;
    });
    const agreed = (): readonly number[] =>
      seen.follower.describeSources().map((source) => source.agreed);
    const [, before] = agreed();
    const height = await anvil.blockNumber();
    for (let next = height + 1n; next <= height + 5n; next += 1n) {
      await anvil.mine();
      await seen.reached(next);
    }
    const [pushed, beside] = agreed();
    expect(pushed).toBeGreaterThanOrEqual(5);
    expect(beside).toBe(before);
  });

  it("takes a block that two of two have, one pushed and one polled", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const other = await startLyingNode(anvil.httpUrl);
    const seen = record({ urls: [anvil.wsUrl, other.url], agree: 2 });
    await seen.reached(0n);
    for (let i = 0; i < 10; i++) await anvil.mine();
    await seen.reached(10n);
    expect(seen.heights()).toEqual(heightsFrom(0, 10));
    // The block may be agreed on before the poll that would have brought it.
    await until(() =>
      seen.follower.describeSources().every(({ headBlockNumber }) => headBlockNumber === 10n),
    );
    expect(seen.follower.describeSources()).toMatchObject([
      { transport: "websocket", status: "ready" },
      { transport: "http", status: "ready" },
    ]);
    expect(seen.reorgs).toEqual([]);
  });

  it("catches up from a height with the parent that was known there", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(300);
    const parent = await anvil.call<{ hash: `0x${string}` }>("eth_getBlockByNumber", [
      "0x63",
      false,
    ]);
    const seen = record(
      { urls: [anvil.httpUrl], agree: 1 },
      { fromBlockNumber: 100n, parentHash: parent.hash },
    );
    await seen.reached(300n);
    expect(seen.heights()).toEqual(heightsFrom(100, 300));
    expect(seen.abstentions).toEqual([]);
  });

  it("waits for a height that is not there yet", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const seen = record({ urls: [anvil.httpUrl], agree: 1 }, { fromBlockNumber: 3n });
    await until(() => seen.heads.length > 0);
    expect(seen.blocks).toEqual([]);
    await anvil.mine(4);
    await seen.reached(4n);
    expect(seen.heights()).toEqual([3n, 4n]);
  });

  it("skips ahead when it is too far behind, and says what", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(50);
    const seen = record(
      { urls: [anvil.httpUrl], agree: 1, maxCatchUp: 10 },
      { fromBlockNumber: 1n },
    );
    await seen.reached(50n);
    expect(seen.skips).toEqual([
      { reason: "too-far-behind", fromBlockNumber: 1n, toBlockNumber: 40n },
    ]);
    expect(seen.heights()).toEqual(heightsFrom(41, 50));
  });

  it("says on op what lacks a proof, and goes on", async () => {
    const anvil = await startAnvil({ flavour: "granite" });
    const seen = record({ urls: [anvil.httpUrl], agree: 1, stack: "op", rollupId: 901n });
    await until(() => seen.abstentions.length > 0);
    await anvil.mine(2);
    await until(() => seen.abstentions.length > 2);
    expect(seen.order).toEqual(Array(3).fill("abstain needs-proof"));
    expect(seen.abstentions.map(({ blockNumber }) => blockNumber)).toEqual([0n, 1n, 2n]);
  });

  it("reports the heads of the tags, pinned", async () => {
    const anvil = await startAnvil({ flavour: "evm", args: ["--slots-in-an-epoch", "1"] });
    const other = await startLyingNode(anvil.httpUrl);
    await anvil.mine(9);
    const seen = record({ urls: [anvil.httpUrl, other.url], agree: 2 });
    const tags = ["latest", "safe", "finalized"] as const;
    await until(() => seen.heads.at(-1)?.finalized?.blockNumber === 7n);
    await until(() => seen.heads.at(-1)?.latest?.blockNumber === 9n);
    for (const tag of tags) {
      const raw = await anvil.call<Record<string, string>>("eth_getBlockByNumber", [tag, false]);
      expect(seen.heads.at(-1)?.[tag]).toEqual({
        blockNumber: BigInt(raw["number"] ?? 0),
        blockHash: raw["hash"],
        timestamp: BigInt(raw["timestamp"] ?? 0),
      });
    }
  });

  it("takes as final the lower of two heads, and keeps it while a source fails", async () => {
    const anvil = await startAnvil({ flavour: "evm", args: ["--slots-in-an-epoch", "1"] });
    const other = await startLyingNode(anvil.httpUrl);
    await anvil.mine(9);
    const old = await anvil.call("eth_getBlockByNumber", ["0x4", false]);
    other.behave({
      kind: "lie",
      lie: ({ params }) => (params[0] === "finalized" ? old : undefined),
    });
    const seen = record({ urls: [anvil.httpUrl, other.url], agree: 2 });
    await until(() => seen.heads.at(-1)?.finalized?.blockNumber === 4n);
    const told = () => {
      const sources = seen.follower.describeSources();
      return sources.map((each) => each.finalizedBlockNumber ?? each.finalizedCode);
    };
    expect(told()).toEqual([7n, 4n]);
    other.behave({
      kind: "lie",
      lie: ({ params }) => (params[0] === "finalized" ? null : undefined),
    });
    await anvil.mine();
    await until(() => seen.heads.at(-1)?.latest?.blockNumber === 10n);
    await until(() => told()[1] === "missing");
    expect(seen.heads.at(-1)?.finalized?.blockNumber).toBe(4n);
    expect(seen.abstentions).toEqual([]);
  });

  it("takes nothing as final that the others do not have", async () => {
    const anvil = await startAnvil({ flavour: "evm", args: ["--slots-in-an-epoch", "1"] });
    const other = await startLyingNode(anvil.httpUrl);
    await anvil.mine(9);
    const sound = await anvil.call<Record<string, unknown>>("eth_getBlockByNumber", ["0x5", false]);
    const foreign = forge(sound);
    other.behave({
      kind: "lie",
      lie: ({ params }) => (params[0] === "finalized" ? foreign : undefined),
    });
    const seen = record({ urls: [anvil.httpUrl, other.url], agree: 2 });
    await until(() => seen.abstentions.some(({ subject }) => subject === "finalized"));
    expect(seen.heads.every(({ finalized }) => finalized === null)).toBe(true);
    other.behave({ kind: "honest" });
    await until(() => seen.heads.at(-1)?.finalized?.blockNumber === 7n);
  });
});

function heightsFrom(first: number, last: number): readonly bigint[] {
  return Array.from({ length: last - first + 1 }, (_, index) => BigInt(first + index));
}
