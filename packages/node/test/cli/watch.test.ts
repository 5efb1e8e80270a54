import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCdkChain } from "../../../../scripts/local-network/replay/cdk-chain.ts";
import { createZkChain } from "../../../../scripts/local-network/replay/era-chain.ts";
import { createOrbitChain } from "../../../../scripts/local-network/replay/orbit-chain.ts";
import { startRpcServer } from "../../../../scripts/local-network/replay/rpc-server.ts";
import { startAnvil } from "../../../rollups/test/support/anvil.ts";
import { forge, startLyingNode } from "../../../rollups/test/support/lying-node.ts";
import { mach } from "./cli-runs.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
const CHAIN_ID = 77n;
const REPLAYED = { orbit: createOrbitChain, cdk: createCdkChain, zk: createZkChain } as const;

interface Line {
  readonly type: string;
  readonly code?: string;
  readonly blockNumber?: string;
  readonly blockHash?: string;
  readonly outputRoot?: string;
}

function linesOf(text: string): readonly Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

const watch = (stack: string, ...args: readonly string[]) =>
  mach("watch", "--stack", stack, ...args);

describe("mach watch", () => {
  it("prints as many claims as are asked for, of the chain's own blocks", async () => {
    const anvil = await startAnvil({ flavour: "op" });
    await anvil.mine(5);
    const args = ["--rpc", anvil.httpUrl, "--from", "2", "--count", "3", "--json"];
    const { exitCode, stdout, stderr } = await watch("op", ...args);
    expect(exitCode).toBe(0);
    const claims = linesOf(stdout);
    expect(claims.map(({ type, blockNumber }) => [type, blockNumber])).toEqual([
      ["claim", "2"],
      ["claim", "3"],
      ["claim", "4"],
    ]);
    for (const { blockNumber, blockHash } of claims) {
      const height = `0x${BigInt(blockNumber ?? 0).toString(16)}`;
      const block = await anvil.call<{ hash: string }>("eth_getBlockByNumber", [height, false]);
      expect(blockHash).toBe(block.hash);
    }
    const notes = linesOf(stderr);
    expect(notes[0]).toMatchObject({ type: "watching", rollupId: "901", agree: 1 });
    const label = new URL(anvil.httpUrl).host;
    expect(notes.at(-1)).toMatchObject({ type: "endpoint", label, status: "ready", failed: 0 });
  });

  it("reads WebSocket endpoints, and speaks to people", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(1);
    const args = ["--rpc", anvil.wsUrl, "--from", "0x1", "--count", "1"];
    const { exitCode, stdout, stderr } = await watch("evm", ...args);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^1 {2}0x[0-9a-f]{64} {2}state 0x/);
    expect(stderr).toContain("chain 902: 1 of 1 endpoints have to agree");
  });

  it.each(["orbit", "cdk", "zk"] as const)("follows stack %s", async (stack) => {
    const chain = REPLAYED[stack](CHAIN_ID);
    for (let i = 0n; i < 24n; i++) chain.advance(1_800_000_000n + i);
    const server = await startRpcServer(chain.script);
    onTestFinished(() => server.close());
    const from = BigInt(String(chain.script["eth_blockNumber"]?.([]))) - 14n;
    const url = `http://127.0.0.1:${server.port}`;
    const args = ["--rpc", url, "--from", String(from), "--count", "3", "--json"];
    const { exitCode, stdout } = await watch(stack, ...args);
    expect(exitCode).toBe(0);
    const heights = linesOf(stdout).map(({ blockNumber }) => Number(blockNumber));
    const gaps = [1, 2].map((at) => (heights[at] ?? 0) - (heights[at - 1] ?? 0));
    expect(gaps.every((gap) => (stack === "zk" ? gap > 1 : gap === 1))).toBe(true);
  });

  it("says of endpoints of two chains which is which", async () => {
    const [first, second] = [
      await startAnvil({ flavour: "op" }),
      await startAnvil({ flavour: "evm" }),
    ];
    const args = ["--rpc", first.httpUrl, "--rpc", second.httpUrl];
    const { exitCode, stdout, stderr } = await watch("op", ...args);
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("is of chain 901");
    expect(stderr).toContain("is of chain 902");
    const json = await watch("op", ...args, "--json");
    expect(linesOf(json.stderr)).toMatchObject([{ type: "failed", code: "wrong-chain" }]);
  });

  it("says of each endpoint that cannot be used why, and what to do", async () => {
    const anvil = await startAnvil({ flavour: "op" });
    const proxy = await startLyingNode(anvil.httpUrl);
    proxy.behave({ kind: "body", body: "<html>login</html>" });
    const { port } = await startAnvil({ flavour: "evm" }).then(async (gone) => {
      await gone.stop();
      return gone;
    });
    const args = ["--rpc", proxy.url, "--rpc", `http://user:secret@127.0.0.1:${port}/key`];
    const { exitCode, stderr } = await watch("op", ...args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("sources-unavailable");
    expect(stderr).toContain(`${new URL(proxy.url).host}  malformed`);
    expect(stderr).toContain(`127.0.0.1:${port}  unreachable`);
    expect(stderr).not.toContain("secret");
    expect(stderr).not.toContain("/key");
  });

  it("claims nothing where endpoints differ, and ends when its time is over", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const proxy = await startLyingNode(anvil.httpUrl);
    proxy.behave({
      kind: "lie",
      lie: ({ method, truth }) =>
        method === "eth_getBlockByNumber" && truth !== null
          ? forge(truth as object as never)
          : undefined,
    });
    await anvil.mine(1);
    const urls = ["--rpc", anvil.httpUrl, "--rpc", proxy.url];
    const args = [...urls, "--count", "1", "--within", "1", "--json"];
    const { exitCode, stdout, stderr } = await watch("evm", ...args);
    expect([exitCode, stdout]).toEqual([1, ""]);
    const lines = linesOf(stderr);
    expect(
      lines.some((line) => line.type === "abstained" && line.code === "sources-disagree"),
    ).toBe(true);
    expect(lines).toContainEqual({ type: "ended", code: "out-of-time", claims: 0 });
  });

  it.each([
    { args: ["--rpc", "http://127.0.0.1:1"], why: "--stack is missing" },
    { args: ["--stack", "op"], why: "--rpc is missing" },
    { args: ["--stack", "op", "--rpc", "ftp://127.0.0.1"], why: "--rpc is an http" },
    { args: ["--stack", "op", "--rpc", "http://a", "--agree", "2"], why: "--agree is" },
    { args: ["--stack", "op", "--rpc", "http://a", "--count", "0"], why: "--count is" },
    { args: ["--stack", "op", "--rpc", "http://a", "--from", "x"], why: "--from is" },
    { args: ["--stack", "op", "--rpc", "http://a", "--op-node", "ws://a"], why: "--op-node is an" },
    { args: ["--stack", "up", "--rpc", "http://a"], why: "--stack is one of" },
  ])("says what is wrong with $args", async ({ args, why }) => {
    const { exitCode, stderr } = await mach("watch", ...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(why);
  });

  it("ends by a signal with exit code 0, and with whole lines", async () => {
    const anvil = await startAnvil({ flavour: "op" });
    await anvil.mine(1);
    const options = ["--conditions=@mach/source", "--import", "tsx", CLI];
    const args = ["watch", "--stack", "op", "--rpc", anvil.httpUrl, "--json"];
    const child = spawn(process.execPath, [...options, ...args], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    const exited = once(child, "exit");
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    expect(JSON.parse(line)).toMatchObject({ type: "claim" });
    child.kill("SIGINT");
    expect(await exited).toEqual([0, null]);
  });
});
