import { type Hex, ZERO_HASH } from "@mach/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { createRollupFollower } from "../src/follower.ts";
import type { RollupHeads } from "../src/heads.ts";
import { opOutputRoot, opStack } from "../src/op.ts";
import { startAnvil, until } from "./support/anvil.ts";
import { type Lie, startLyingNode } from "./support/lying-node.ts";
import { record } from "./support/recorder.ts";
import { scriptedCall, startScriptedNode } from "./support/scripted-node.ts";
import { isthmusHeader, readVector } from "./support/vectors.ts";

const MESSAGE_PASSER = "0x4200000000000000000000000000000000000016";
const { readHead } = opStack;
if (readHead === null) throw new Error("no heads");

async function startGranite() {
  const anvil = await startAnvil({ flavour: "granite" });
  await anvil.call("anvil_setCode", [MESSAGE_PASSER, "0x00"]);
  await anvil.call("anvil_setStorageAt", [MESSAGE_PASSER, ZERO_HASH, `0x${"11".repeat(32)}`]);
  await anvil.mine();
  return anvil;
}

describe("a block from before Isthmus on a real chain", () => {
  it("gets its output root from the account proof of the message passer", async () => {
    const anvil = await startGranite();
    const seen = record({ urls: [anvil.httpUrl], agree: 1, stack: "op", rollupId: 901n });
    await seen.reached(1n);
    const block = seen.blocks.at(-1);
    const { storageHash } = await anvil.call<{ storageHash: Hex }>("eth_getProof", [
      MESSAGE_PASSER,
      [],
      "latest",
    ]);
    if (block === undefined) throw new Error("no block");
    const { stateRoot, blockHash } = block;
    expect(block.outputRoot).toBe(
      opOutputRoot({ stateRoot, blockHash, messagePasserStorageRoot: storageHash }),
    );
    expect(block.unverifiable).toBeNull();
  });

  it("takes the proof of any source, and no false one of any", async () => {
    const anvil = await startGranite();
    const liar = await startLyingNode(anvil.httpUrl);
    liar.behave({
      kind: "lie",
      lie: ({ method, truth }) =>
        method === "eth_getProof" ? { ...(truth as object), accountProof: ["0x12"] } : undefined,
    });
    const urls = [liar.url, anvil.httpUrl];
    const seen = record({ urls, agree: 1, stack: "op", rollupId: 901n });
    await seen.reached(1n);
    expect(seen.blocks.every(({ outputRoot }) => outputRoot !== null)).toBe(true);
    const alone = record({ urls: [liar.url], agree: 1, stack: "op", rollupId: 901n });
    await expect.poll(() => alone.codes()).toContain("needs-proof");
    expect(alone.blocks).toEqual([]);
    await expect.poll(() => alone.states.map(({ code }) => code)).toContain("invalid-proof");
  });
});

describe("the safe and finalized heads", () => {
  const { optimism_syncStatus: example } = readVector<{
    optimism_syncStatus: { safe_l2: object; finalized_l2: { hash: Hex } };
  }>("op/sync-status.json");
  const node = scriptedCall({
    eth_getBlockByNumber: ([tag]) => ({ tag }),
    eth_getBlockByHash: ([hash]) => ({ hash }),
  });
  const status = (value: unknown) => scriptedCall({ optimism_syncStatus: () => value });

  it("are the op-node's, by hash", async () => {
    const opNode = status(example);
    expect(await readHead("finalized", { call: node, opNode })).toEqual({
      ok: true,
      value: { hash: example.finalized_l2.hash },
      blockHash: example.finalized_l2.hash,
    });
    expect(await readHead("latest", { call: node, opNode })).toEqual({
      ok: true,
      value: { tag: "latest" },
    });
  });

  it("are the block tags without an op-node", async () => {
    expect(await readHead("safe", { call: node })).toEqual({ ok: true, value: { tag: "safe" } });
  });

  it("are unknown while the op-node knows none, fails, or talks nonsense: tags do not stand in", async () => {
    const none = { ...example, safe_l2: { hash: ZERO_HASH, number: 0, timestamp: 0 } };
    for (const [value, code] of [
      [none, "missing"],
      [{}, "malformed"],
      [{ ...example, safe_l2: { hash: isthmusHeader.hash, number: 2 ** 53 } }, "malformed"],
      [{ ...example, safe_l2: { hash: "0x12", number: 1 } }, "malformed"],
      [undefined, "refused"],
    ] as const) {
      expect(await readHead("safe", { call: node, opNode: status(value) })).toMatchObject({
        ok: false,
        code,
      });
    }
  });
});

describe("a follower with an op-node", () => {
  async function followWith(status: () => unknown, url: string) {
    const opNode = await startScriptedNode({ optimism_syncStatus: status });
    const sources = [{ url, opNodeUrl: opNode.url }];
    const options = { rollupId: 901n, stack: "op", sources, agree: 1, headsMs: 20 } as const;
    const heads: RollupHeads[] = [];
    const follower = createRollupFollower(options, {
      onBlock: () => undefined,
      onAbstain: () => undefined,
      onReorg: () => undefined,
      onSkipped: () => undefined,
      onHeads: (head) => heads.push(head),
      onSourceState: () => undefined,
    });
    follower.start();
    onTestFinished(() => follower.stop());
    return { heads };
  }

  it("has the heads that the op-node derived, checked by their hash", async () => {
    const status: Record<string, unknown> = {};
    const anvil = await startAnvil({ flavour: "op" });
    await anvil.mine(5);
    const { heads } = await followWith(() => status, anvil.httpUrl);
    const referTo = async (height: number) => {
      const block = await anvil.call<{ hash: Hex; timestamp: string }>("eth_getBlockByNumber", [
        `0x${height.toString(16)}`,
        false,
      ]);
      return { hash: block.hash, number: height, timestamp: Number(block.timestamp) };
    };
    await until(() => (heads.at(-1)?.latest ?? null) !== null);
    expect(heads.at(-1)?.finalized).toBeNull();
    status["safe_l2"] = await referTo(4);
    status["finalized_l2"] = await referTo(2);
    await until(() => (heads.at(-1)?.finalized ?? null) !== null);
    expect(heads.at(-1)?.safe?.blockNumber).toBe(4n);
    expect(heads.at(-1)?.finalized?.blockNumber).toBe(2n);
  });

  it.each([
    ["does not have", null],
    ["answers with another block", "0x5"],
  ])("has none by a hash that its own node %s", async (_, instead) => {
    const anvil = await startAnvil({ flavour: "op" });
    await anvil.mine(5);
    const other = instead && (await anvil.call("eth_getBlockByNumber", [instead, false]));
    const node = await startLyingNode(anvil.httpUrl);
    const lie: Lie = ({ method }) => (method === "eth_getBlockByHash" ? other : undefined);
    node.behave({ kind: "lie", lie });
    const { hash } = await anvil.call<{ hash: Hex }>("eth_getBlockByNumber", ["0x2", false]);
    const reference = { hash, number: 2, timestamp: 1 };
    const status = { safe_l2: reference, finalized_l2: reference };
    const { heads } = await followWith(() => status, node.url);
    await until(() => (heads.at(-1)?.latest ?? null) !== null);
    const asked = () => node.requests.get("eth_getBlockByHash") ?? 0;
    await until(() => asked() > 6);
    expect(heads.every(({ safe, finalized }) => safe === null && finalized === null)).toBe(true);
  });
});
