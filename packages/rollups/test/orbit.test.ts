import { concatHex, keccak256, ZERO_HASH } from "@mach/core";
import { describe, expect, it } from "vitest";
import { checkHeader } from "../src/header.ts";
import { orbitInfo, orbitStack } from "../src/orbit.ts";
import { forge } from "./support/lying-node.ts";
import { isthmusHeader, orbitCases } from "./support/vectors.ts";

const [first] = orbitCases;
if (first === undefined) throw new Error("no vector");

function infoOf(raw: unknown) {
  const checked = checkHeader(raw);
  return checked.ok ? orbitInfo(checked.header) : null;
}

describe("a real Arbitrum One block", () => {
  it.each(orbitCases)("gives hash and output root by its header: $header.number", ({ header }) => {
    expect(orbitStack.checkBlock(header)).toMatchObject({
      ok: true,
      block: {
        blockHash: header.hash,
        stateRoot: header["stateRoot"],
        outputRoot: keccak256(concatHex(header.hash, header.sendRoot)),
        unverifiable: null,
      },
    });
  });

  it.each(orbitCases)("repeats what mixHash holds: $header.number", ({ header }) => {
    const info = infoOf(header);
    expect(info?.sendRoot).toBe(header.sendRoot);
    expect(info?.sendCount).toBe(BigInt(header.sendCount));
    expect(info?.l1BlockNumber).toBe(BigInt(header.l1BlockNumber));
  });

  it("names the ArbOS version, and who keeps the tips", () => {
    expect(orbitCases.map(({ header }) => infoOf(header)?.arbosVersion)).toEqual([10n, 10n, 61n]);
    expect(orbitCases.map(({ header }) => infoOf(header)?.collectTips)).toEqual([
      false,
      false,
      true,
    ]);
    expect(infoOf(first.header)?.delayedMessagesRead).toBe(0x71524n);
  });
});

describe("an orbit block is refused", () => {
  it.each(["sendRoot", "sendCount", "l1BlockNumber"])("when %s contradicts the header", (field) => {
    const lie = field === "sendRoot" ? ZERO_HASH : "0x1";
    expect(orbitStack.checkBlock({ ...first.header, [field]: lie })).toMatchObject({
      ok: false,
      code: "invalid-field",
      field,
      expected: first.header[field],
      got: lie,
    });
    expect(orbitStack.checkBlock({ ...first.header, [field]: 7 })).toEqual({
      ok: false,
      code: "malformed",
      field,
    });
  });

  it("when it goes on after the base fee", () => {
    expect(orbitStack.checkBlock(isthmusHeader)).toMatchObject({
      ok: false,
      code: "unknown-header-fields",
      field: "withdrawalsRoot",
    });
  });

  it.each([
    [{ extraData: "0x" }, "malformed", "extraData"],
    [{ difficulty: "0x2" }, "invalid-field", "difficulty"],
    [{ baseFeePerGas: null }, "malformed", "baseFeePerGas"],
  ])("when it is not Nitro's: %j", (change, code, field) => {
    expect(orbitStack.checkBlock(forge(first.header, change))).toMatchObject({ code, field });
  });
});

it("an orbit genesis has a hash, and no claim", () => {
  const genesis = forge(first.header, { number: "0x0", extraData: "0x" });
  expect(orbitStack.checkBlock(genesis)).toMatchObject({
    ok: true,
    block: { blockHash: genesis["hash"], outputRoot: null, unverifiable: "no-claim" },
  });
});
