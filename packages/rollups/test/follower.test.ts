import { keccak256 } from "@mach/core";
import { describe, expect, it } from "vitest";
import { opOutputRoot } from "../src/op.ts";
import { stackOf } from "../src/stacks.ts";
import { startAnvil, until } from "./support/anvil.ts";
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

  it("takes a block that two of two have, one pushed and one polled", async () => {
    const [first, second] = await twins();
    const seen = record({ urls: [first.wsUrl, second.httpUrl], agree: 2 });
    await mineBoth([first, second], 10);
    await seen.reached(10n);
    expect(seen.reorgs).toEqual([]);
    expect(seen.follower.describeSources()).toMatchObject([
      { transport: "websocket", status: "ready", headBlockNumber: 10n },
      { transport: "http", status: "ready", headBlockNumber: 10n },
    ]);
  });
});

/** Two nodes with one history: the second is loaded from the first's state. */
async function twins() {
  const args = ["--timestamp", "1700000000"];
  const first = await startAnvil({ flavour: "evm", args });
  const second = await startAnvil({ flavour: "evm", args });
  return [first, second] as const;
}

async function mineBoth(nodes: readonly Awaited<ReturnType<typeof startAnvil>>[], blocks: number) {
  for (let i = 0; i < blocks; i++) await Promise.all(nodes.map((node) => node.mine()));
}
