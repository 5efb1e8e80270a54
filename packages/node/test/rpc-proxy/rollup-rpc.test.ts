import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fixture, rollupId } from "../http/memory-view.ts";
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
const finality = () => ({ ok: true, value: finalAt(HEAD) }) as const;

async function before(reply: Reply, options: Partial<Parameters<typeof startRpc>[0]> = {}) {
  const node = await startNode(reply);
  const rpc = await startRpc({ urls: [node.url], ...options }, { finality });
  return { ...rpc, node };
}

const request = (method: string, params: readonly unknown[] = []) => ({
  jsonrpc: "2.0",
  id: 1,
  method,
  params,
});

describe("JSON-RPC 2.0", () => {
  it("passes a call and its answer on as they were written, to the last digit", async () => {
    const result = '{"big":12345678901234567890, "one":1.0,"s":"\\u0041"}';
    const { post, node } = await before(
      () => new RawBody(`{"result":${result},"id":$id,"jsonrpc":"2.0"}`),
    );
    const params = '[ 98765432109876543210, {"x":1,"x":2}]';
    const answer = await post(
      `{"jsonrpc":"2.0","params":${params},"id":1e2,"method":"eth_unheardOf"}`,
    );
    expect(answer.text).toBe(`{"jsonrpc":"2.0","id":1e2,"result":${result}}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("mach-certificate-id")).toBeNull();
    expect(node.bodies[0]).toContain(`"params":${params}`);
  });

  it.each([
    ['"a"', '"a"'],
    ["null", "null"],
    ["-1.50", "-1.50"],
    ["98765432109876543210", "98765432109876543210"],
  ])("answers under the id %s", async (id, expected) => {
    const { post } = await before(() => true);
    const { text } = await post(`{"jsonrpc":"2.0","id":${id},"method":"net_listening"}`);
    expect(text).toBe(`{"jsonrpc":"2.0","id":${expected},"result":true}`);
  });

  it.each([
    ["no JSON", "{", -32700, "parse-error", null],
    ["nothing", "", -32700, "parse-error", null],
    ["no object", "1", -32600, "invalid-request", null],
    ["no version", '{"id":1,"method":"a"}', -32600, "invalid-request", 1],
    ["another version", '{"jsonrpc":"1.0","id":1,"method":"a"}', -32600, "invalid-request", 1],
    [
      "a method that is no text",
      '{"jsonrpc":"2.0","id":1,"method":1}',
      -32600,
      "invalid-request",
      1,
    ],
    [
      "params that are none",
      '{"jsonrpc":"2.0","id":1,"method":"a","params":"b"}',
      -32600,
      "invalid-request",
      1,
    ],
    [
      "an id that is none",
      '{"jsonrpc":"2.0","id":[],"method":"a"}',
      -32600,
      "invalid-request",
      null,
    ],
    ["an empty batch", "[]", -32600, "empty-batch", null],
    [
      "too long a batch",
      JSON.stringify(Array(9).fill(request("a"))),
      -32600,
      "batch-too-large",
      null,
    ],
    [
      "too deep params",
      `{"jsonrpc":"2.0","id":1,"method":"a","params":${"[".repeat(80)}${"]".repeat(80)}}`,
      -32600,
      "invalid-request",
      null,
    ],
  ])("refuses %s with its code", async (_, body, code, name, id) => {
    const { post, node } = await before(() => true);
    const { status, json } = await post(body);
    expect([status, json.id, json.error.code, json.error.data.code]).toEqual([200, id, code, name]);
    expect(node.asked).toEqual([]);
  });

  it("answers the calls of a batch in their order, invalid ones too, and no notification", async () => {
    const { post, node } = await before(({ method }) => method);
    const notification = { jsonrpc: "2.0", method: "eth_c" };
    const batch = [
      { ...request("eth_a"), id: "x" },
      7,
      notification,
      { ...request("eth_b"), id: 2 },
    ];
    const { json } = await post(batch);
    expect(json).toEqual([
      { jsonrpc: "2.0", id: "x", result: "eth_a" },
      { jsonrpc: "2.0", id: null, error: expect.objectContaining({ code: -32600 }) },
      { jsonrpc: "2.0", id: 2, result: "eth_b" },
    ]);
    expect(node.asked.map(({ method }) => method).toSorted()).toEqual(["eth_a", "eth_b", "eth_c"]);
  });

  it("answers notifications alone with nothing", async () => {
    const { post, node } = await before(() => true);
    const notification = { jsonrpc: "2.0", method: "eth_c" };
    for (const body of [notification, [notification, notification]]) {
      expect(await post(body)).toMatchObject({ status: 204, text: "" });
    }
    expect(node.asked).toHaveLength(3);
  });

  it("answers a batch as of one head", async () => {
    const node = await startNode(chainOf(HEAD, blockAt(27n)));
    let height = 26n;
    const { post } = await startRpc(
      { urls: [node.url] },
      { finality: () => ({ ok: true, value: finalAt(blockAt(height++)) }) },
    );
    const one = request("eth_getBlockByNumber", ["finalized", false]);
    const { json } = await post([one, one, one]);
    const heights = json.map(({ result }: { result: { number: string } }) => result.number);
    expect(heights).toEqual(["0x1a", "0x1a", "0x1a"]);
  });

  it("gives of a batch only so many bytes, and asks for no more then", async () => {
    const limits = { maxResponseBytes: 65_536, maxBatch: 32 };
    const { post, node } = await before(() => "x".repeat(40_000), limits);
    const { json } = await post(Array(32).fill(request("eth_a")));
    const codes = json.map(({ error }: { error?: { data: { code: string } } }) => error?.data.code);
    expect(codes).toContain(undefined);
    expect(codes).toContain("response-too-large");
    expect(JSON.stringify(json).length).toBeLessThan(140_000);
    expect(node.asked.length).toBeLessThan(32);
  });

  it("passes any params on as they came, and any result back", async () => {
    let result = "null";
    const { post, node } = await before(
      () => new RawBody(`{"jsonrpc":"2.0","id":$id,"result":${result}}`),
    );
    const params = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()));
    await fc.assert(
      fc.asyncProperty(params, fc.json(), fc.nat(4), async (value, answer, indent) => {
        fc.pre(!/finalized/i.test(JSON.stringify(value)));
        const text = JSON.stringify(value, null, indent);
        result = answer;
        const sent = await post(`{"id":1,"params":${text},"method":"eth_any","jsonrpc":"2.0"}`);
        expect(node.bodies.at(-1)).toContain(`"method":"eth_any","params":${text}}`);
        expect(sent.text).toBe(`{"jsonrpc":"2.0","id":1,"result":${answer}}`);
      }),
      { numRuns: 40 },
    );
  });

  it("is an error where the node itself fails, over HTTP too", async () => {
    const { post, failures } = await startRpc(
      { urls: ["http://127.0.0.1:1"], rollupId: 1n },
      { rollup: () => Promise.reject(new Error("no disk")) },
    );
    const answer = await post(request("eth_a"));
    expect(answer).toMatchObject({ status: 500, json: { error: { data: { code: "internal" } } } });
    expect(failures).toMatchObject([{ part: "rpc" }]);
  });

  it("answers whatever comes with JSON-RPC, and fails at nothing", async () => {
    const { post, failures } = await before(() => null);
    const piece = fc.oneof(fc.jsonValue(), fc.constantFrom("2.0", "finalized", "eth_getLogs"));
    const call = fc.record(
      { jsonrpc: piece, id: piece, method: piece, params: piece },
      { requiredKeys: [] },
    );
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      call.map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { status, json } = await post(text);
        expect([200, 204]).toContain(status);
        if (status === 204) return;
        for (const each of Array.isArray(json) ? json : [json]) {
          expect(each).toMatchObject({ jsonrpc: "2.0" });
          expect("result" in each !== "error" in each).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
    expect(failures).toEqual([]);
  });
});

describe("what is offered", () => {
  it.each([
    "admin_addPeer",
    "ADMIN_addPeer",
    "anvil_mine",
    "debug_setHead",
    "engine_newPayloadV4",
    "evm_revert",
    "eth_sendTransaction",
    "eth_sign",
    "eth_signTypedData_v4",
    "mach_unheardOf",
    "miner_start",
    "personal_unlockAccount",
  ])("%s is not", async (method) => {
    const { call, node } = await before(() => true);
    expect((await call(method)).error).toMatchObject({
      code: -32601,
      data: { code: "method-refused" },
    });
    expect(node.asked).toEqual([]);
  });

  it.each([
    "eth_sendRawTransaction",
    "net_version",
    "op_supportedCapabilities",
    "trace_block",
    "x",
  ])("%s is, by the node", async (method) => {
    const { call } = await before(() => "its own");
    expect((await call(method)).result).toBe("its own");
  });

  it("names what it can do, and the certificate behind the head", async () => {
    const { call } = await before(chainOf(HEAD));
    expect((await call("mach_supportedCapabilities")).result).toEqual([
      "fastFinalTagV1",
      "fastFinalFiltersV1",
      "machFinalityV1",
      "machCertificateV1",
    ]);
    const safe = await call("mach_supportedCapabilities", [], `${RPC_PATH}?safe=fast-final`);
    expect(safe.result).toContain("fastFinalSafeTagV1");
    expect((await call("mach_getFinality")).result.fastFinal).toMatchObject({ blockNumber: "26" });
    const { certificateId, claim } = fixture.certificate;
    for (const key of [certificateId, `0x${claim.blockNumber.toString(16)}`]) {
      const { result } = await call("mach_getCertificate", [key]);
      expect(result.certificate.certificateId).toBe(certificateId);
      expect(result.rule.basis).toBe("certificate");
    }
  });

  it.each([
    ["mach_getFinality", [1], "invalid-params"],
    ["mach_getCertificate", [[]], "invalid-params"],
    ["mach_getCertificate", ["0x1", "0x2"], "invalid-params"],
    ["mach_getCertificate", ["0x7fffffff"], "not-yet"],
    ["mach_getCertificate", [`0x${"00".repeat(32)}`], "unknown-certificate"],
    ["eth_subscribe", ["newHeads"], "web-socket-only"],
    ["eth_getFilterChanges", ["0x1"], "filter-not-found"],
  ])("%s %j is an error", async (method, params, code) => {
    const { call } = await before(chainOf(HEAD));
    expect((await call(method, params)).error.data.code).toBe(code);
  });
});

describe("nodes", () => {
  it("are asked in their order, and one that fails rests", async () => {
    const down = await startNode(() => new RawBody("", 503));
    const well = await startNode(() => "well");
    const { call } = await startRpc({ urls: [down.url, well.url] });
    for (let i = 0; i < 3; i++) expect((await call("eth_a")).result).toBe("well");
    expect(down.asked).toHaveLength(1);
  });

  it("that are all down are named by what they failed with", async () => {
    const down = await startNode(() => new RawBody("", 503));
    const page = await startNode(() => new RawBody("<html>"));
    const { call } = await startRpc({ urls: [down.url, page.url] });
    expect((await call("eth_a")).error).toMatchObject({
      code: -32002,
      data: { code: "upstream-unavailable", causes: ["http-status", "malformed"] },
    });
  });

  it("that answer with an error have answered", async () => {
    const error = { code: -32000, message: "nonce too low", data: { a: 1 } };
    const first = await startNode(() => new NodeError(error));
    const second = await startNode(() => true);
    const { call } = await startRpc({ urls: [first.url, second.url] });
    expect((await call("eth_sendRawTransaction", ["0x"])).error).toEqual(error);
    expect(second.asked).toEqual([]);
  });

  it("that answer with more than is passed on end in a code", async () => {
    const { call } = await before(() => "x".repeat(70_000), { maxResponseBytes: 65_536 });
    expect((await call("eth_a")).error).toMatchObject({
      code: -32005,
      data: { code: "response-too-large" },
    });
  });

  it("that hang take no more than the time of a request, nor more calls than are allowed", async () => {
    const { call, node } = await before(() => SILENCE, { timeoutMs: 1_500, maxInFlight: 1 });
    const hanging = call("eth_a");
    await expect.poll(() => node.asked.length, { timeout: 10_000 }).toBe(1);
    expect((await call("eth_b")).error.data.code).toBe("busy");
    expect(["timeout", "upstream-unavailable"]).toContain((await hanging).error.data.code);
  });
});

describe("the place of a rollup's RPC", () => {
  it.each([
    ["/rpc/77", 404, -32001, "unknown-rollup"],
    ["/rpc/x", 400, -32600, "invalid-request"],
    [`/rpc/${2n ** 64n}`, 400, -32600, "invalid-request"],
    [`${RPC_PATH}?safe=soon`, 400, -32600, "invalid-request"],
    [`${RPC_PATH}?safe=fast-final&x=1`, 400, -32600, "invalid-request"],
  ])("%s is none", async (path, status, code, name) => {
    const { post } = await before(() => true);
    const answer = await post(request("eth_a"), path);
    expect(answer).toMatchObject({
      status,
      json: { jsonrpc: "2.0", id: null, error: { code, data: { code: name } } },
    });
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  });

  it("is there only where it is offered", async () => {
    const { post } = await before(() => true, { rollupId: 1n });
    const answer = await post(request("eth_a"), `/rpc/${rollupId}`);
    expect(answer).toMatchObject({
      status: 404,
      json: { error: { data: { code: "not-offered" } } },
    });
  });

  it("reads no more than it says", async () => {
    const { post, node } = await before(() => true, { maxRequestBytes: 1_024 });
    const answer = await post(request("eth_a", ["x".repeat(1_024)]));
    expect(answer).toMatchObject({
      status: 413,
      json: { id: null, error: { code: -32600, data: { code: "request-too-large" } } },
    });
    expect(node.asked).toEqual([]);
  });

  it("takes a body whatever type it says, and one that is no text for none", async () => {
    const { url } = await before(() => true);
    for (const [body, isSound] of [
      [new TextEncoder().encode(JSON.stringify(request("eth_a"))), true],
      [new Uint8Array([0xff, 0xfe]), false],
    ] as const) {
      const headers = { "content-type": "text/plain" };
      const response = await fetch(`${url}${RPC_PATH}`, { method: "POST", body, headers });
      const json = (await response.json()) as object;
      expect("result" in json).toBe(isSound);
    }
  });

  it("tells pages that they may post, and others that there is nothing to get", async () => {
    const { url } = await before(() => true);
    const preflight = await fetch(`${url}${RPC_PATH}`, {
      method: "OPTIONS",
      headers: { origin: "https://x.example", "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-methods")).toBe("POST, OPTIONS");
    expect(preflight.headers.get("access-control-allow-headers")).toBe("content-type");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    const got = await fetch(`${url}${RPC_PATH}`);
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    await got.body?.cancel();
  });
});
