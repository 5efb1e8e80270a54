import { createNativeBls } from "@mach/bls";
import { toHex } from "@mach/core";
import { expect, it } from "vitest";
import { describePath, isBeaconPath, keyPath } from "../../src/keys/key-path.ts";
import { createMnemonic, seedOfMnemonic } from "../../src/keys/mnemonic.ts";

const WORDS = `${"abandon ".repeat(11)}about`;
const SEED =
  "0x5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1" +
  "9a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4";

it("makes BIP-39's seed of a mnemonic, however it was written down", () => {
  expect(toHex(seedOfMnemonic(WORDS) ?? new Uint8Array())).toBe(SEED);
  expect(seedOfMnemonic(` ${WORDS.toUpperCase().replaceAll(" ", "\n ")}\n`)).toEqual(
    seedOfMnemonic(WORDS),
  );
});

it.each(["", "abandon", `${"abandon ".repeat(12)}`, `${"zebra ".repeat(11)}mach`])(
  "makes none of %j",
  (words) => {
    expect(seedOfMnemonic(words)).toBeNull();
  },
);

it("makes a new mnemonic of 24 words each time", () => {
  const [first, second] = [createMnemonic(), createMnemonic()];
  expect(first.split(" ")).toHaveLength(24);
  expect(first).not.toBe(second);
  expect(seedOfMnemonic(first)).not.toBeNull();
});

it("derives at a path of its own: a validator's key is another one", () => {
  const bls = createNativeBls();
  const seed = seedOfMnemonic(WORDS);
  if (seed === null) throw new Error("no seed");
  const keyAt = (path: readonly number[]): string => {
    const secretKey = bls.deriveSecretKey(seed, path);
    return secretKey ? bls.publicKeyOf(secretKey) : "none";
  };
  expect(describePath(keyPath(7))).toBe("m/12381/1296122696/7/0");
  expect(keyAt(keyPath(0))).toMatchInlineSnapshot(
    `"0x8709b48f243cdf9ed600489bda1e3d5bd2bd386b4e08375012b121b39a04873a62055aeb65bb1aefaaf57f8d07001d9a"`,
  );
  expect(new Set([keyAt(keyPath(0)), keyAt(keyPath(1)), keyAt([12381, 3600, 0, 0])]).size).toBe(3);
  expect(isBeaconPath("m/12381/3600/0/0/0")).toBe(true);
  expect(isBeaconPath(describePath(keyPath(3600)))).toBe(false);
  expect(isBeaconPath("m/12381/36001/0/0")).toBe(false);
});
