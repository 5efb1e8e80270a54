import { describe, expect, it } from "vitest";
import { fixture } from "../http/memory-view.ts";
import {
  blockAt,
  chainOf,
  finalAt,
  NodeError,
  RawBody,
  type Reply,
  RPC_PATH,
  SILENCE,
  startNode,
  startRpc,
} from "./rpc-world.ts";

const HEAD = blockAt(26n);
const OTHER = blockAt(26n, "0xbb");
const { hash: blockHash } = HEAD;
const { certificateId } = fixture.certificate;

const hang: Reply = () => SILENCE;

/** A proxy before nodes, whose newest fast-final block is HEAD. */
async function before(...replies: readonly Reply[]) {
  const nodes = await Promise.all(replies.map(startNode));
  const finality = () => ({ ok: true, value: finalAt(HEAD) }) as const;
  const urls = nodes.map(({ url }) => url);
  // Nobody waits for it but those tests in which a node hangs.
  const timeoutMs = replies.includes(hang) ? 2_000 * urls.length : 20_000;
  const rpc = await startRpc({ urls, timeoutMs }, { finality });
  return { ...rpc, nodes };
}

describe("eth_getBlockByNumber of the tag finalized", () => {
  it("is the certified block, asked for by its hash, with the certificate in the headers", async () => {
    const { post, nodes } = await before(chainOf(HEAD));
    const body = { jsonrpc: "2.0", id: 7, method: "eth_getBlockByNumber" };
    const answer = await post({ ...body, params: ["finalized", true] });
    expect(answer.json).toEqual({ jsonrpc: "2.0", id: 7, result: HEAD });
    expect(nodes[0]?.asked).toEqual([{ method: "eth_getBlockByHash", params: [blockHash, true] }]);
    expect(answer.headers.get("mach-certificate-id")).toBe(certificateId);
    expect(answer.headers.get("mach-certificate-age")).toBe("1090");
    expect(answer.headers.get("mach-signed-weight")).toBe(String(fixture.certificate.signedWeight));
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    expect(answer.headers.get("access-control-expose-headers")).toBe(
      "mach-certificate-id, mach-certificate-age, mach-signed-weight, retry-after",
    );
  });

  it.each<[string, Reply, string]>([
    ["another block", () => OTHER, "block-mismatch"],
    [
      "another block under the certified hash",
      () => ({ ...OTHER, hash: blockHash }),
      "block-mismatch",
    ],
    ["another height under it", () => ({ ...HEAD, number: "0x1b" }), "block-mismatch"],
    ["another height in another case", () => ({ ...HEAD, Number: "0x1b" }), "block-mismatch"],
    ["no block", () => ({ result: "soon" }), "block-mismatch"],
    ["null, because it lags", () => null, "block-unavailable"],
    [
      "an error for what it lacks",
      () => new NodeError({ code: -32000, message: "?" }),
      "block-unavailable",
    ],
    ["a web page", () => new RawBody("<html>"), "upstream-unavailable"],
    ["a full queue", () => new RawBody("{}", 429), "upstream-unavailable"],
  ])("is an error where the only node gives %s", async (_, reply, code) => {
    const { call } = await before(reply);
    const { error, result } = await call("eth_getBlockByNumber", ["finalized", false]);
    expect(result).toBeUndefined();
    expect(error).toMatchObject({ data: { code } });
    expect(error.code).toBeLessThanOrEqual(-32000);
  });

  it("is an error where the only node gives nothing in time", async () => {
    const { call } = await before(hang);
    const { error } = await call("eth_getBlockByNumber", ["finalized", false]);
    expect(["timeout", "upstream-unavailable"]).toContain(error.data.code);
  });

  it.each<[string, Reply]>([
    ["lies", () => OTHER],
    ["lags", () => null],
    ["is down", () => new RawBody("", 502)],
    ["gives a web page", () => new RawBody("<html>")],
    ["hangs", hang],
  ])("is another node's where the first %s", async (_, reply) => {
    const { call } = await before(reply, chainOf(HEAD));
    expect(await call("eth_getBlockByNumber", ["finalized", false])).toMatchObject({
      result: HEAD,
    });
  });

  it.each<[string, Parameters<typeof startRpc>[1]]>([
    ["fails", { rollup: () => Promise.reject(new Error("no disk")) }],
    ["does not know the stack yet", { rollup: () => ({ ok: false, code: "unavailable" }) }],
  ])("is an error where this node %s, and no node is blamed", async (_, parts) => {
    const node = await startNode(chainOf(HEAD));
    const finality = () => ({ ok: true, value: finalAt(HEAD) }) as const;
    const { call, failures } = await startRpc({ urls: [node.url] }, { finality, ...parts });
    for (const [method, params] of [
      ["eth_getBlockByNumber", ["finalized", false]],
      ["eth_getBalance", ["0x11", "finalized"]],
    ] as const) {
      expect((await call(method, params)).error.data.code).toBe("upstream-unavailable");
    }
    expect(failures.map((each) => (each as { part: string }).part)).not.toContain("rpc-upstream");
  });

  it("that a node swaps is reported, by the node's host alone", async () => {
    const node = await startNode(() => OTHER);
    const url = node.url.replace("//", "//user:key@");
    const value = finalAt(HEAD);
    const { call, failures } = await startRpc(
      { urls: [`${url}/secret`] },
      { finality: () => ({ ok: true, value }) },
    );
    await call("eth_getBlockByNumber", ["finalized", false]);
    expect(failures).toMatchObject([{ part: "rpc-upstream", error: expect.any(Error) }]);
    expect(String((failures[0] as { error: Error }).error)).toBe(
      `Error: ${new URL(node.url).host} has another block than the certified ${blockHash}`,
    );
  });

  it("has a member that stood twice as it was checked, and not as another parser may read it", async () => {
    const text = JSON.stringify(HEAD);
    const twice = `${text.slice(0, -1)},"number":"${HEAD.number}","stateRoot":"0x12"}`;
    const honest = `{"stateRoot":"0x12","number":"0x99",${text.slice(1)}`;
    for (const [body, isSound] of [
      [twice, false],
      [honest, true],
    ] as const) {
      const { post } = await before(
        () => new RawBody(`{"jsonrpc":"2.0","id":$id,"result":${body}}`),
      );
      const asked = { jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber" };
      const answer = await post({ ...asked, params: ["finalized", false] });
      expect(answer.json.result !== undefined).toBe(isSound);
      expect(answer.text).not.toContain("0x12");
    }
  });
});

describe("a call as of the tag finalized", () => {
  it("goes by the block's hash, and only to a node that has it", async () => {
    const { call, nodes } = await before(() => null, chainOf(HEAD));
    const to = { to: "0x11" };
    expect(await call("eth_call", [to, "finalized"])).toMatchObject({ result: "eth_call" });
    expect(await call("eth_getBalance", ["0x11", { blockNumber: "finalized" }])).toMatchObject({
      result: "eth_getBalance",
    });
    expect(nodes[0]?.asked.map(({ method }) => method)).not.toContain("eth_call");
    expect(nodes[1]?.asked.slice(1)).toEqual([
      { method: "eth_call", params: [to, { blockHash }] },
      { method: "eth_getBalance", params: ["0x11", { blockHash }] },
    ]);
  });

  it("passes on what the node says against it, with the data of a revert", async () => {
    const revert = { code: 3, message: "execution reverted", data: "0x08c379a0" };
    const chain = chainOf(HEAD);
    const { call } = await before((asked) =>
      asked.method === "eth_call" ? new NodeError(revert) : chain(asked),
    );
    expect((await call("eth_call", [{}, "finalized"])).error).toEqual(revert);
  });

  it.each([
    ["eth_getBlockReceipts", ["finalized"], [{ blockHash: OTHER.hash }]],
    ["eth_getTransactionByBlockNumberAndIndex", ["finalized", "0x0"], { blockHash: OTHER.hash }],
    [
      "eth_getLogs",
      [{ fromBlock: "finalized", toBlock: "finalized" }],
      [{ blockNumber: "0x1a", blockHash: OTHER.hash }],
    ],
  ])("%s is an error where the result is of another block", async (method, params, result) => {
    const chain = chainOf(HEAD);
    const { call } = await before((asked) =>
      asked.method === "eth_getBlockByHash" ? chain(asked) : result,
    );
    expect((await call(method, params)).error.data.code).toBe("block-mismatch");
  });

  it.each([
    ["debug_traceBlockByNumber", ["finalized"], "method-refused"],
    ["net_version", ["finalized"], "unsupported-tag"],
    ["eth_call", [{ to: "finalized" }, "latest"], "unsupported-tag"],
    ["eth_call", [{ to: "FINALIZED" }, "latest"], "unsupported-tag"],
  ])("%s %j is refused, not passed on", async (method, params, code) => {
    const { call, nodes } = await before(chainOf(HEAD));
    expect((await call(method, params)).error.data.code).toBe(code);
    expect(nodes[0]?.asked).toEqual([]);
  });
});

describe("a range to the tag finalized", () => {
  const log = { blockNumber: "0x1a", blockHash, data: "0x" };
  const range = [{ fromBlock: "0x1", toBlock: "finalized", address: "0x11" }];

  it("ends at the certified height of a node that has the certified block there", async () => {
    const { call, nodes } = await before((asked) =>
      asked.method === "eth_getLogs" ? [log] : chainOf(HEAD)(asked),
    );
    expect((await call("eth_getLogs", range)).result).toEqual([log]);
    expect(nodes[0]?.asked.find(({ method }) => method === "eth_getLogs")?.params).toEqual([
      { fromBlock: "0x1", toBlock: "0x1a", address: "0x11" },
    ]);
  });

  it.each<[string, Reply, string]>([
    ["has left the certified chain", chainOf(OTHER), "block-unavailable"],
    [
      "knows the block and follows another",
      ({ method }) =>
        method === "eth_getBlockByHash" ? HEAD : method === "eth_getLogs" ? [] : OTHER,
      "block-mismatch",
    ],
    [
      "gives logs above it",
      (asked) =>
        asked.method === "eth_getLogs" ? [{ ...log, blockNumber: "0x1b" }] : chainOf(HEAD)(asked),
      "block-mismatch",
    ],
    [
      "gives logs of another block at its height",
      (asked) =>
        asked.method === "eth_getLogs" ? [{ ...log, blockHash: OTHER.hash }] : chainOf(HEAD)(asked),
      "block-mismatch",
    ],
  ])("is an error where the node %s", async (_, reply, code) => {
    const { call } = await before(reply);
    expect((await call("eth_getLogs", range)).error.data.code).toBe(code);
  });

  it("is an error where the node leaves the certified chain while it answers", async () => {
    let isGone = false;
    const { call } = await before((asked) => {
      if (asked.method === "eth_getLogs") isGone = true;
      if (asked.method === "eth_getLogs") return [];
      return asked.method === "eth_getBlockByNumber" && isGone ? OTHER : chainOf(HEAD)(asked);
    });
    expect((await call("eth_getLogs", range)).error.data.code).toBe("block-mismatch");
  });
});

describe("the tag safe", () => {
  it("is the node's own, unless the path says that it is fast-final", async () => {
    const { call, nodes } = await before((asked) =>
      asked.params[0] === "safe" ? "its own" : chainOf(HEAD)(asked),
    );
    const params = ["safe", false];
    expect((await call("eth_getBlockByNumber", params)).result).toBe("its own");
    const safe = `${RPC_PATH}?safe=fast-final`;
    expect((await call("eth_getBlockByNumber", params, safe)).result).toEqual(HEAD);
    expect((await call("eth_getBlockByNumber", ["finalized", false], safe)).result).toEqual(HEAD);
    expect(nodes[0]?.asked.filter(({ method }) => method === "eth_getBlockByNumber")).toHaveLength(
      1,
    );
  });
});

describe("what is served as finalized", () => {
  const asked = ["finalized", false];
  const reason = {
    blockNumber: 27n,
    presentWeight: 22n,
    requiredWeight: 67n,
    abstention: null,
  };

  it.each([
    ["nothing is certified", { fastFinal: null, certificate: null, rule: null }, "not-yet", -32001],
    [
      "the head is older than the bound",
      { agesMs: { ...finalAt(HEAD).agesMs, fastFinal: 60_001 } },
      "stale",
      -32002,
    ],
    [
      "its age is not known",
      { agesMs: { ...finalAt(HEAD).agesMs, fastFinal: null } },
      "stale",
      -32002,
    ],
    [
      "a contradiction is open",
      { reason: { ...reason, code: "contradicted" } },
      "contradicted",
      -32002,
    ],
    ["a reorg has split the operators", { reason: { ...reason, code: "split" } }, "split", -32002],
    [
      "the certificate is of another block",
      { fastFinal: { ...finalAt(OTHER).fastFinal, blockNumber: 26n } },
      "internal",
      -32603,
    ],
  ] as const)("is an error where %s", async (_, parts, code, number) => {
    const node = await startNode(chainOf(HEAD, OTHER));
    const value = finalAt(HEAD, parts as Parameters<typeof finalAt>[1]);
    const { call } = await startRpc(
      { urls: [node.url] },
      { finality: () => ({ ok: true, value }) },
    );
    for (const [method, params] of [
      ["eth_getBlockByNumber", asked],
      ["eth_getLogs", [{ fromBlock: "0x1", toBlock: "finalized" }]],
      ["eth_newFilter", [{ toBlock: "finalized" }]],
      ["mach_getCertificate", []],
    ] as const) {
      expect((await call(method, params)).error).toMatchObject({ code: number, data: { code } });
    }
    expect(node.asked).toEqual([]);
    // What asks for another block is not held up by it.
    expect((await call("eth_blockNumber")).result).toBe("eth_blockNumber");
  });
});
