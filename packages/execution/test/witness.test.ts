import { type Hex, toHex } from "@mach/core";
import { describe, expect, it } from "vitest";
import { keccak } from "../src/keccak.ts";
import { createPreimageStore, parseWitness } from "../src/witness.ts";

const NODE: Hex = "0xc20102";
const CODE: Hex = "0x6001";
const HEADER: Hex = "0xc103";

function bytesOf(json: unknown): readonly string[] {
  const parsed = parseWitness(json);
  if (!parsed.ok) throw new Error(parsed.verdict.code);
  return parsed.witness.map(toHex);
}

function hashOf(hex: Hex): Hex {
  return toHex(keccak(Buffer.from(hex.slice(2), "hex")));
}

describe("a witness", () => {
  it("is read in geth's shape", () => {
    const json = { headers: [HEADER], codes: [CODE], state: [NODE], keys: null };
    expect(bytesOf(json)).toEqual([HEADER, CODE, NODE]);
  });

  it("is read in reth's shape, whose keys are no preimages of nodes", () => {
    const json = { state: [NODE], codes: [CODE], keys: ["0x1234"], headers: [HEADER] };
    expect(bytesOf(json)).toEqual([NODE, CODE, HEADER]);
  });

  it("is read as objects from hash to bytes, and headers as objects are passed over", () => {
    const state = { [hashOf(NODE)]: NODE };
    const codes = { [hashOf(CODE).toUpperCase().replace("0X", "0x")]: CODE };
    expect(bytesOf({ state, codes, headers: [{ number: "0x1" }] })).toEqual([NODE, CODE]);
    expect(bytesOf(state)).toEqual([NODE]);
  });

  it("with a preimage under another's hash is refused", () => {
    const parsed = parseWitness({ [hashOf(CODE)]: NODE });
    expect(parsed).toMatchObject({ ok: false, verdict: { code: "wrong-preimage" } });
  });

  it.each([null, 7, "nonsense", "0x123", [[[["0x12"]]]], { state: [7] }, ["0x0g"]])(
    "that is %j is malformed",
    (json) => {
      expect(parseWitness(json)).toMatchObject({ ok: false, verdict: { code: "malformed" } });
    },
  );

  it("is found by what its bytes hash to, whatever they were called", () => {
    const store = createPreimageStore([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(1)]);
    expect(store.surplus()).toBe(2);
    expect(store.read(keccak(Uint8Array.of(1)))).toEqual(Uint8Array.of(1));
    expect(store.read(keccak(Uint8Array.of(3)))).toBeNull();
    expect(store.surplus()).toBe(1);
  });
});
