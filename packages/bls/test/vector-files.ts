import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type * as Blst from "@chainsafe/blst";
import { fromHex, type Hex } from "@mach/core";

const VECTORS = new URL("../../../test/vectors/", import.meta.url);

export const PACKAGE_FOLDER: string = fileURLToPath(new URL("../", import.meta.url));

/** The library itself, for what only a test asks of it. */
export const blst: typeof Blst = createRequire(import.meta.url)("@chainsafe/blst");

export function readVectors<Content>(path: string): Content {
  return JSON.parse(readFileSync(new URL(path, VECTORS), "utf8"));
}

export function officialCases<Input, Output>(
  handler: string,
): { readonly name: string; readonly input: Input; readonly output: Output }[] {
  const files = readdirSync(new URL(`bls12-381-tests/${handler}/`, VECTORS)).sort();
  return files.map((file) => {
    const path = `bls12-381-tests/${handler}/${file}`;
    return {
      name: file.replace(".json", ""),
      ...readVectors<{ input: Input; output: Output }>(path),
    };
  });
}

/** A digest of 32 equal bytes. */
export function digestOf(byte: number): Hex {
  return `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;
}

/** A valid, fixed secret key. */
export function secretKeyBytes(seed: number): Uint8Array {
  return fromHex(`0x${(seed + 1).toString(16).padStart(64, "0")}`);
}

export const INFINITY_PUBLIC_KEY: Hex = `0xc0${"00".repeat(47)}`;
export const INFINITY_SIGNATURE: Hex = `0xc0${"00".repeat(95)}`;
/** On the curve but outside of the subgroup, from the official cases. */
export const PUBLIC_KEY_OUT_OF_GROUP: Hex = `0x${readVectors<{ input: { pubkey: string } }>("bls12-381-tests/deserialization_G1/deserialization_fails_not_in_G1.json").input.pubkey}`;
export const SIGNATURE_OUT_OF_GROUP: Hex = `0x${readVectors<{ input: { signature: string } }>("bls12-381-tests/deserialization_G2/deserialization_fails_not_in_G2.json").input.signature}`;
