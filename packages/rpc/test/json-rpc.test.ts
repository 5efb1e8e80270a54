import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson, parseResponse } from "../src/json-rpc.ts";

describe("a JSON-RPC response", () => {
  it.each([
    [
      { jsonrpc: "2.0", id: 7, result: null },
      { ok: true, value: null },
    ],
    [
      { jsonrpc: "2.0", id: 7, result: "0x1", error: null },
      { ok: true, value: "0x1" },
    ],
    [
      { jsonrpc: "2.0", id: 7, error: { code: -32000, message: "header not found" } },
      { ok: false, code: "rpc-error", number: -32000 },
    ],
  ])("is read: %j", (response, expected) => {
    expect(parseResponse(response, 7)).toEqual(expected);
  });

  it.each([
    [{ jsonrpc: "2.0", id: 8, result: 1 }],
    [{ jsonrpc: "2.0", id: "7", result: 1 }],
    [{ jsonrpc: "2.0", result: 1 }],
    [{ id: 7, result: 1 }],
    [{ jsonrpc: "1.0", id: 7, result: 1 }],
    [{ jsonrpc: "2.0", id: 7 }],
    [{ jsonrpc: "2.0", id: 7, error: "no" }],
    [{ jsonrpc: "2.0", id: 7, error: {} }],
    [{ jsonrpc: "2.0", id: 7, error: { code: 1.5 } }],
    [[{ jsonrpc: "2.0", id: 7, result: 1 }]],
    [null],
  ])("is malformed: %j", (response) => {
    expect(parseResponse(response, 7)).toEqual({ ok: false, code: "malformed" });
  });

  it("of any shape is read or refused, never thrown over", () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (text, value) => {
        parseJson(text);
        const id = 7;
        parseResponse(value, id);
        parseResponse({ jsonrpc: "2.0", id, error: value }, id);
      }),
    );
  });

  it("that would keep the parser busy is refused at once", () => {
    const depth = 2 * 1024 * 1024;
    const nested = `${"[".repeat(depth)}${"]".repeat(depth)}`;
    const names = `{${Array.from({ length: 300_000 }, (_, at) => `"k${at}":0`).join(",")}}`;
    expect(parseJson(nested)).toBeUndefined();
    expect(parseJson("[".repeat(1_000_000))).toBeUndefined();
    expect(parseJson(names)).toBeUndefined();
  });

  it.each(["[]", "{}", '""', "0"])(
    "that is a list of nothing but %s is refused: parsed it would take all memory",
    (part) => {
      const most = Array<string>(1_900_000).fill(part);
      if (part === '""' || part === "0")
        expect(parseJson(`[${most.join()}]`)).toHaveLength(1_900_000);
      expect(parseJson(`[${most.join()},${most.join()}]`)).toBeUndefined();
    },
  );

  it("is not refused for what its strings hold", () => {
    const text = JSON.stringify({ a: '[{"\\'.repeat(5_000), b: ["\\\\", ":".repeat(200_000)] });
    expect(parseJson(text)).toEqual(JSON.parse(text));
    const traced = JSON.stringify([deep(1_024), "x".repeat(70_000)]);
    expect(JSON.stringify(parseJson(traced))).toBe(traced);
  });

  it("of any JSON is what the parser makes of it", () => {
    const padded = fc.tuple(fc.jsonValue(), fc.constant("x".repeat(70_000)));
    fc.assert(
      fc.property(padded, (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });
});

function deep(levels: number): unknown {
  let value: unknown = "0x";
  for (let level = 0; level < levels; level++) value = { calls: [value] };
  return value;
}
