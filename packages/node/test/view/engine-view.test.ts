import { encodeCertificate, encodeEvidence, MAX_PAGE_ITEMS, type NodeEvent } from "@mach/api";
import { keccak256 } from "@mach/core";
import { describe, expect, it } from "vitest";
import { UNREAD_STATUS } from "../../src/engine/settled-claims-follower.ts";
import { createEventHub } from "../../src/view/events.ts";
import {
  blockAt,
  certify,
  claimAt,
  DOMAIN,
  doubleAttestation,
  PARAMETERS,
  ROLLUP_ID,
  SCHEDULE,
} from "../engine/engine-node.ts";
import { documentOf } from "./documents.ts";
import {
  ALL,
  blockStatus,
  certifyAt,
  create,
  must,
  pruneFirst,
  type Viewed,
} from "./viewed-node.ts";

describe("a certificate", () => {
  it("by height: not yet, then as it stands, from the store too", async () => {
    const viewed = await create();
    const { view } = viewed;
    expect(await view.certificate(ROLLUP_ID, 2n)).toEqual({ ok: false, code: "not-yet" });
    await certifyAt(viewed, 2n);
    const held = must(await view.certificate(ROLLUP_ID, 2n));
    expect(held).toMatchObject({ isImproving: true, certificate: { signedWeight: 100n } });
    await pruneFirst(viewed);
    const stored = must(await view.certificate(ROLLUP_ID, 2n));
    expect(stored).toEqual({ ...held, isImproving: false });
    expect(await view.certificate(7n, 2n)).toEqual({ ok: false, code: "unknown-rollup" });
  });

  it("from the store is verified once, and one that does not verify is never served", async () => {
    const viewed = await create();
    await certifyAt(viewed, 1n, 2n);
    await pruneFirst(viewed);
    for (let i = 0; i < 3; i++) must(await viewed.view.certificate(ROLLUP_ID, 2n));
    expect(viewed.verifications).toBe(1);
    const [good, other] = [certify(claimAt(2n), ALL), certify(claimAt(1n), ALL)];
    await viewed.node.store.putCertificate({ ...good, signature: other.signature });
    const missing = { ok: false, code: "no-certificate" };
    expect(await viewed.view.certificate(ROLLUP_ID, 2n)).toEqual(missing);
    const byId = await viewed.view.certificateById(good.certificateId);
    expect(byId).toEqual({ ok: false, code: "unknown-certificate" });
  });

  it("by id is served whatever stands at its height", async () => {
    const viewed = await create();
    const first = certify(claimAt(2n), [1, 2, 3]);
    await viewed.node.shell.receiveCertificate(first);
    await certifyAt(viewed, 2n);
    const value = must(await viewed.view.certificateById(first.certificateId));
    expect(encodeCertificate(value.certificate)).toEqual(encodeCertificate(first));
    const unknown = await viewed.view.certificateById(`0x${"00".repeat(32)}`);
    expect(unknown).toEqual({ ok: false, code: "unknown-certificate" });
  });

  it("pages go through all heights once, at the greatest size too", async () => {
    const viewed = await create();
    const heights = Array.from({ length: MAX_PAGE_ITEMS + 5 }, (_, i) => BigInt(i + 1));
    const certificates = heights.map((number) => certify(claimAt(number), [1, 2, 3]));
    for (const each of certificates) await viewed.node.store.putCertificate(each);
    const seen: bigint[] = [];
    const sizes: number[] = [];
    let from: bigint | null = 0n;
    while (from !== null) {
      const page: { data: readonly { claim: { blockNumber: bigint } }[]; next: bigint | null } =
        must(await viewed.view.certificates(ROLLUP_ID, { from, limit: MAX_PAGE_ITEMS }));
      seen.push(...page.data.map((each) => each.claim.blockNumber));
      sizes.push(page.data.length);
      from = page.next;
    }
    expect([seen, sizes]).toEqual([heights, [MAX_PAGE_ITEMS, 5]]);
    const newest = must(await viewed.view.certificates(ROLLUP_ID, { from: undefined, limit: 2 }));
    expect(newest.data.map((each) => each.claim.blockNumber)).toEqual([104n, 105n]);
    expect(newest.next).toBeNull();
  });
});

