import type { ClientResult } from "@mach/api";
import { type SetUpdate, toCertificate } from "@mach/core";
import { expect, test } from "vitest";
import {
  alert,
  certifiedBlock,
  evidenceFixture,
  finality,
  fixture,
  health,
  inclusionProof,
  operatorReport,
  operatorSummary,
  rollup,
  rollupId,
  unknownBlock,
} from "./memory-view.ts";
import { startTestServer, TRANSACTION_HASH } from "./test-server.ts";

const { certificate, operatorSet } = fixture;
const { blockNumber, blockHash } = certificate.claim;
const certificateDocument = toCertificate(certificate);

test("network and rollups", async () => {
  const { client } = await startTestServer();
  expect(await client.get("network", {})).toMatchObject({
    ok: true,
    answer: { data: { domain: certificate.domain, epochSeconds: 60n } },
  });
  expect(await client.get("rollups", {})).toEqual({ ok: true, answer: { data: [rollup] } });
  expect(await client.get("rollup", { rollupId })).toEqual({
    ok: true,
    answer: { data: rollup },
  });
});

test("finality, with the certificate alone and not what verification added to it", async () => {
  const { client } = await startTestServer();
  expect(await client.get("finality", { rollupId })).toEqual({
    ok: true,
    answer: { data: { ...finality, certificate: certificateDocument } },
  });
});

test("blocks by number and by hash, and transactions", async () => {
  const { client } = await startTestServer();
  const data = { ...certifiedBlock, certificate: certificateDocument };
  for (const block of [blockNumber, blockHash]) {
    expect(await client.get("block", { rollupId, block })).toEqual({
      ok: true,
      answer: { data },
    });
  }
  expect(await client.get("block", { rollupId, block: 1n })).toEqual({
    ok: true,
    answer: { data: unknownBlock },
  });
  expect(await client.get("transaction", { rollupId, transactionHash: TRANSACTION_HASH })).toEqual({
    ok: true,
    answer: {
      data: { transactionHash: TRANSACTION_HASH, ...data, proof: inclusionProof, proofGap: null },
    },
  });
});

test("operators of an epoch, and one of them by address", async () => {
  const { client } = await startTestServer();
  const { epoch, operator } = operatorSummary;
  for (const asked of [undefined, "current", epoch] as const) {
    const answer = await client.get("operators", asked === undefined ? {} : { epoch: asked });
    expect(answer).toEqual({ ok: true, answer: { data: [operatorSummary] } });
  }
  expect(await client.get("operators", { epoch: epoch + 9n })).toMatchObject({
    code: "unknown-epoch",
  });
  const answer = { data: operatorReport, next: null };
  expect(await client.get("operator", { operator })).toEqual({ ok: true, answer });
  const stranger = `0x${"ee".repeat(20)}` as const;
  expect(await client.get("operator", { operator: stranger })).toMatchObject({
    code: "unknown-operator",
  });
});

test("certificates by height, by id and as a list", async () => {
  const { client } = await startTestServer();
  const { certificateId } = certificate;
  const byHeight = await client.get("certificate", { rollupId, blockNumber });
  expect(byHeight).toMatchObject({
    ok: true,
    answer: { data: certificateDocument, rule: { basis: "certificate", thresholdBps: 6667 } },
  });
  expect(await client.get("certificateById", { certificateId })).toEqual(byHeight);
  expect(await client.get("certificates", { rollupId, from: 7n, limit: 5 })).toEqual({
    ok: true,
    answer: { data: [certificateDocument], next: null },
  });
  expect(await client.get("certificates", { rollupId, from: blockNumber + 1n })).toEqual({
    ok: true,
    answer: { data: [], next: null },
  });
});

test("operator sets by number and as the current one", async () => {
  const { client } = await startTestServer();
  for (const epoch of [operatorSet.epoch, "current"] as const) {
    expect(await client.get("operatorSet", { epoch })).toEqual({
      ok: true,
      answer: { data: operatorSet },
    });
  }
});

