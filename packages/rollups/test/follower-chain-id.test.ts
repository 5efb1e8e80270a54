import { describe, expect, it, onTestFinished } from "vitest";
import { startAnvil, until } from "./support/anvil.ts";
import { type Lie, openLyingNode, startLyingNode } from "./support/lying-node.ts";
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
    const seen = record({ urls: [other.url], agree: 1, chainMs: 50 });
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
    const anvil = await startAnvil({ flavour: "evm" });
    const foreign = await startAnvil({
      flavour: "evm",
      chainId: 903,
      args: ["--timestamp", "1600000000"],
    });
    await foreign.mine(20);
    const switching = await openLyingNode(() => upstream);
    onTestFinished(switching.close);
    let upstream = anvil.httpUrl;
    await anvil.mine(6);
    const seen = record({ urls: [switching.node.url], agree: 1, maxReorgDepth: 4 });
    await seen.reached(6n);
    upstream = foreign.httpUrl;
    await until(() => seen.codes().includes("wrong-chain"));
    expect(seen.heights().at(-1)).toBe(6n);
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