it("a block in memory is told of in the turn in which it is asked for, with or without a policy", async () => {
  const viewed = await create();
  await certifyAt(viewed, 2n);
  for (const key of [2n, blockAt(2n).blockHash]) {
    for (const policy of [undefined, { minWeightBps: 6_667 }]) {
      // Answers of one turn are shared: a promise would cost each its own.
      expect(viewed.view.block(ROLLUP_ID, key, policy)).toMatchObject({
        value: { status: "fast-final" },
      });
    }
  }
});

describe("a block by number that memory has left", () => {
  it("is fast-final by its own certificate from the store", async () => {
    const viewed = await create();
    await certifyAt(viewed, 2n);
    await pruneFirst(viewed);
    const status = await blockStatus(viewed, 2n);
    const { blockHash, timestamp } = claimAt(2n);
    expect(status).toMatchObject({
      status: "fast-final",
      block: { blockNumber: 2n, blockHash, timestamp },
      rule: { basis: "certificate", signedWeight: 100n },
      headers: [],
      reason: null,
    });
    expect((await blockStatus(viewed, 3n)).status).toBe("unknown");
  });

  it("whose certificate was contradicted is contradicted", async () => {
    const viewed = await create();
    await certifyAt(viewed, 2n);
    await viewed.node.shell.receiveCertificate(certify(claimAt(2n, 1), ALL));
    await viewed.node.shell.settle();
    viewed.finalize(10n);
    await pruneFirst(viewed);
    viewed.node.shell.state().rollups.get(ROLLUP_ID)?.contradicted.clear();
    const status = await blockStatus(viewed, 2n);
    expect(status).toMatchObject({
      status: "contradicted",
      rule: { basis: "contradiction" },
      reason: { code: "contradicted" },
    });
    const certificate = await viewed.view.certificate(ROLLUP_ID, 2n);
    expect(certificate).toEqual({ ok: false, code: "contradicted" });
  });
});

describe("a contradiction", () => {
  async function contradicted(): Promise<Viewed> {
    const viewed = await create();
    await certifyAt(viewed, 3n, 5n, 7n);
    await viewed.node.shell.receiveCertificate(certify(claimAt(5n, 1), ALL));
    await viewed.node.shell.settle();
    return viewed;
  }

  it("stops every way to a certificate at and above it, and none below", async () => {
    const viewed = await contradicted();
    const code = "contradicted";
    for (const number of [5n, 7n]) {
      expect(await viewed.view.certificate(ROLLUP_ID, number)).toEqual({ ok: false, code });
    }
    expect((await viewed.view.certificate(ROLLUP_ID, 3n)) as object).toMatchObject({ ok: true });
    const page = must(await viewed.view.certificates(ROLLUP_ID, { from: 0n, limit: 10 }));
    expect(page.data.map((each) => each.claim.blockNumber)).toEqual([3n]);
    const statuses = await Promise.all([3n, 4n, 5n, 6n, 7n].map((n) => blockStatus(viewed, n)));
    expect(statuses.map((each) => [each.status, each.reason?.code ?? null])).toEqual([
      ["fast-final", null],
      ["observed", "below-threshold"],
      ["contradicted", "contradicted"],
      ["observed", "contradicted"],
      ["attested", "contradicted"],
    ]);
  });

  it("a block that only a suspended certificate names is not fast-final", async () => {
    const viewed = await contradicted();
    await certifyAt(viewed, 30n);
    const status = await blockStatus(viewed, 30n);
    expect([status.status, status.certificate]).toEqual(["unknown", null]);
  });

  it("when L1 has passed it, what is above is served again, and it itself never", async () => {
    const viewed = await contradicted();
    viewed.finalize(6n);
    expect((await viewed.view.certificate(ROLLUP_ID, 7n)) as object).toMatchObject({ ok: true });
    const fifth = await viewed.view.certificate(ROLLUP_ID, 5n);
    expect(fifth).toEqual({ ok: false, code: "contradicted" });
  });
});

