import type { Participation } from "@mach/api";
import { ROUTES } from "@mach/api";
import { expect, it } from "vitest";
import { demandOf, refuseStatus } from "../../src/http/demand.ts";
import {
  blockAt,
  certify,
  claimAt,
  operatorAt,
  operatorSetOf,
  PARAMETERS,
  ROLLUP_ID,
} from "../engine/engine-node.ts";
import { documentOf } from "./documents.ts";
import {
  ALL,
  blockStatus,
  certifyAt,
  create,
  must,
  pruneFirst,
  TRANSACTION,
  type Viewed,
} from "./viewed-node.ts";

const PRUNED = { ok: false, code: "pruned" };
const NOTHING: Participation = {
  ...{ expected: 0, made: 0, late: 0, missed: 0, disagreeing: 0, unseen: 0 },
  ...{ newestBlockNumber: null, reasons: [], lapses: [] },
};

/** Certificates at 2, 5 and 60, of which those below 5 have gone. */
async function createPruned(): Promise<Viewed> {
  const viewed = await create();
  await certifyAt(viewed, 2n, 5n);
  await pruneFirst(viewed);
  const step = { kind: "certificates", rollupId: ROLLUP_ID } as const;
  await viewed.node.store.prune({ ...step, belowBlock: 5n, belowEpoch: 9n });
  return viewed;
}

it("a pruned height is `pruned`: neither not yet, nor one that had no certificate", async () => {
  const { view } = await createPruned();
  for (const height of [0n, 2n, 4n]) {
    expect(await view.certificate(ROLLUP_ID, height)).toEqual(PRUNED);
  }
  must(await view.certificate(ROLLUP_ID, 5n));
  expect(await view.certificate(ROLLUP_ID, 6n)).toEqual({ ok: false, code: "no-certificate" });
  expect(await view.certificate(ROLLUP_ID, 70n)).toEqual({ ok: false, code: "not-yet" });
  for (const id of ["certificate", "block", "transaction", "operatorSet", "setUpdate"] as const) {
    expect(ROUTES[id].errors).toContain("pruned");
  }
});

it("a pruned block is unknown for that reason, and nobody is asked to wait for it", async () => {
  const viewed = await createPruned();
  const status = await blockStatus(viewed, 2n);
  expect(status).toMatchObject({
    ...{ status: "unknown", block: null, certificate: null },
    reason: { code: "pruned" },
  });
  for (const query of [{ wait: 1_000 }, { minWeightBps: 7_500 }]) {
    expect(refuseStatus(demandOf(query), status)).toMatchObject(PRUNED);
  }
  expect((await blockStatus(viewed, 6n)).reason?.code).toBe("unknown-block");
  expect(await blockStatus(viewed, 5n)).toMatchObject({ status: "fast-final" });
});

it("a transaction in a pruned block is covered by a kept certificate, or says it is pruned", async () => {
  const viewed = await createPruned();
  const blocks = Array.from({ length: 9 }, (_, i) => blockAt(BigInt(i + 1)));
  const asked = blocks[2]?.blockHash ?? "0x";
  viewed.receipts.set(TRANSACTION, asked);
  viewed.archive = blocks;
  const covered = must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION));
  expect(covered).toMatchObject({
    status: "fast-final",
    certificate: { claim: { blockNumber: 5n } },
  });
  // The sources do not have the way to it any more.
  viewed.archive = blocks.filter(({ blockNumber }) => blockNumber < 5n);
  const gone = must(await viewed.view.transaction(ROLLUP_ID, TRANSACTION));
  documentOf("transaction", gone);
  expect(gone).toMatchObject({ status: "unknown", proof: null, reason: { code: "pruned" } });
});

it("pages begin with the oldest that is kept, and their cursors go on from there", async () => {
  const { view } = await createPruned();
  const page = must(await view.certificates(ROLLUP_ID, { from: 0n, limit: 1 }));
  expect(page.data.map(({ claim }) => claim.blockNumber)).toEqual([5n]);
  expect(page.next).toBe(60n);
});

it("a certificate that comes for a pruned height is neither taken nor served", async () => {
  const viewed = await createPruned();
  const rival = certify(claimAt(2n, 1), ALL);
  expect(await viewed.node.shell.receiveCertificate(rival)).toEqual({
    ...{ accept: false, blame: false },
    code: "stale",
  });
  await viewed.node.shell.settle();
  expect(await viewed.view.certificate(ROLLUP_ID, 2n)).toEqual(PRUNED);
  expect(await viewed.view.certificateById(rival.certificateId)).toMatchObject({ ok: false });
});

it("a pruned set, and the update that it signed, are `pruned`; others are unknown", async () => {
  const viewed = await create();
  const { store, shell } = viewed.node;
  await store.putEpoch({ operatorSet: operatorSetOf(2n), rollups: [PARAMETERS] });
  await store.prune({ kind: "sets", belowEpoch: 2n, except: new Set() });
  shell.state().epochs.clear();
  expect(await viewed.view.operatorSet(1n)).toEqual(PRUNED);
  expect(await viewed.view.setUpdate(1n)).toEqual(PRUNED);
  must(await viewed.view.operatorSet(2n));
  expect(await viewed.view.operatorSet(3n)).toEqual({ ok: false, code: "unknown-epoch" });
  viewed.node.clock.now *= 10;
  expect(await viewed.view.setUpdate(2n)).toEqual(PRUNED);
});

it("participation that has gone is not told as if nothing had been expected", async () => {
  const { node, view } = await create();
  must(await view.operators(1n));
  const operators = [{ operator: operatorAt(0), ...NOTHING }];
  const record = { rollupId: ROLLUP_ID, throughBlockNumber: 1n, operators };
  await node.store.putParticipation([{ ...record, epoch: 40n }]);
  expect(await view.operators(1n)).toEqual(PRUNED);
});
