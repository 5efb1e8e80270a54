import { describe, expect, it } from "vitest";
import { readClaim } from "../src/read-claim.ts";
import { stackOf } from "../src/stacks.ts";
import { startAnvil } from "./support/anvil.ts";
import { createEraChain, ERA_CHAIN_ID, eraScript } from "./support/era-chain.ts";
import { forge, startLyingNode } from "./support/lying-node.ts";
import { startScriptedNode } from "./support/scripted-node.ts";
import { cdkCases, orbitCases } from "./support/vectors.ts";

const timeoutMs = 1_000;

describe("the claim about a block of a real chain", () => {
  it("is what the block's own fields give", async () => {
    const anvil = await startAnvil({ flavour: "op" });
    await anvil.mine(3);
    const raw = await anvil.call("eth_getBlockByNumber", ["0x2", false]);
    const read = await readClaim({
      stack: "op",
      urls: [anvil.httpUrl],
      agree: 1,
      blockNumber: 2n,
      timeoutMs,
    });
    expect(read).toEqual({ ...stackOf("op").checkBlock(raw), rollupId: 901n });
  });

  it("takes as many endpoints as were asked to agree, by hash", async () => {
    const anvil = await startAnvil({ flavour: "op" });
    await anvil.mine(3);
    const liar = await startLyingNode(anvil.httpUrl);
    const ask = (agree: number) =>
      readClaim({
        stack: "op",
        urls: [anvil.httpUrl, liar.url],
        agree,
        blockNumber: 2n,
        timeoutMs,
      });
    expect(await ask(2)).toMatchObject({ ok: true });
    liar.behave({
      kind: "lie",
      lie: ({ method, truth }) =>
        method === "eth_getBlockByNumber" ? forge(truth as Record<string, unknown>) : undefined,
    });
    expect(await ask(2)).toMatchObject({ ok: false, code: "sources-disagree" });
    liar.behave({
      kind: "lie",
      lie: ({ method }) => (method === "eth_chainId" ? "0x1" : undefined),
    });
    expect(await ask(2)).toMatchObject({ ok: false, code: "wrong-chain" });
    liar.behave({ kind: "body", body: "<html></html>" });
    expect(await ask(2)).toMatchObject({ ok: false, code: "malformed" });
    liar.behave({ kind: "hang" });
    expect(await ask(2)).toMatchObject({ ok: false, code: "sources-unavailable" });
    liar.behave({
      kind: "lie",
      lie: ({ method }) => (method === "eth_getBlockByNumber" ? null : undefined),
    });
    expect(await ask(2)).toMatchObject({ ok: false, code: "source-lagging" });
  });

  it("needs a block of the number that was asked for", async () => {
    const anvil = await startAnvil({ flavour: "op" });
    await anvil.mine(3);
    const liar = await startLyingNode(anvil.httpUrl);
    const other = await anvil.call("eth_getBlockByNumber", ["0x1", false]);
    liar.behave({
      kind: "lie",
      lie: ({ method }) => (method === "eth_getBlockByNumber" ? other : undefined),
    });
    expect(
      await readClaim({ stack: "op", urls: [liar.url], agree: 1, blockNumber: 2n, timeoutMs }),
    ).toMatchObject({ ok: false, code: "wrong-block" });
  });
});

describe("the claim about a block of another stack", () => {
  it.each([
    ["orbit", orbitCases[0]?.header],
    ["cdk", cdkCases[0]?.header],
  ] as const)("is read for %s", async (stack, header) => {
    const node = await startScriptedNode({
      eth_chainId: () => "0x1092",
      eth_getBlockByNumber: ([number]) => (number === header?.number ? header : null),
    });
    const blockNumber = BigInt(header?.number ?? 0);
    const read = await readClaim({ stack, urls: [node.url], agree: 1, blockNumber, timeoutMs });
    expect(read).toEqual({ ...stackOf(stack).checkBlock(header), rollupId: 4242n });
  });

  it("is the batch's for the last block of an EraVM batch, and order alone before it", async () => {
    const chain = createEraChain([3, 2]);
    const nodes = [eraScript(chain, () => 2), eraScript(chain, () => 2)];
    const urls = (await Promise.all(nodes.map(startScriptedNode))).map(({ url }) => url);
    const ask = (blockNumber: bigint) =>
      readClaim({ stack: "zk", urls, agree: 2, blockNumber, timeoutMs });
    const outputRoot = chain.batches[1]?.root;
    expect(await ask(3n)).toMatchObject({ rollupId: ERA_CHAIN_ID, block: { outputRoot } });
    expect(await ask(2n)).toMatchObject({ block: { outputRoot: null, isWithinBatch: true } });
  });
});

it("more agreement than there are hosts is refused", async () => {
  const urls = ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"];
  const options = { stack: "op", urls, agree: 2, blockNumber: 1n, timeoutMs } as const;
  await expect(readClaim(options)).rejects.toThrow(RangeError);
});
