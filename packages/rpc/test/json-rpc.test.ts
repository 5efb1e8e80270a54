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

  it("nested beyond the stack is no JSON", () => {
    expect(parseResponse(parseJson("[".repeat(1_000_000)), 7).ok).toBe(false);
  });
});
