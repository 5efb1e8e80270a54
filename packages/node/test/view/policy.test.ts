import type { CertificatePolicy } from "@mach/api";
import { describe, expect, it } from "vitest";
import { blockAt, certify, claimAt, ROLLUP_ID } from "../engine/engine-node.ts";
import {
  ALL,
  certifyAt,
  create,
  must,
  pruneFirst,
  TRANSACTION,
  type Viewed,
} from "./viewed-node.ts";

const HEAVY: CertificatePolicy = { minWeightBps: 9_000 };
const MOST = [1, 2, 3];

/** Certificates of 78 of 100 at heights 3, 6 and 7, and of all at height 5. */
async function createMixed(): Promise<Viewed> {
  const viewed = await create();
  for (const number of [3n, 6n, 7n]) {
    await viewed.node.shell.receiveCertificate(certify(claimAt(number), MOST));
  }
  await certifyAt(viewed, 5n);
  return viewed;
}

describe("a policy", () => {
  it("makes the newest certificate that meets it the head", async () => {
    const { view } = await createMixed();
    const newest = must(await view.finality(ROLLUP_ID));
    expect(newest).toMatchObject({ fastFinal: { blockNumber: 7n }, rule: { signedWeight: 78n } });
    const heavy = must(await view.finality(ROLLUP_ID, HEAVY));
    expect(heavy).toMatchObject({
      fastFinal: { blockNumber: 5n },
      certificate: { claim: { blockNumber: 5n } },
      rule: { signedWeight: 100n },
    });
    const none = must(await view.finality(ROLLUP_ID, { minSignedWeight: 101n }));
    expect(none).toMatchObject({ fastFinal: null, certificate: null, rule: null });
  });

  it("covers a block by the lowest certificate that meets it, with the headers between", async () => {
    const { view } = await createMixed();
    const own = must(await view.block(ROLLUP_ID, 2n));
    expect(own).toMatchObject({
      status: "fast-final",
      certificate: { claim: { blockNumber: 3n } },
    });
    expect(own.headers).toEqual([blockAt(3n).headerRlp]);
    const heavy = must(await view.block(ROLLUP_ID, 2n, HEAVY));
    expect(heavy).toMatchObject({
      status: "fast-final",
      certificate: { claim: { blockNumber: 5n } },
      rule: { signedWeight: 100n },
    });
    expect(heavy.headers).toEqual([5n, 4n, 3n].map((number) => blockAt(number).headerRlp));
  });

  it("leaves a block that no such certificate covers without one, also by hash", async () => {
    const { view } = await createMixed();
    for (const key of [6n, blockAt(6n).blockHash]) {
      expect(must(await view.block(ROLLUP_ID, key)).status).toBe("fast-final");
      const value = must(await view.block(ROLLUP_ID, key, HEAVY));
      expect([value.status, value.certificate]).toEqual(["attested", null]);
    }
    const executed = must(await view.block(ROLLUP_ID, 2n, { minVerification: 2 }));
    expect([executed.status, executed.certificate]).toEqual(["observed", null]);
  });

  it("holds for a block that only its certificate tells of", async () => {
    const viewed = await create();
    await viewed.node.shell.receiveCertificate(certify(claimAt(12n), MOST));
    await viewed.node.shell.settle();
    const ask = async (policy?: CertificatePolicy) =>
      must(await viewed.view.block(ROLLUP_ID, blockAt(12n).blockHash, policy)).status;
    expect([await ask(), await ask(HEAVY)]).toEqual(["fast-final", "unknown"]);
  });

  it("holds for the block of a transaction", async () => {
    const viewed = await createMixed();
    viewed.receipts.set(TRANSACTION, blockAt(6n).blockHash);
    const ask = async (policy?: CertificatePolicy) =>
      must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION, policy)).status;
    expect([await ask(), await ask(HEAVY)]).toEqual(["fast-final", "attested"]);
  });

  it("holds for what comes from the store", async () => {
    const viewed = await create();
    await viewed.node.shell.receiveCertificate(certify(claimAt(2n), MOST));
    await certifyAt(viewed, 4n);
    await pruneFirst(viewed);
    const ask = async (number: bigint, policy?: CertificatePolicy) =>
      must(await viewed.view.block(ROLLUP_ID, number, policy)).status;
    expect([await ask(2n), await ask(2n, HEAVY)]).toEqual(["fast-final", "unknown"]);
    expect([await ask(4n), await ask(4n, HEAVY)]).toEqual(["fast-final", "fast-final"]);
  });

  it("does not hide that a block is contradicted", async () => {
    const viewed = await create();
    await viewed.node.shell.receiveCertificate(certify(claimAt(2n), MOST));
    await viewed.node.shell.receiveCertificate(certify(claimAt(2n, 1), ALL));
    await viewed.node.shell.settle();
    const value = must(await viewed.view.block(ROLLUP_ID, 2n, HEAVY));
    expect(value.status).toBe("contradicted");
    expect(must(await viewed.view.finality(ROLLUP_ID, HEAVY)).fastFinal).toBeNull();
  });
});

describe("calldata", () => {
  it("is made with the set of the certificate's epoch, from the store too", async () => {
    const viewed = await create();
    await certifyAt(viewed, 2n);
    const { certificate } = must(await viewed.view.certificate(ROLLUP_ID, 2n));
    const value = must(await viewed.view.calldata(certificate));
    expect(value).toMatchObject({ certificateId: certificate.certificateId });
    expect(value.verify).toContain(certificate.operatorSetHash.slice(2));
    expect(must(await viewed.view.calldata(certificate))).toEqual(value);
  });

  it("of an epoch whose set is not known is unavailable", async () => {
    const viewed = await create();
    await certifyAt(viewed, 2n);
    const { certificate } = must(await viewed.view.certificate(ROLLUP_ID, 2n));
    const foreign = { ...certificate, claim: { ...certificate.claim, epoch: 9n } };
    expect(await viewed.view.calldata(foreign)).toEqual({ ok: false, code: "unavailable" });
  });
});
