import { claimDigest } from "@mach/core";
import { describe, expect, it } from "vitest";
import { attest, blockAt, claimAt, DOMAIN, ROLLUP_ID } from "../engine/engine-node.ts";
import { inclusionProof } from "../http/memory-view.ts";
import { documentOf } from "./documents.ts";
import { certifyAt, create, must, pruneFirst, TRANSACTION } from "./viewed-node.ts";

describe("a transaction", () => {
  it("that no source knows is unknown", async () => {
    const { view } = await create();
    const value = must(await view.transaction(ROLLUP_ID, TRANSACTION));
    documentOf("transaction", value);
    expect(value).toMatchObject({ transactionHash: TRANSACTION, status: "unknown", block: null });
  });

  it("has its block's status, from observed to fast-final", async () => {
    const viewed = await create();
    viewed.receipts.set(TRANSACTION, blockAt(4n).blockHash);
    const ask = async () => must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION));
    expect((await ask()).status).toBe("observed");
    await viewed.node.shell.receiveAttestations([attest(0, claimAt(4n))]);
    await expect.poll(async () => (await ask()).status).toBe("attested");
    await certifyAt(viewed, 5n);
    const value = await ask();
    documentOf("transaction", value);
    expect(value).toMatchObject({ status: "fast-final", block: { blockNumber: 4n } });
  });

  it("is proved where a certificate covers its block with all headers between", async () => {
    const viewed = await create();
    viewed.receipts.set(TRANSACTION, blockAt(4n).blockHash);
    const ask = async () => must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION));
    expect(await ask()).toMatchObject({ proof: null, proofGap: "not-covered" });
    expect(viewed.proven).toEqual([]);
    await certifyAt(viewed, 5n);
    const value = await ask();
    documentOf("transaction", value);
    expect(value).toMatchObject({ proof: inclusionProof, proofGap: null });
    expect(viewed.proven).toEqual([blockAt(4n).blockHash]);
    viewed.inclusion = { ok: false, code: "wrong-root" };
    expect(await ask()).toMatchObject({
      status: "fast-final",
      proof: null,
      proofGap: "wrong-root",
    });
  });

  it("in a block of a stack that commits to order alone is never proved, and it is said", async () => {
    const viewed = await create(null, { stack: "zk" });
    viewed.receipts.set(TRANSACTION, blockAt(4n).blockHash);
    await certifyAt(viewed, 5n);
    const value = must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION));
    documentOf("transaction", value);
    expect(value).toMatchObject({ status: "fast-final", proof: null, proofGap: "order-only" });
    expect(viewed.proven).toEqual([]);
  });

  it("in a block that has left memory is read again, under a certificate of the store", async () => {
    const viewed = await create();
    viewed.receipts.set(TRANSACTION, blockAt(3n).blockHash);
    await certifyAt(viewed, 2n, 5n);
    await pruneFirst(viewed);
    const ask = async (minSignedWeight?: bigint) =>
      must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION, { minSignedWeight }));
    expect(await ask()).toMatchObject({ status: "unknown", proofGap: "not-covered" });
    viewed.archive = [1n, 2n, 3n, 4n, 5n].map((number) => blockAt(number));
    const value = await ask(100n);
    documentOf("transaction", value);
    expect(value).toMatchObject({
      status: "fast-final",
      block: { blockNumber: 3n, blockHash: blockAt(3n).blockHash },
      certificate: { claim: { blockNumber: 5n } },
      headers: [blockAt(5n).headerRlp, blockAt(4n).headerRlp],
      proof: inclusionProof,
    });
    expect(await ask(101n)).toMatchObject({ status: "unknown", certificate: null });
    // A block of another branch at that height is under no certificate.
    viewed.receipts.set(TRANSACTION, blockAt(3n, 1).blockHash);
    viewed.archive = [blockAt(3n, 1)];
    expect(await ask()).toMatchObject({ status: "unknown", certificate: null });
  });

  it("in a block that has left memory, whose certificate is contradicted, is not final", async () => {
    const viewed = await create();
    viewed.receipts.set(TRANSACTION, blockAt(5n).blockHash);
    viewed.archive = [blockAt(5n)];
    await certifyAt(viewed, 5n);
    await pruneFirst(viewed);
    const ask = async () => must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION));
    expect((await ask()).status).toBe("fast-final");
    const digest = claimDigest(DOMAIN, claimAt(5n));
    const contradiction = {
      ...{ fromBlockNumber: 5n, throughBlockNumber: 5n },
      claims: [{ blockNumber: 5n, digest }],
    };
    await viewed.node.store.putContradiction({ rollupId: ROLLUP_ID, contradiction });
    expect(await ask()).toMatchObject({ status: "unknown", certificate: null });
  });

  it("whose certificate is contradicted while its sources are asked is not final", async () => {
    const viewed = await create();
    viewed.receipts.set(TRANSACTION, blockAt(5n).blockHash);
    await certifyAt(viewed, 5n);
    viewed.onProve = async () => {
      viewed.finalize(5n, 1);
      await viewed.node.shell.settle();
    };
    const value = must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION));
    documentOf("transaction", value);
    expect(value).toMatchObject({ status: "contradicted", proof: null, proofGap: "not-covered" });
  });

  it("of an older block, contradicted while its sources are asked, is not final", async () => {
    const viewed = await create();
    viewed.receipts.set(TRANSACTION, blockAt(3n).blockHash);
    await certifyAt(viewed, 5n);
    await pruneFirst(viewed);
    viewed.archive = [3n, 4n, 5n].map((number) => blockAt(number));
    viewed.onProve = async () => {
      const digest = claimDigest(DOMAIN, claimAt(5n));
      const claims = [{ blockNumber: 5n, digest }];
      const contradiction = { fromBlockNumber: 5n, throughBlockNumber: 5n, claims };
      await viewed.node.store.putContradiction({ rollupId: ROLLUP_ID, contradiction });
    };
    const value = must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION));
    expect(value).toMatchObject({ status: "unknown", certificate: null, proof: null });
  });

  it("whose hash is that of a block is not that block", async () => {
    const viewed = await create();
    await certifyAt(viewed, 4n);
    const value = must(await viewed.view.transaction(ROLLUP_ID, blockAt(4n).blockHash));
    expect([value.status, value.certificate]).toEqual(["unknown", null]);
  });

  it("in a block that is not on the branch that this node follows is unknown", async () => {
    const viewed = await create();
    viewed.receipts.set(TRANSACTION, blockAt(4n, 1).blockHash);
    await certifyAt(viewed, 5n);
    const value = must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION));
    expect(value.status).toBe("unknown");
  });

  it("while this node trusts no block says so", async () => {
    const { view } = await create("sources-unavailable");
    const value = must(await view.transaction(ROLLUP_ID, TRANSACTION));
    documentOf("transaction", value);
    expect(value.reason).toMatchObject({
      code: "unknown-block",
      abstention: "sources-unavailable",
    });
  });
});
