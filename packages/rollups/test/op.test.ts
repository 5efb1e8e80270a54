import { describe, expect, it } from "vitest";
import { opOutputRoot, opStack } from "../src/op.ts";
import {
  isthmusHeader,
  opCases,
  outputAtBlock,
  outputRoots,
  realHeaders,
} from "./support/vectors.ts";

describe("the output root", () => {
  it("is that of OP Mainnet's L2OutputOracle, output 4529", () => {
    const [output] = outputRoots;
    expect(output?.l2BlockNumber).toBe(113389063);
    const { stateRoot, messagePasserStorageRoot, latestBlockhash } = output?.outputRootProof ?? {};
    if (!stateRoot || !messagePasserStorageRoot || !latestBlockhash) throw new Error("no vector");
    const root = opOutputRoot({ stateRoot, messagePasserStorageRoot, blockHash: latestBlockhash });
    expect(root).toBe("0xdc3b54fd33b5d8a60f275ca83c74b625e3942be5b70b2f7f0b9cadd869eb7b1a");
    expect(root).toBe(output?.outputRoot);
  });

  it("is what op-node's own test expects of optimism_outputAtBlock", () => {
    const { header, storageHash, expected } = outputAtBlock;
    const checked = opStack.checkBlock(header);
    if (!checked.ok) throw new Error(checked.code);
    const { stateRoot, blockHash } = checked.block;
    expect(stateRoot).toBe(expected.stateRoot);
    expect(opOutputRoot({ stateRoot, messagePasserStorageRoot: storageHash, blockHash })).toBe(
      expected.outputRoot,
    );
  });
});

describe("a block after Isthmus", () => {
  it("gives the output root by its header alone", () => {
    expect(opStack.checkBlock(isthmusHeader)).toMatchObject({
      ok: true,
      block: {
        blockNumber: 151534212n,
        blockHash: opCases[0]?.expected.hash,
        parentHash: isthmusHeader["parentHash"],
        stateRoot: "0xac5b500a4a48312cfc55d1e219eaf7c315e23a41132b90aed2cea01c21963b9d",
        outputRoot: "0x4bb94e41c08989385f39d805cdd954c94538c1b4e0a8b36a7961e39ed54ac216",
        unverifiable: null,
        timestamp: 0x6a044ec1n,
      },
    });
  });

  it("is refused with execution requests", () => {
    const requestsHash = `0x${"11".repeat(32)}`;
    // The hash that these fields have, so that only the stack's rule is left to refuse it.
    const hashed = opStack.checkBlock({ ...isthmusHeader, requestsHash });
    expect(hashed).toMatchObject({ ok: false, code: "hash-mismatch" });
    const hash = hashed.ok || hashed.code === "malformed" ? undefined : hashed.expected;
    expect(opStack.checkBlock({ ...isthmusHeader, requestsHash, hash })).toEqual({
      ok: false,
      code: "invalid-field",
      field: "requestsHash",
      expected: isthmusHeader["requestsHash"],
      got: requestsHash,
    });
  });

  it("is refused when its withdrawals root was exchanged", () => {
    const withdrawalsRoot = `0x${"11".repeat(32)}`;
    const checked = opStack.checkBlock({ ...isthmusHeader, withdrawalsRoot });
    expect(checked).toMatchObject({ ok: false, code: "hash-mismatch" });
  });
});

describe("a block before Isthmus", () => {
  const before = realHeaders.filter(({ header }) => header["requestsHash"] === undefined);

  it.each(before)("has a hash, and no output root without a proof: $name", ({ header }) => {
    const checked = opStack.checkBlock(header);
    expect(checked).toMatchObject({
      ok: true,
      block: { blockHash: header.hash, outputRoot: null, unverifiable: "needs-proof" },
    });
  });
});
