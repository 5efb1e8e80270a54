import { STACKS, ZERO_HASH } from "@mach/core";
import { describe, expect, it } from "vitest";
import { stackOf } from "../src/stacks.ts";
import { isthmusHeader, realHeaders } from "./support/vectors.ts";

describe("the stacks", () => {
  it.each(STACKS)("include %s under its own name", (stack) => {
    expect(stackOf(stack).stack).toBe(stack);
  });

  it.each(STACKS)("%s refuses a changed header", (stack) => {
    const { checkBlock } = stackOf(stack);
    expect(checkBlock(null)).toEqual({ ok: false, code: "malformed", field: "block" });
    expect(checkBlock({ ...isthmusHeader, stateRoot: ZERO_HASH })).toMatchObject({
      ok: false,
      code: "hash-mismatch",
    });
  });

  it.each(realHeaders)("evm confirms nothing per block: $name", ({ header }) => {
    expect(stackOf("evm").checkBlock(header)).toMatchObject({
      ok: true,
      block: {
        blockNumber: BigInt(header.number),
        blockHash: header.hash,
        outputRoot: ZERO_HASH,
        unverifiable: null,
      },
    });
  });
});
