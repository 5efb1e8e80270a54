import { ZERO_HASH } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cdkStack, checkCdkBatch, globalExitRoot, readCdkBatch } from "../src/cdk.ts";
import { scriptedCall } from "./support/scripted-node.ts";
import { cdkBatch, cdkCases, isthmusHeader, orbitCases } from "./support/vectors.ts";

const { readHead } = cdkStack;
const block = cdkCases[0]?.header;
if (readHead === null || block === undefined) throw new Error("no heads or no vector");

describe("a cdk block", () => {
  it.each(cdkCases)("of $network hashes over 15 fields", ({ header }) => {
    expect(cdkStack.checkBlock(header)).toMatchObject({
      ok: true,
      block: {
        blockHash: header.hash,
        stateRoot: header["stateRoot"],
        outputRoot: ZERO_HASH,
        unverifiable: null,
      },
    });
  });

  it.each([isthmusHeader, orbitCases[0]?.header])("has no base fee: another stack's", (header) => {
    expect(cdkStack.checkBlock(header)).toMatchObject({
      ok: false,
      code: "unknown-header-fields",
      field: "baseFeePerGas",
    });
  });
});

describe("a batch", () => {
  const exitRoots = { mainnetExitRoot: block.hash, rollupExitRoot: ZERO_HASH };
  const updated = { ...cdkBatch, ...exitRoots, globalExitRoot: globalExitRoot(exitRoots) };

  it("of Polygon zkEVM, real, is its genesis", () => {
    expect(checkCdkBatch(cdkBatch)).toMatchObject({
      ok: true,
      batch: {
        batchNumber: 0n,
        stateRoot: "0x13a14c4a8288e782863d7ce916d224546c69dc428fbfa7115a0cc33a27a05b26",
        localExitRoot: ZERO_HASH,
        timestamp: 0x63fe2c8cn,
        blockHashes: [],
      },
    });
  });

  it("has the global exit root of its parts", () => {
    expect(checkCdkBatch(updated)).toMatchObject({ ok: true });
    expect(checkCdkBatch({ ...updated, rollupExitRoot: block.hash })).toMatchObject({
      ok: false,
      code: "invalid-field",
      field: "globalExitRoot",
      got: updated.globalExitRoot,
    });
    expect(checkCdkBatch({ ...updated, globalExitRoot: ZERO_HASH })).toMatchObject({ ok: false });
  });

  it("is parsed or refused, never thrown over", () => {
    const fields = fc.constantFrom(...Object.keys(cdkBatch), "blocks");
    fc.assert(
      fc.property(fields, fc.jsonValue(), (field, value) => {
        const checked = checkCdkBatch({ ...cdkBatch, [field]: value });
        if (checked.ok)
          expect(["coinbase", "blocks"]).toContain(field.replace(/.*TxHash/, "coinbase"));
        else expect(["malformed", "invalid-field"]).toContain(checked.code);
      }),
    );
    expect(checkCdkBatch([])).toEqual({ ok: false, code: "malformed", field: "batch" });
  });

  it("that a node gives under another number is malformed", async () => {
    const call = scriptedCall({ zkevm_getBatchByNumber: () => cdkBatch });
    expect(await readCdkBatch(call, 0n)).toMatchObject({ ok: true });
    expect(await readCdkBatch(call, 1n)).toEqual({ ok: false, code: "malformed" });
    const none = scriptedCall({ zkevm_getBatchByNumber: () => null });
    expect(await readCdkBatch(none, 1n)).toEqual({ ok: false, code: "missing" });
  });
});

describe("the safe head", () => {
  const node = (batches: Readonly<Record<string, unknown>>, virtual: unknown = "0x2") =>
    scriptedCall({
      zkevm_virtualBatchNumber: () => virtual,
      zkevm_getBatchByNumber: ([number]) => batches[String(number)] ?? null,
      eth_getBlockByHash: ([hash]) => (hash === block.hash ? block : null),
    });
  const batch = (number: string, blocks: readonly unknown[]) => ({ ...cdkBatch, number, blocks });

  it("is the last block of the newest virtual batch that has one", async () => {
    const call = node({ "0x2": batch("0x2", []), "0x1": batch("0x1", [ZERO_HASH, block.hash]) });
    expect(await readHead("safe", { call })).toEqual({
      ok: true,
      value: block,
      blockHash: block.hash,
    });
  });

  it("is missing where no batch near the newest has a block, and with the method refused", async () => {
    const empty = Object.fromEntries(
      Array.from({ length: 20 }, (_, n) => [
        `0x${n.toString(16)}`,
        batch(`0x${n.toString(16)}`, []),
      ]),
    );
    const call = node(empty, "0x10");
    expect(await readHead("safe", { call })).toEqual({ ok: false, code: "missing" });
    expect(call.calls.length).toBeLessThan(12);
    expect(await readHead("safe", { call: scriptedCall({}) })).toMatchObject({ code: "refused" });
    expect(await readHead("safe", { call: node({}, 2) })).toEqual({ ok: false, code: "malformed" });
  });
});