test("set updates are kept by caches once nobody can sign any more", async () => {
  const { epoch, operatorSetHash } = operatorSet;
  const update: SetUpdate = {
    ...{ version: 1, domain: certificate.domain, epoch, operatorSetHash },
    ...{ signedBy: `0x${"12".repeat(32)}`, signers: "0x07", signature: `0x${"34".repeat(96)}` },
  };
  const value = { update, isImproving: true };
  const { client, url } = await startTestServer({
    parts: { setUpdate: () => ({ ok: true, value }) },
  });
  expect(await client.get("setUpdate", { epoch })).toEqual({ ok: true, answer: { data: update } });
  const cacheOf = async (name: bigint | "current"): Promise<string | null> =>
    (await fetch(`${url}/v1/epochs/${name}/update`)).headers.get("cache-control");
  expect(await cacheOf(epoch)).toBe("public, max-age=1");
  value.isImproving = false;
  expect(await cacheOf(epoch)).toBe("public, max-age=60");
  expect(await cacheOf("current")).toBe("public, max-age=1");
  const first = await fetch(`${url}/v1/epochs/${epoch}/update`);
  const headers = { "if-none-match": first.headers.get("etag") ?? "" };
  expect((await fetch(`${url}/v1/epochs/${epoch}/update`, { headers })).status).toBe(304);
});

test("a set update that does not stand is not cached, and the answer says what is missing", async () => {
  const { url } = await startTestServer();
  const response = await fetch(`${url}/v1/epochs/${operatorSet.epoch}/update`);
  expect([response.status, response.headers.get("cache-control")]).toEqual([404, "no-store"]);
  const { message } = (await response.json()) as { message: string };
  expect(message).toMatch(/ 2 of 3 have signed\.$/);
});

test("evidence page by page, alerts and health", async () => {
  const { client } = await startTestServer();
  const seen = [];
  let from: bigint | undefined = 0n;
  while (from !== undefined) {
    const page: ClientResult<"evidence"> = await client.get("evidence", { from, limit: 4 });
    if (!page.ok) throw new Error(page.message);
    seen.push(...page.answer.data);
    from = page.answer.next ?? undefined;
  }
  expect(seen).toEqual(evidenceFixture);
  const alerts = { data: [alert], next: null };
  expect(await client.get("alerts", {})).toEqual({ ok: true, answer: alerts });
  expect(await client.get("health", {})).toEqual({ ok: true, answer: { data: health } });
});

test("a rollup's finality is built anew for each turn in which it is asked for", async () => {
  let built = 0;
  const { url } = await startTestServer({
    parts: {
      finality: () => {
        built += 1;
        return { ok: true, value: { ...finality, latencyMs: built } };
      },
    },
  });
  const address = `${url}/v1/rollups/${rollupId}/finality`;
  const latency = async () => {
    const { data } = (await (await fetch(address)).json()) as { data: { latencyMs: number } };
    return data.latencyMs;
  };
  expect([await latency(), await latency(), await latency()]).toEqual([1, 2, 3]);
});

test("text beyond ASCII arrives whole", async () => {
  const message = "Zahler leer: \u00e9\u20ac\u{1f980}";
  const { client, url } = await startTestServer({
    parts: { alerts: () => [{ ...alert, message }] },
  });
  expect(await client.get("alerts", {})).toMatchObject({ answer: { data: [{ message }] } });
  const response = await fetch(`${url}/v1/alerts`);
  const { byteLength } = await response.arrayBuffer();
  expect(response.headers.get("content-length")).toBe(String(byteLength));
});

test("alerts page by page, and all that fit where no limit is given", async () => {
  const all = Array.from({ length: 130 }, (_, i) => ({
    ...alert,
    alertId: `0x${i.toString(16).padStart(64, "0")}`,
  }));
  const { client } = await startTestServer({ parts: { alerts: () => all } });
  const first = await client.get("alerts", {});
  if (!first.ok || first.answer.next === null) throw new Error("no second page");
  const second = await client.get("alerts", { from: first.answer.next, limit: 100 });
  if (!second.ok) throw new Error(second.code);
  expect([...first.answer.data, ...second.answer.data]).toEqual(all);
  expect(second.answer.next).toBeNull();
  const gone = await client.get("alerts", { from: `0x${"ff".repeat(32)}` });
  expect(gone).toEqual({ ok: true, answer: { data: [], next: null } });
});