describe("everything else", () => {
  it("the network and its rollups, with the parameters of the current epoch", async () => {
    const viewed = await create();
    const network = await viewed.view.network();
    documentOf("network", network);
    expect(network).toMatchObject({ domain: DOMAIN, ...SCHEDULE, currentEpoch: 0n });
    const rollup = must(await viewed.view.rollup(ROLLUP_ID));
    const held = viewed.node.shell.state().rollups.get(ROLLUP_ID);
    if (held === undefined) throw new Error("no rollup");
    held.lock = "fork-locked";
    expect(must(await viewed.view.rollup(ROLLUP_ID)).abstention).toBe("fork-locked");
    held.lock = null;
    const settlement = UNREAD_STATUS;
    const ofNode = { abstention: null, agree: 1, sources: [], settlement };
    expect(rollup).toEqual({ ...PARAMETERS, epoch: 0n, ...ofNode });
    documentOf("rollups", await viewed.view.rollups());
    expect(await viewed.view.rollup(7n)).toEqual({ ok: false, code: "unknown-rollup" });
    viewed.node.clock.now += Number(SCHEDULE.epochSeconds) * 1_000;
    expect(must(await viewed.view.rollup(ROLLUP_ID)).epoch).toBe(1n);
  });

  it("a rollup that no known set lists is unavailable", async () => {
    const viewed = await create();
    viewed.node.shell.state().epochs.clear();
    expect(await viewed.view.rollup(ROLLUP_ID)).toEqual({ ok: false, code: "unavailable" });
    expect(await viewed.view.rollups()).toEqual([]);
  });

  it("an operator set from memory or the store, and none that was never fixed", async () => {
    const viewed = await create();
    const { view, node } = viewed;
    const current = must(await view.operatorSet("current"));
    documentOf("operatorSet", current);
    node.shell.state().epochs.clear();
    expect(must(await view.operatorSet(0n))).toEqual(current);
    expect(await view.operatorSet(9n)).toEqual({ ok: false, code: "unknown-epoch" });
    expect(await view.setUpdate(0n)).toMatchObject({ ok: false, code: "no-update" });
    expect(await view.setUpdate(9n)).toEqual({ ok: false, code: "unknown-epoch" });
    node.clock.now = 0;
    expect(await view.operatorSet("current")).toEqual({ ok: false, code: "unknown-epoch" });
  });

  it("evidence in pages, in the order of keeping", async () => {
    const viewed = await create();
    const evidence = [0, 1, 2].map((i) => doubleAttestation(i, 3n));
    for (const each of evidence) await viewed.node.shell.receiveEvidence(each);
    const first = await viewed.view.evidence({ from: 0n, limit: 2 });
    const second = await viewed.view.evidence({ from: first.next ?? undefined, limit: 2 });
    expect([first.next, second.next]).toEqual([2n, null]);
    expect([...first.data, ...second.data].map(encodeEvidence)).toEqual(
      evidence.map(encodeEvidence),
    );
  });

  it("events reach every listener until it leaves", async () => {
    const hub = createEventHub();
    const heard: string[] = [];
    const event = { topic: "alert", rollupId: null } as NodeEvent;
    const leave = hub.subscribe(() => heard.push("first"));
    hub.subscribe(() => heard.push("second"));
    hub.publish(event);
    leave();
    hub.publish(event);
    expect(heard).toEqual(["first", "second", "second"]);
  });

  it("the headers of a covered block lead from it to its certificate", async () => {
    const viewed = await create();
    await certifyAt(viewed, 8n);
    const { headers, certificate, block } = await blockStatus(viewed, 5n);
    const hashes = headers?.map((header) => keccak256(header));
    expect(hashes).toEqual([8n, 7n, 6n].map((number) => blockAt(number).blockHash));
    expect(hashes?.[0]).toBe(certificate?.claim.blockHash);
    expect(block?.blockHash).toBe(blockAt(6n).parentHash);
  });
});
