import { readFileSync } from "node:fs";
import { fromHex, type Hex, uintWord } from "@mach/core";
import { describe, expect, it } from "vitest";
import { createNativeBls, type SecretKey } from "../src/native.ts";

interface DerivationCase {
  readonly case: number;
  readonly seed: Hex;
  readonly master_SK: string;
  readonly child_index: string;
  readonly child_SK: string;
}

const VECTORS = new URL("../../../test/vectors/eip2333/test-cases.json", import.meta.url);
const cases = JSON.parse(readFileSync(VECTORS, "utf8")) as readonly DerivationCase[];
const bls = createNativeBls();

function bytesOf(secretKey: SecretKey | null): Uint8Array | null {
  return secretKey?.toBytes() ?? null;
}

function bytesOfNumber(decimal: string): Uint8Array {
  return fromHex(uintWord(BigInt(decimal)));
}

describe("keys derived from a seed", () => {
  it.each(cases)("are those of EIP-2333, case $case", (vector) => {
    const seed = Uint8Array.from(Buffer.from(vector.seed.slice(2), "hex"));
    const child = bls.deriveSecretKey(seed, [Number(vector.child_index)]);
    expect(bytesOf(bls.deriveSecretKey(seed, []))).toEqual(bytesOfNumber(vector.master_SK));
    expect(bytesOf(child)).toEqual(bytesOfNumber(vector.child_SK));
  });

  it("are none for a short seed, or an index that is none", () => {
    const seed = new Uint8Array(32).fill(1);
    expect(bls.deriveSecretKey(seed, [0])).not.toBeNull();
    expect(bls.deriveSecretKey(seed.subarray(1), [0])).toBeNull();
    for (const index of [-1, 0.5, 2 ** 32, Number.NaN]) {
      expect(bls.deriveSecretKey(seed, [0, index])).toBeNull();
    }
  });
});
