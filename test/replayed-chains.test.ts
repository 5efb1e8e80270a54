import type { Hex, Stack } from "@mach/core";
import { createRollupFollower, type ObservedBlock, stackOf } from "@mach/rollups";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCdkChain } from "../scripts/local-network/replay/cdk-chain.ts";
import { createZkChain } from "../scripts/local-network/replay/era-chain.ts";
import { createOrbitChain } from "../scripts/local-network/replay/orbit-chain.ts";
import { startRpcServer } from "../scripts/local-network/replay/rpc-server.ts";
import type { ReplayedChain } from "../scripts/local-network/replay/script.ts";
import { parseStacks, rollupIdOf } from "../scripts/local-network/rollups.ts";

describe("the stacks of a local network", () => {
  it("are all that this project knows by name, each at most once", () => {
    expect(parseStacks("all")).toEqual(["op", "orbit", "cdk", "zk"]);
    expect(parseStacks("zk,evm")).toEqual(["zk", "evm"]);
    for (const text of ["", "op,op", "op,", "optimism", "all,op"]) {
      expect(() => parseStacks(text)).toThrow(expect.objectContaining({ code: "bad-stacks" }));
    }
  });

  it("have rollups of different ids", () => {
    const ids = parseStacks("op,evm,orbit,cdk,zk").map(rollupIdOf);
    expect(new Set(ids).size).toBe(5);
  });
});

const CHAIN_ID = 7n;
const STARTED_AT = 1_800_000_000n;
const CHAINS: readonly (readonly [Stack, (chainId: bigint) => ReplayedChain])[] = [
  ["orbit", createOrbitChain],
  ["cdk", createCdkChain],
  ["zk", createZkChain],
];

describe.each(CHAINS)("a replayed chain of stack %s", (stack, create) => {
  it("has blocks that its own adapter finds sound, each on the one before", () => {
    const { advance, script } = create(CHAIN_ID);
    const recorded = stackOf(stack).checkBlock(script["eth_getBlockByNumber"]?.(["latest"]));
    let parent: Hex | undefined = recorded.ok ? recorded.block.blockHash : undefined;
    for (let i = 0n; i < 30n; i++) {
      const checked = stackOf(stack).checkBlock(advance(STARTED_AT + i));
      if (!checked.ok) throw new Error(checked.code);
      expect(checked.block.parentHash).toBe(parent);
      expect(checked.block.timestamp).toBe(STARTED_AT + i);
      parent = checked.block.blockHash;
    }
  });

  it("is followed with every block in its order, and heads that move", async () => {
    const chain = create(CHAIN_ID);
    for (let i = 0n; i < 40n; i++) chain.advance(STARTED_AT + i);
    const server = await startRpcServer(chain.script);
    onTestFinished(() => server.close());
    const blocks: ObservedBlock[] = [];
    const faults: string[] = [];
    const heads: { safe: bigint | null; finalized: bigint | null }[] = [];
    const follower = createRollupFollower(
      {
        ...{ rollupId: CHAIN_ID, stack, agree: 1, pollMs: 20, headsMs: 20 },
        sources: [{ url: `ws://127.0.0.1:${server.port}` }],
      },
      {
        onBlock: (block) => blocks.push(block),
        onHeads: ({ safe, finalized }) =>
          heads.push({
            safe: safe?.blockNumber ?? null,
            finalized: finalized?.blockNumber ?? null,
          }),
        onAbstain: ({ code, subject }) => faults.push(`${subject} ${code}`),
        onReorg: () => faults.push("reorg"),
        onSkipped: () => faults.push("skipped"),
        onSourceState: ({ status, code }) => faults.push(...(code ? [`${status} ${code}`] : [])),
      },
    );
    onTestFinished(() => follower.stop());
    follower.start();
    const claimed = (): number => blocks.filter((block) => !block.isWithinBatch).length;
    await expect.poll(claimed, { interval: 10 }).toBeGreaterThan(0);
    for (let i = 40n; i < 60n; i++) server.announce(chain.advance(STARTED_AT + i));
    await expect.poll(claimed, { interval: 10 }).toBeGreaterThanOrEqual(5);
    expect(faults).toEqual([]);
    const numbers = blocks.map(({ blockNumber }) => blockNumber);
    expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0n) + BigInt(at)));
    await expect
      .poll(() => heads.at(-1), { interval: 10 })
      .toEqual({ safe: expect.any(BigInt), finalized: expect.any(BigInt) });
    const newest = heads.at(-1);
    expect(newest?.finalized).toBeLessThan(newest?.safe ?? 0n);
    const outputs = blocks.filter((block) => !block.isWithinBatch).map((each) => each.outputRoot);
    const isZero = outputs.every((output) => BigInt(output ?? -1) === 0n);
    expect(isZero).toBe(stack === "cdk");
  });
});
