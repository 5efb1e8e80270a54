import { describe, expect, it } from "vitest";
import { networkNames, readNetwork } from "../../src/config/networks.ts";
import { loadConfig } from "../../src/config.ts";
import { documentFolder } from "../cli/cli-runs.ts";

const folder = documentFolder();
const REGISTRY = `0x${"5f".repeat(20)}`;
const BOOT_NODE = "/ip4/192.0.2.1/tcp/4600";

/** As a local network's launcher writes it, with more in it than is read here. */
const NETWORK = {
  apiUrl: "http://127.0.0.1:4500",
  chainId: "31337",
  registry: REGISTRY,
  l1: { chainId: "31337", rpcUrl: "http://127.0.0.1:8545", wsUrl: "ws://127.0.0.1:8545" },
  rollups: [
    { rollupId: "901", stack: "op", rpcUrl: "http://127.0.0.1:9545", wsUrl: "ws://127.0.0.1:9545" },
    { rollupId: "902", stack: "evm" },
  ],
  bootNodes: [BOOT_NODE],
};
const CONFIG = {
  dataDir: "data",
  network: "./network.json",
  l1: { rpcUrls: ["http://127.0.0.1:8545"] },
  rollups: [{ rollupId: 901, rpcUrls: ["http://127.0.0.1:9545"] }],
};

folder.write("network.json", NETWORK);

function problemsOf(config: object, sources: Parameters<typeof loadConfig>[0] = {}) {
  const result = loadConfig({ file: folder.write("node.json", config), ...sources });
  return result.ok ? [] : result.problems;
}

describe("a network by name or file", () => {
  it("stands for its domain, and for its boot nodes where the configuration has none", () => {
    const file = folder.write("node.json", CONFIG);
    const loaded = loadConfig({ file });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { network, gossip, l1 } = loaded.config;
    expect(network).toEqual({ chainId: 31_337n, registry: REGISTRY });
    expect(gossip.bootNodes).toEqual([BOOT_NODE]);
    expect(l1.rpcUrls).toEqual(CONFIG.l1.rpcUrls);
    expect(loaded.originOf(["gossip", "bootNodes"])).toMatch(/^network .*network\.json$/);
    const own = loadConfig({ file, flags: { "gossip.bootNodes": "/ip4/192.0.2.9/tcp/1" } });
    expect(own.ok && own.config.gossip.bootNodes).toEqual(["/ip4/192.0.2.9/tcp/1"]);
    const none = loadConfig({ file, flags: { "gossip.bootNodes": "[]" } });
    expect(none.ok && none.config.gossip.bootNodes).toEqual([]);
  });

  it("never gives endpoints to a node: whoever chooses them chooses what it signs", () => {
    const { l1: _l1, ...config } = CONFIG;
    expect(problemsOf(config).map(({ path }) => path)).toEqual(["l1"]);
    const [rollup] = CONFIG.rollups.map(({ rollupId }) => ({ rollupId }));
    expect(problemsOf({ ...CONFIG, rollups: [rollup] }).map(({ path }) => path)).toEqual([
      "rollups.0.rpcUrls",
    ]);
  });

  it("is refused where it is not known, not there, or no network", () => {
    folder.write("other.json", { chainId: 1, registry: "0x12" });
    for (const [network, why] of [
      ["locla", "did you mean local?"],
      ["./nowhere.yaml", "cannot be read (ENOENT)"],
      ["other.json", "registry: expected an address"],
      ["", "there is no network of that name"],
    ] as const) {
      const problems = problemsOf({ ...CONFIG, network });
      expect(problems.map(({ path }) => path)).toEqual(["network"]);
      expect(problems[0]?.message).toContain(why);
      expect(problems[0]?.at).toMatch(/node\.json:1$/);
    }
  });

  it("is one whole: no part of it is replaced", () => {
    const flags = { "network.registry": `0x${"11".repeat(20)}` };
    expect(problemsOf(CONFIG, { flags }).map(({ path, at }) => [path, at])).toEqual([
      ["network.registry", "--set network.registry"],
    ]);
    const env = { MACH_NETWORK_CHAIN_ID: "1" };
    expect(problemsOf(CONFIG, { env }).map(({ path, at }) => [path, at])).toEqual([
      ["network.chainId", "MACH_NETWORK_CHAIN_ID"],
    ]);
    const whole = { MACH_NETWORK: `{ chainId: 1, registry: "${REGISTRY}" }` };
    expect(problemsOf(CONFIG, { env: whole })).toEqual([]);
  });

  it("is not the one of a configuration with other rollups alone", () => {
    const rollup = { rpcUrls: ["http://127.0.0.1:9545"] };
    const other = { ...CONFIG, rollups: [{ rollupId: 10, ...rollup }] };
    expect(problemsOf(other).map(({ path }) => path)).toEqual(["rollups"]);
    // The registry may list one more than this program's file of the network.
    const more = { ...CONFIG, rollups: [{ rollupId: 10, ...rollup }, ...CONFIG.rollups] };
    expect(problemsOf(more)).toEqual([]);
  });

  it("of a launcher is whatever runs now, and says how to start it", () => {
    const start = { name: "mine", deployment: "./started.json", start: "npm start" };
    const file = folder.write("mine.yaml", start);
    const before = readNetwork(file, "/");
    expect(before).toMatchObject({ ok: false, message: expect.stringContaining("`npm start`") });
    folder.write("started.json", NETWORK);
    expect(readNetwork(file, "/")).toMatchObject({ ok: true, network: { registry: REGISTRY } });
  });
});

it("every network of this program can be read, but for one that does not run", () => {
  expect(networkNames()).toContain("local");
  for (const name of networkNames()) {
    const read = readNetwork(name, "/");
    expect(read.ok || read.message.startsWith("does not run: ")).toBe(true);
  }
});
