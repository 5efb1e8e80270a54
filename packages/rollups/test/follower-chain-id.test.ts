import { describe, expect, it, onTestFinished } from "vitest";
import { createOrbitChain } from "../../../scripts/local-network/replay/orbit-chain.ts";
import { startRpcServer } from "../../../scripts/local-network/replay/rpc-server.ts";
import { startAnvil, until } from "./support/anvil.ts";
import { type Lie, startLyingNode } from "./support/lying-node.ts";
import { record } from "./support/recorder.ts";

const chainId: (id: string) => Lie =
  (id) =>
  ({ method }) =>
    method === "eth_chainId" ? id : undefined;

describe("a source of another chain", () => {
  it("is never asked for a block", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const other = await startLyingNode(anvil.httpUrl);
    other.behave({ kind: "lie", lie: chainId("0x387") });
    const seen = record({ urls: [anvil.httpUrl, other.url], agree: 2 });
    await until(() => seen.codes().includes("wrong-chain"));
    expect(seen.blocks).toEqual([]);
    expect([...other.requests.keys()]).toEqual(["eth_chainId"]);
    other.behave({ kind: "honest" });
    await seen.reached(0n);
  });

  it("is found out while the connection stays, and asked for no block", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const other = await startLyingNode(anvil.httpUrl);
    const seen = record({ urls: [other.url], agree: 1, chainMs: 50, headsMs: 60_000 });
    await seen.reached(0n);
    other.behave({ kind: "lie", lie: chainId("0x387") });
    await until(() => seen.codes().includes("wrong-chain"));
    await anvil.mine();
    const [source] = seen.follower.describeSources();
    expect(source).toMatchObject({ status: "down", code: "wrong-chain" });
    other.behave({ kind: "honest" });
    await seen.reached(1n);
  });

  it("is not begun with where it replaces all that is held", async () => {
    const [own, foreign] = [createOrbitChain(7n), createOrbitChain(8n)];
    for (let i = 0n; i < 12n; i++) own.advance(1_800_000_000n + i);
    for (let i = 0n; i < 30n; i++) foreign.advance(1_800_000_000n + i);
    let { script } = own;
    const methods = Object.keys(script).map((method) => {
      return [method, (params: readonly unknown[]) => script[method]?.(params)] as const;
    });
    const server = await startRpcServer(Object.fromEntries(methods));
    onTestFinished(() => server.close());
    const urls = [`ws://127.0.0.1:${server.port}`];
    const settings = { agree: 1, maxReorgDepth: 4, chainMs: 60_000 };
    const seen = record({ urls, stack: "orbit", rollupId: 7n, ...settings });
    await until(() => seen.blocks.length > 0);
    for (let i = 12n; i < 20n; i++) own.advance(1_800_000_000n + i);
    await until(() => seen.blocks.length > 8);
    const newest = seen.heights().at(-1);
    ({ script } = foreign);
    await until(() => seen.codes().includes("wrong-chain"));
    expect(seen.codes()).toContain("reorg-too-deep");
    expect(seen.heights().at(-1)).toBe(newest);
  });

  it.each(["httpUrl", "wsUrl"] as const)("is found out after a restart over %s", async (url) => {
    const anvil = await startAnvil({ flavour: "evm" });
    const { port } = anvil;
    const seen = record({ urls: [anvil[url]], agree: 1 });
    await seen.reached(0n);
    await anvil.stop();
    const foreign = await startAnvil({ flavour: "evm", port, chainId: 903 });
    await foreign.mine(5);
    await until(() => seen.codes().includes("wrong-chain"));
    expect(seen.heights()).toEqual([0n]);
    await foreign.stop();
    await startAnvil({ flavour: "evm", port });
    await until(() => seen.follower.describeSources()[0]?.status === "ready");
  });
});
