import { describe, expect, it } from "vitest";
import { configFields, flatten } from "../src/config/reference.ts";
import { documentFolder } from "./cli/cli-runs.ts";

const folder = documentFolder();

import { loadConfig } from "../src/config.ts";
import { offeredRpc } from "../src/rpc-proxy/rollup-rpc.ts";

const MINIMAL = `
dataDir: data
network: { chainId: 31337, registry: 0x51CbbFb68417acf09be637f1cd93e72c1214c273 }
l1: { rpcUrls: [http://127.0.0.1:8545] }
rollups:
  - rollupId: 901
    rpcUrls: [http://127.0.0.1:8546]
`;

function fileOf(content: string): string {
  return folder.write("node.yaml", content);
}

function configOf(sources: Parameters<typeof loadConfig>[0]) {
  const result = loadConfig(sources);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function problemsOf(sources: Parameters<typeof loadConfig>[0]) {
  const result = loadConfig(sources);
  if (result.ok) throw new Error("expected problems");
  return result.problems;
}

function topFields(): string {
  return configFields()
    .map(({ path }) => path.join("."))
    .join(", ");
}

const ADDRESS = "0x51cbbfb68417acf09be637f1cd93e72c1214c273";

describe("a node's configuration", () => {
  it("fills in defaults and reads an address and ids without losing a digit", () => {
    const config = configOf({ file: fileOf(MINIMAL) });
    expect(config.network).toEqual({
      chainId: 31337n,
      registry: "0x51cbbfb68417acf09be637f1cd93e72c1214c273",
    });
    expect(config.rollups).toEqual([
      {
        rollupId: 901n,
        rpcUrls: ["http://127.0.0.1:8546"],
        wsUrls: [],
        agree: 1,
        pollMs: 500,
        timeoutMs: 3000,
      },
    ]);
    expect(config.engine.improvementWindowMs).toBe(2000);
    expect(config.operator).toBeUndefined();
    expect(config.api).toBeUndefined();
  });

  it("keeps no less of the past than the protocol needs, and says why and how much", () => {
    const retention = (text: string) => fileOf(`${MINIMAL}\nretention: { ${text} }`);
    const { certificateEpochs, setEpochs } = configOf({ file: fileOf(MINIMAL) }).retention;
    expect([certificateEpochs, setEpochs]).toEqual([90, 366]);
    const [least] = problemsOf({ file: retention("certificateEpochs: 31") });
    expect(least).toMatchObject({ path: "retention.certificateEpochs" });
    expect(least?.message).toMatch(/from 32 to 1000000: evidence slashes/);
    const [sets] = problemsOf({ file: retention("certificateEpochs: 400, evidenceEpochs: 500") });
    expect(sets).toMatchObject({ path: "retention.setEpochs" });
    expect(sets?.message).toMatch(/^expected 500 or more: certificates and evidence/);
    const file = retention("certificateEpochs: 400, evidenceEpochs: 500, setEpochs: 500");
    expect(configOf({ file }).retention).toMatchObject({ setEpochs: 500 });
    expect(problemsOf({ file: retention("alerts: 10") })).toHaveLength(1);
  });

  it("resolves paths from the file's folder and freezes the result", () => {
    const file = fileOf(
      `${MINIMAL}\noperator: { address: 0x51cbbfb68417acf09be637f1cd93e72c1214c273, secretKeyFile: k }`,
    );
    const config = configOf({ file });
    expect(config.dataDir).toBe(file.replace("node.yaml", "data"));
    expect(config.operator?.secretKeyFile).toBe(file.replace("node.yaml", "k"));
    expect(Object.isFrozen(config.rollups[0]?.rpcUrls)).toBe(true);
  });

  it("takes an operator's key here or its signer elsewhere, and not both", () => {
    const operator = (text: string) =>
      fileOf(`${MINIMAL}\noperator: { address: ${ADDRESS}${text} }`);
    const signer = "signer: { url: 'http://127.0.0.1:4700', tokenFile: t }";
    const file = operator(`, ${signer}`);
    expect(configOf({ file }).operator).toEqual({
      address: ADDRESS,
      signer: {
        url: "http://127.0.0.1:4700",
        tokenFile: file.replace("node.yaml", "t"),
        timeoutMs: 3_000,
      },
    });
    const keystore = "keystoreFile: keys/a.json, passwordFile: p";
    const three = ["secretKeyFile: k", keystore, signer];
    const pairs = three.flatMap((a, i) => three.slice(i + 1).map((b) => `, ${a}, ${b}`));
    for (const text of ["", ...pairs]) {
      const result = loadConfig({ file: operator(text) });
      expect(result).toMatchObject({ ok: false, problems: [{ path: "operator.keystoreFile" }] });
    }
    const elsewhere = operator(", signer: { url: 'ftp://x', tokenFile: t }");
    const result = loadConfig({ file: elsewhere });
    expect(result).toMatchObject({ ok: false, problems: [{ path: "operator.signer.url" }] });
  });

  it("takes a keystore with its password, and neither without the other", () => {
    const operator = (text: string) =>
      fileOf(`${MINIMAL}\noperator: { address: ${ADDRESS}, ${text} }`);
    const file = operator("keystoreFile: keys/a.json, passwordFile: p");
    expect(configOf({ file }).operator).toEqual({
      address: ADDRESS,
      keystoreFile: file.replace("node.yaml", "keys/a.json"),
      passwordFile: file.replace("node.yaml", "p"),
    });
    for (const text of ["keystoreFile: a", "secretKeyFile: k, passwordFile: p"]) {
      const result = loadConfig({ file: operator(text) });
      expect(result).toMatchObject({ ok: false, problems: [{ path: "operator.passwordFile" }] });
    }
  });

  it("takes the next key beside the present one, and not beside a signer elsewhere", () => {
    const operator = (text: string) =>
      fileOf(`${MINIMAL}\noperator: { address: ${ADDRESS}, ${text} }`);
    const present = "keystoreFile: a.json, passwordFile: p";
    const file = operator(`${present}, nextKey: { keystoreFile: b.json, passwordFile: q }`);
    expect(configOf({ file }).operator?.nextKey).toEqual({
      keystoreFile: file.replace("node.yaml", "b.json"),
      passwordFile: file.replace("node.yaml", "q"),
    });
    for (const [text, path] of [
      [`${present}, nextKey: {}`, "operator.nextKey.keystoreFile"],
      [`${present}, nextKey: { keystoreFile: b.json }`, "operator.nextKey.passwordFile"],
      [
        "signer: { url: http://x, tokenFile: t }, nextKey: { secretKeyFile: b }",
        "operator.nextKey",
      ],
    ] as const) {
      const result = loadConfig({ file: operator(text) });
      expect(result).toMatchObject({ ok: false, problems: [{ path }] });
    }
  });

  it("lets the environment override the file, and flags both", () => {
    const file = fileOf(`${MINIMAL}\napi: { port: 1 }`);
    const env = { MACH_API_PORT: "2", MACH_LOG_LEVEL: "warn", OTHER: "x" };
    expect(configOf({ file, env }).api?.port).toBe(2);
    expect(configOf({ file, env }).logLevel).toBe("warn");
    expect(configOf({ file, env, flags: { "api.port": "3" } }).api?.port).toBe(3);
  });

  it("needs no file where the environment says everything", () => {
    const config = configOf({
      env: {
        MACH_DATA_DIR: "/d",
        MACH_NETWORK_CHAIN_ID: "1",
        MACH_NETWORK_REGISTRY: "0x51cbbfb68417acf09be637f1cd93e72c1214c273",
        MACH_L1_RPC_URLS: "http://a:1, http://b:2",
        MACH_L1_AGREE: "2",
        MACH_ROLLUPS: '[{ "rollupId": "18446744073709551615", "rpcUrls": "http://c:3" }]',
      },
    });
    expect(config.l1.rpcUrls).toEqual(["http://a:1", "http://b:2"]);
    expect(config.rollups[0]?.rollupId).toBe(2n ** 64n - 1n);
  });

  it("names every wrong field at once", () => {
    const file = fileOf(`
dataDir: ""
logLevel: loud
network: { chainId: 18446744073709551616, registry: 0x12 }
l1: { rpcUrls: [http://a:1], agree: 2, pollMs: 1, speed: 9 }
operator: { secretKey: 0x01 }
rollups:
  - { rollupId: 901, rpcUrls: [ftp://a:1] }
  - { rollupId: 901, rpcUrls: [], agree: 2.5 }
gossip: { bootNodes: [nonsense], port: 70000 }
api: { port: -1 }
`);
    const problems = problemsOf({ file, env: { MACH_SPEED: "1" }, flags: { "engine.gear": "5" } });
    expect(problems.map((problem) => problem.path).sort()).toEqual([
      "MACH_SPEED",
      "api.port",
      "dataDir",
      "engine.gear",
      "gossip.bootNodes.0",
      "gossip.port",
      "l1.agree",
      "l1.pollMs",
      "l1.speed",
      "logLevel",
      "network.chainId",
      "network.registry",
      "operator.address",
      "operator.keystoreFile",
      "operator.secretKey",
      "rollups",
      "rollups.0.rpcUrls.0",
      "rollups.1.agree",
      "rollups.1.rpcUrls",
    ]);
  });

  it("pairs op-nodes with the endpoints that they stand beside", () => {
    const rollups = (opNodeUrls: string) => fileOf(`${MINIMAL}    opNodeUrls: ${opNodeUrls}\n`);
    const one = configOf({ file: rollups("[http://127.0.0.1:9546]") });
    expect(one.rollups[0]?.opNodeUrls).toEqual(["http://127.0.0.1:9546"]);
    const two = problemsOf({ file: rollups("[http://127.0.0.1:9546, http://127.0.0.1:9547]") });
    expect(two.map(({ path }) => path)).toEqual(["rollups.0.opNodeUrls"]);
  });

  it("counts two endpoints of one host as one source", () => {
    const l1 = (rpcUrls: string) => {
      const text = `network: { chainId: 1, registry: "0x${"12".repeat(20)}" }`;
      return problemsOf({ file: fileOf(`${text}\nl1: { agree: 2, rpcUrls: ${rpcUrls} }\n`) });
    };
    const pathsOf = (rpcUrls: string) => l1(rpcUrls).map(({ path }) => path);
    expect(pathsOf("[https://a/first-key, https://b/second-key]")).not.toContain("l1.agree");
    expect(pathsOf("[https://a/first-key, https://a/second-key]")).toContain("l1.agree");
  });

  it("offers no RPC of a rollup that it is not told to offer, and bounds the one that it does", () => {
    expect(configOf({ file: fileOf(MINIMAL) }).rollups[0]?.rpc).toBeUndefined();
    const rpcOf = (text: string) => fileOf(`${MINIMAL}    rpc: ${text}\n`);
    const { rollups } = configOf({ file: rpcOf("{ maxStalenessMs: 30000 }") });
    expect(rollups[0]?.rpc).toMatchObject({ maxStalenessMs: 30_000, timeoutMs: 10_000 });
    const own = { urls: ["http://127.0.0.1:8546"], wsUrls: [], rollupId: 901n };
    expect(offeredRpc(rollups)).toMatchObject([own]);
    expect(offeredRpc(configOf({ file: fileOf(MINIMAL) }).rollups)).toEqual([]);
    const wrong = "{ maxStalenessMs: 1, urls: ['ws://a'], maxBatch: 0, speed: 1 }";
    expect(problemsOf({ file: rpcOf(wrong) }).map(({ path }) => path)).toEqual(
      expect.arrayContaining(
        ["maxBatch", "maxStalenessMs", "speed", "urls.0"].map((field) => `rollups.0.rpc.${field}`),
      ),
    );
  });

  it("does not pass over a misspelt variable", () => {
    const problems = problemsOf({ file: fileOf(MINIMAL), env: { MACH_API_PROT: "1" } });
    expect(problems.map((problem) => problem.path)).toEqual(["MACH_API_PROT"]);
  });

  it("says that a file cannot be read, or is no YAML", () => {
    expect(problemsOf({ file: "/nowhere/node.yaml" })).toEqual([
      { path: "/nowhere/node.yaml", message: "cannot be read (ENOENT)" },
    ]);
    const file = fileOf("a: [1\nb: 2");
    expect(problemsOf({ file })[0]?.path).toBe(file);
    expect(problemsOf({ file: fileOf("a: 1\na: 2") }).length).toBe(1);
    expect(problemsOf({ file: fileOf("just text") }).map((problem) => problem.path)).toEqual([
      "(root)",
    ]);
  });

  it("says of each wrong field where it is written, and what to write instead", () => {
    const file = fileOf(`${MINIMAL}
api:
gossip: { prot: 1, chainId: 5 }
engine: { ticks: 1 }
l2: {}
`);
    const flags = { api_port: "1", "rollups.1.agree": "2", "l1.agree": "x" };
    const env = { MACH_API_PROT: "1", MACH_L1_POLL_MS: "1" };
    const told = problemsOf({ file, env, flags }).map(({ path, message, at }) => [
      path,
      message,
      at?.replace(file, "node.yaml"),
    ]);
    expect(told.toSorted()).toEqual([
      ["MACH_API_PROT", "is no variable of this program; did you mean MACH_API_PORT?", undefined],
      [
        "api",
        "is empty: expected the fields host, port, trustedProxies, requestTimeoutMs, ..., or leave it out",
        "node.yaml:9",
      ],
      ["api_port", `is not a field; there are ${topFields()}`, "--set api_port"],
      ["engine.ticks", "is not a field; did you mean tickMs?", "node.yaml:11"],
      ["gossip.chainId", "is not a field here; there is network.chainId", "node.yaml:10"],
      ["gossip.prot", "is not a field; did you mean port?", "node.yaml:10"],
      ["l1.agree", "expected a whole number from 1 to 16", "--set l1.agree"],
      ["l1.pollMs", "expected a whole number from 50 to 60000", "MACH_L1_POLL_MS"],
      ["l2", "is not a field; did you mean l1?", "node.yaml:12"],
      [
        "rollups.1.agree",
        "has no place 1 to change: the list has 1, from 0 on",
        "--set rollups.1.agree",
      ],
    ]);
  });

  it("refuses a number or a word of YAML's own where text belongs, unless it is quoted", () => {
    const folderOf = (text: string) => fileOf(MINIMAL.replace("dataDir: data", `dataDir: ${text}`));
    for (const text of ["5", "1e3", "-.5", "true", "~", "", "[a]", "{ a: b }"]) {
      expect(problemsOf({ file: folderOf(text) }).map(({ path }) => path)).toEqual(["dataDir"]);
    }
    for (const text of ['"5"', "'true'", "5x", "0.0.0.0", "0x12"]) {
      expect(configOf({ file: folderOf(text) }).dataDir).toMatch(/^\//);
    }
    expect(configOf({ file: fileOf(MINIMAL), env: { MACH_DATA_DIR: "5" } }).dataDir).toMatch(/5$/);
  });

  it("keeps every digit of a number that is no double", () => {
    const file = fileOf(MINIMAL.replace("31337", "18446744073709551615"));
    expect(configOf({ file }).network.chainId).toBe(2n ** 64n - 1n);
    const rounded = fileOf(MINIMAL.replace("31337", "18446744073709551616"));
    expect(problemsOf({ file: rounded }).map(({ path }) => path)).toEqual(["network.chainId"]);
  });

  it("reads JSON as the YAML that it is, with the schema that an editor asks for", () => {
    const config = {
      $schema: "./config.schema.json",
      dataDir: "data",
      network: { chainId: 31_337, registry: ADDRESS },
      l1: { rpcUrls: ["http://127.0.0.1:8545"], agree: 1 },
      rollups: [{ rollupId: "901", rpcUrls: ["http://127.0.0.1:8546"] }],
    };
    const file = folder.write("node.json", JSON.stringify(config, null, 2));
    expect(configOf({ file }).rollups[0]?.rollupId).toBe(901n);
  });

  it("does not follow a few lines of aliases to gigabytes", () => {
    const levels = Array.from({ length: 8 }, (_, i) => {
      const list =
        i === 0
          ? "[x, x]"
          : `[${Array(9)
              .fill(`*a${i - 1}`)
              .join(", ")}]`;
      return `a${i}: &a${i} ${list}`;
    });
    const file = fileOf(levels.join("\n"));
    expect(problemsOf({ file })).toEqual([{ path: file, message: "uses too many aliases" }]);
  });

  it("tells where each value was said", () => {
    const file = fileOf(MINIMAL);
    const env = { MACH_L1_AGREE: "1", MACH_METRICS_PORT: "7" };
    const loaded = loadConfig({ file, env, flags: { "rollups.0.agree": "1", api: "{ port: 1 }" } });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const told = (path: string) => loaded.originOf(path.split(".")).replace(file, "node.yaml");
    expect(
      [
        ...["dataDir", "network.registry", "l1.rpcUrls", "l1.agree", "l1.pollMs", "api.port"],
        ...["api.host", "metrics.port", "rollups.0.rollupId", "rollups.0.agree", "logLevel"],
      ].map(told),
    ).toEqual([
      ...["node.yaml:2", "node.yaml:3", "node.yaml:4", "MACH_L1_AGREE", "default", "--set api"],
      ...["default", "MACH_METRICS_PORT", "node.yaml:6", "--set rollups.0.agree", "default"],
    ]);
  });

  it("has a sentence for every field and every section", () => {
    const fields = flatten(configFields());
    expect(fields.filter((field) => field.description === "")).toEqual([]);
    expect(fields.map((field) => field.variable)).toContain("MACH_GOSSIP_MAX_MESSAGE_BYTES");
  });
});
