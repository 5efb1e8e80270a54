import { describe, expect, it } from "vitest";
import { readZkBatch, zkStack } from "../src/zk.ts";
import { checkZkBlock } from "../src/zk-block.ts";
import { createEraChain, eraScript } from "./support/era-chain.ts";
import { scriptedCall } from "./support/scripted-node.ts";
import { eraBlock, isthmusHeader, zksExamples } from "./support/vectors.ts";

const { completion, readHead } = zkStack;
if (completion === null || readHead === null) throw new Error("no completion");
const chain = createEraChain([3, 2]);
const script = eraScript(chain, () => 2);

function blockAt(height: number) {
  const checked = checkZkBlock(chain.blocks[height]);
  if (!checked.ok) throw new Error(checked.code);
  return checked.block;
}

describe("a batch of a node", () => {
  it("is read from the shapes of zks_getL1BatchDetails that are documented", async () => {
    const details = zksExamples["zks_getL1BatchDetails#12345"]?.response.result;
    const range = zksExamples["zks_getL1BatchBlockRange"]?.response.result;
    const call = scriptedCall({
      zks_getL1BatchDetails: () => details,
      zks_getL1BatchBlockRange: () => range,
    });
    expect(await readZkBatch(call, 12_345n)).toEqual({
      ok: true,
      batch: {
        batchNumber: 12_345n,
        firstBlock: 0x116fecn,
        lastBlock: 0x117015n,
        rootHash: "0x994d2738f7ac89b45c8381a7816307b501c00b3127afc79e440dbf1b3e3b5a8c",
      },
    });
    expect(await readZkBatch(call, 12_346n)).toEqual({ ok: false, code: "malformed" });
  });

  it("is missing until it is sealed and has a root", async () => {
    const root = chain.batches[1]?.root;
    for (const change of [
      { zks_getL1BatchBlockRange: () => null },
      { zks_getL1BatchDetails: () => null },
      { zks_getL1BatchDetails: () => ({ number: 1, rootHash: null }) },
    ]) {
      const call = scriptedCall({ ...script, ...change });
      expect(await readZkBatch(call, 1n)).toEqual({ ok: false, code: "missing" });
    }
    for (const change of [
      { zks_getL1BatchBlockRange: () => ["0x3", "0x1"] },
      { zks_getL1BatchBlockRange: () => ["0x1"] },
      { zks_getL1BatchDetails: () => ({ number: 2 ** 53, rootHash: root }) },
      { zks_getL1BatchDetails: () => ({ number: "1", rootHash: root }) },
      { zks_getL1BatchDetails: () => ({ number: 1, rootHash: "0x12" }) },
    ]) {
      const call = scriptedCall({ ...script, ...change });
      expect(await readZkBatch(call, 1n)).toEqual({ ok: false, code: "malformed" });
    }
  });

  it("beyond 2^53 is not asked for", async () => {
    const call = scriptedCall(script);
    expect(await readZkBatch(call, 2n ** 53n)).toEqual({ ok: false, code: "malformed" });
    expect(call.calls).toEqual([]);
  });
});

describe("a block's roots", () => {
  it("are the batch's at its last block, and none before", async () => {
    const complete = completion.connect(scriptedCall(script));
    const root = chain.batches[1]?.root;
    expect(await complete(blockAt(3))).toMatchObject({
      ok: true,
      block: { stateRoot: root, outputRoot: root, unverifiable: null },
    });
    const within = await complete(blockAt(2));
    expect(within).toMatchObject({
      block: { outputRoot: null, unverifiable: null, isWithinBatch: true },
    });
  });

  it("take one look at a batch for all of its blocks", async () => {
    const call = scriptedCall(script);
    const complete = completion.connect(call);
    for (const height of [1, 2])
      expect(await complete(blockAt(height))).toMatchObject({ ok: true });
    expect(call.calls).toHaveLength(3);
  });

  it("are asked for afresh at the last block: a root that was wrong is not kept", async () => {
    let batches = createEraChain([3, 2], "wrong").batches;
    const details = ([n]: readonly unknown[]) => ({
      number: n,
      rootHash: batches[Number(n)]?.root,
    });
    const call = scriptedCall({ ...script, zks_getL1BatchDetails: details });
    const complete = completion.connect(call);
    await complete(blockAt(3));
    batches = chain.batches;
    expect(await complete(blockAt(3))).toMatchObject({
      block: { outputRoot: chain.batches[1]?.root },
    });
  });

  it("are refused where the batch does not hold the block", async () => {
    const elsewhere = { ...script, zks_getL1BatchBlockRange: () => ["0x7", "0x9"] };
    const complete = completion.connect(scriptedCall(elsewhere));
    expect(await complete(blockAt(2))).toEqual({ ok: false, code: "malformed" });
    const lying = { ...script, zks_getBlockDetails: () => ({ number: 1, l1BatchNumber: 1 }) };
    expect(await completion.connect(scriptedCall(lying))(blockAt(2))).toEqual({
      ok: false,
      code: "malformed",
    });
  });
});

describe("the heads", () => {
  it("are the newest batch with a root, what is in L1, and what was executed in a final one", async () => {
    const call = scriptedCall(script);
    for (const head of ["latest", "safe", "finalized"] as const) {
      expect(await readHead(head, { call })).toMatchObject({ ok: true, value: chain.blocks[5] });
    }
  });

  it("pass over batches whose root is still computed, and not many", async () => {
    const pending = (from: number) =>
      scriptedCall({
        ...script,
        zks_L1BatchNumber: () => "0x64",
        zks_getL1BatchBlockRange: ([n]) => [
          `0x${Number(n).toString(16)}`,
          `0x${Number(n).toString(16)}`,
        ],
        zks_getL1BatchDetails: ([n]) => ({
          number: n,
          rootHash: Number(n) > from ? null : chain.batches[0]?.root,
        }),
        eth_getBlockByNumber: ([n]) => ({ asked: n }),
      });
    expect(await readHead("latest", { call: pending(98) })).toMatchObject({
      value: { asked: "0x62" },
    });
    const none = pending(1);
    expect(await readHead("latest", { call: none })).toEqual({ ok: false, code: "missing" });
    expect(none.calls.length).toBeLessThan(20);
  });

  it("have no finalized one where the node does not say that its L1 transaction is final", async () => {
    for (const executeTxFinality of [undefined, null, "pending", "fastFinalized"]) {
      const details = { number: 5, l1BatchNumber: 2, executeTxFinality };
      const call = scriptedCall({ ...script, zks_getBlockDetails: () => details });
      expect(await readHead("finalized", { call })).toEqual({ ok: false, code: "missing" });
    }
    const real = zksExamples["zks_getBlockDetails"]?.response.result;
    const call = scriptedCall({
      eth_getBlockByNumber: () => eraBlock,
      zks_getBlockDetails: () => ({ ...(real as object), number: 9_627_753 }),
    });
    expect(await readHead("finalized", { call })).toEqual({ ok: false, code: "missing" });
  });

  it("follow single blocks on ZKsync OS, which tells no batches", async () => {
    const call = scriptedCall({ eth_getBlockByNumber: () => isthmusHeader });
    expect(await readHead("latest", { call })).toMatchObject({ ok: true, value: isthmusHeader });
    const broken = (): Promise<{ ok: false; code: "unavailable" }> =>
      Promise.resolve({ ok: false, code: "unavailable" });
    expect(await readHead("latest", { call: broken })).toMatchObject({ code: "unavailable" });
  });
});
