import { decodeCompactCertificate, encodeCompactCertificate } from "@mach/api";
import { createPortableBls } from "@mach/bls/portable";
import { toCertificate } from "@mach/core";
import { encodeCertificateCall, FINALITY_LIGHT_CLIENT_ABI } from "@mach/settlement";
import { expect, test } from "vitest";
import { prefersBytes } from "../../src/http/answer.ts";
import { fixture } from "./memory-view.ts";
import { PATHS, readCode, startTestServer } from "./test-server.ts";

const { certificate, operatorSet } = fixture;
const BYTES = "application/octet-stream";
const ROUTES_WITH_FORMATS = ["certificate", "certificateById"] as const;

test.each(ROUTES_WITH_FORMATS)("%s in the compact form, by address and by Accept", async (id) => {
  const { url } = await startTestServer();
  const asked = [
    fetch(`${url}${PATHS[id]}?format=compact`),
    fetch(`${url}${PATHS[id]}`, { headers: { accept: BYTES } }),
    fetch(`${url}${PATHS[id]}?minWeightBps=10000`, { headers: { accept: `${BYTES}, */*;q=0.1` } }),
  ];
  for (const response of await Promise.all(asked)) {
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(BYTES);
    expect(response.headers.get("vary")).toBe("accept");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(response.headers.get("content-length")).toBe(String(bytes.length));
    expect(bytes).toEqual(encodeCompactCertificate(certificate));
    expect(decodeCompactCertificate(bytes)).toEqual(toCertificate(certificate));
  }
});

test.each(ROUTES_WITH_FORMATS)("%s as the calldata of two contracts", async (id) => {
  const { url } = await startTestServer();
  const response = await fetch(`${url}${PATHS[id]}?format=calldata`);
  expect([response.status, response.headers.get("vary")]).toEqual([200, "accept"]);
  const { data } = (await response.json()) as { data: Record<string, string> };
  const { domain, thresholdBps, certificateId } = certificate;
  const trust = { domain, thresholdBps, operatorSetHash: operatorSet.operatorSetHash };
  const verify = encodeCertificateCall(createPortableBls(), certificate, { operatorSet, trust });
  expect(data).toEqual({
    certificateId,
    verify: verify.ok && verify.calldata,
    submitCertificate: expect.stringMatching(/^0x[0-9a-f]+$/),
  });
  // The selector, then the claim, then where the signers begin.
  expect(
    FINALITY_LIGHT_CLIENT_ABI.some((each) => JSON.stringify(each).includes("submitCert")),
  ).toBe(true);
  expect(data["submitCertificate"]).toContain(certificate.claim.blockHash.slice(2));
});

test("each form has its ETag, and none is kept for another", async () => {
  const { url } = await startTestServer();
  const etags = new Set<string>();
  for (const format of ["json", "compact", "calldata", "json"]) {
    const response = await fetch(`${url}${PATHS.certificateById}?format=${format}`);
    await response.arrayBuffer();
    const etag = response.headers.get("etag") ?? "";
    etags.add(etag);
    const headers = { "if-none-match": etag };
    const again = await fetch(`${url}${PATHS.certificateById}?format=${format}`, { headers });
    expect([format, again.status, again.headers.get("vary")]).toEqual([format, 304, "accept"]);
  }
  expect(etags.size).toBe(3);
});

test("an error is JSON, whatever was to be accepted", async () => {
  const { url } = await startTestServer();
  const response = await fetch(`${url}${PATHS.certificate}?minSignedWeight=${2n ** 127n}`, {
    headers: { accept: BYTES },
  });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: "not-yet" });
});

test("another format is malformed, and other routes have none", async () => {
  const { url } = await startTestServer();
  expect(await readCode(`${url}${PATHS.certificate}?format=xml`)).toEqual([400, "malformed"]);
  expect(await readCode(`${url}${PATHS.block}?format=json`)).toEqual([400, "malformed"]);
  const headers = { accept: BYTES };
  const response = await fetch(`${url}${PATHS.block}`, { headers });
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
});

test("calldata that cannot be made now is unavailable, not empty", async () => {
  const { url } = await startTestServer({
    parts: { calldata: () => ({ ok: false, code: "unavailable" }) },
  });
  expect(await readCode(`${url}${PATHS.certificateById}?format=calldata`)).toEqual([
    503,
    "unavailable",
  ]);
});

test.each([
  [undefined, false],
  ["", false],
  ["*/*", false],
  ["application/*", false],
  ["application/json", false],
  ["text/html, application/xhtml+xml, */*;q=0.8", false],
  ["application/json, application/octet-stream", false],
  ["application/octet-stream;q=0", false],
  ["application/octet-stream;q=0.5, application/json", false],
  ["application/octet-stream;q=2", false],
  ["application/octet-stream", true],
  ["Application/Octet-Stream; q=0.2", true],
  ["application/octet-stream, */*;q=0.1", true],
  ["application/json;q=0.5, application/octet-stream;q=0.9", true],
])("Accept: %s asks for bytes: %s", (accept, isForBytes) => {
  expect(prefersBytes(accept)).toBe(isForBytes);
});
