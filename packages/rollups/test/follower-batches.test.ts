import { keccak256Text, ZERO_HASH } from "@mach/core";
import { describe, expect, it } from "vitest";
import { startAnvil, until } from "./support/anvil.ts";
import { createEraChain, ERA_CHAIN_ID, eraScript } from "./support/era-chain.ts";
import { record } from "./support/recorder.ts";
import { type Script, startScriptedNode } from "./support/scripted-node.ts";

const chain = createEraChain([3, 4, 2]);

async function follow(scripts: readonly Script[], from?: { fromBlockNumber: bigint }) {
  const nodes = await Promise.all(scripts.map(startScriptedNode));
  const urls = nodes.map(({ url }) => url);
  const settings = { pollMs: 20, headsMs: 50, lagGraceMs: 1, agree: 2, minBackoffMs: 20 };
  return record({ urls, stack: "zk", rollupId: ERA_CHAIN_ID, ...settings }, from);
}

describe("a follower of stack zk", () => {
  it("emits every block, and a claim's roots at each batch's last one alone", async () => {
    const script = eraScript(chain, () => 3);
    const seen = await follow([script, script], { fromBlockNumber: 1n });
    await seen.reached(9n);
    expect(seen.heights()).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]);
    expect(seen.blocks.map(({ outputRoot }) => outputRoot)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map(
        (height) => chain.batches.find(({ last }) => last === height)?.root ?? null,
      ),
    );
    for (const { stateRoot, outputRoot, isWithinBatch } of seen.blocks) {
      expect(stateRoot).toBe(outputRoot ?? ZERO_HASH);
      expect(isWithinBatch ?? false).toBe(outputRoot === null);
    }
    expect(seen.abstentions).toEqual([]);
  });

  it("begins a batch when enough sources have sealed it", async () => {
    const sealed = { fast: 1, slow: 1 };
    const scripts = [eraScript(chain, () => sealed.fast), eraScript(chain, () => sealed.slow)];
    const seen = await follow(scripts, { fromBlockNumber: 1n });
    await seen.reached(3n);
    sealed.fast = 2;
    await until(() => seen.codes().includes("source-lagging"));
    expect(seen.heights().at(-1)).toBe(3n);
    sealed.slow = 2;
    await seen.reached(7n);
  });

  it("abstains where sources give one batch two roots, and resumes when they agree", async () => {
    let root = keccak256Text("lie");
    const honest = eraScript(chain, () => 1);
    const lying: Script = {
      ...honest,
      zks_getL1BatchDetails: ([number]) => ({ number: Number(number), rootHash: root }),
    };
    const seen = await follow([honest, lying], { fromBlockNumber: 1n });
    await until(() => seen.codes().includes("sources-disagree"));
    expect(seen.heights()).toEqual([1n, 2n]);
    root = chain.batches[1]?.root ?? root;
    await seen.reached(3n);
    expect(seen.blocks.at(-1)?.outputRoot).toBe(root);
  });

  it("goes on above blocks that nothing claims, and says so of each", async () => {
    const anvil = await startAnvil({ flavour: "evm", chainId: Number(ERA_CHAIN_ID) });
    await anvil.mine(2);
    const urls = [anvil.httpUrl];
    const from = { fromBlockNumber: 0n };
    const seen = record({ urls, stack: "zk", rollupId: ERA_CHAIN_ID, agree: 1 }, from);
    await until(() => seen.abstentions.some(({ blockNumber }) => blockNumber === 2n));
    expect(seen.abstentions.map(({ code, blockNumber }) => [code, blockNumber])).toEqual([
      ["no-claim", 0n],
      ["no-claim", 1n],
      ["no-claim", 2n],
    ]);
    expect(seen.blocks).toEqual([]);
  });

  it("has the heads of batches", async () => {
    const script = eraScript(chain, () => 2);
    const seen = await follow([script, script], { fromBlockNumber: 1n });
    const heads = () => {
      const { latest = null, safe = null, finalized = null } = seen.heads.at(-1) ?? {};
      return [latest, safe, finalized];
    };
    // Each comes in an answer of its own, in whatever order.
    await until(() => heads().every((head) => head !== null));
    expect(heads().map((head) => head?.blockNumber)).toEqual([7n, 7n, 7n]);
  });

  it("is not led on by a block that is pushed or polled above the newest batch", async () => {
    const script = eraScript(chain, () => 1);
    const seen = await follow([script, script], { fromBlockNumber: 1n });
    await seen.reached(3n);
    expect(seen.follower.describeSources().map((each) => each.headBlockNumber)).toEqual([3n, 3n]);
    expect(seen.codes()).toEqual([]);
  });
});
