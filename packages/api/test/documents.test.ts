import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  encodeAttestation,
  encodeCertificate,
  encodeEvidence,
  encodeOperatorSet,
  encodePeerBinding,
  encodeSetUpdate,
  MAX_HEADERS,
  MAX_OPERATORS,
  parseAttestation,
  parseCertificate,
  parseClaim,
  parseEvidence,
  parseOperatorSet,
  parsePeerBinding,
  parseSetUpdate,
} from "../src/documents.ts";

function readVectors(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../../test/vectors/mach/${name}.json`, import.meta.url), "utf8"),
  );
}

interface CertificateCase {
  readonly name: string;
  readonly expect: string;
  readonly certificate: Record<string, unknown> & { readonly claim: Record<string, unknown> };
  readonly operatorSet: Record<string, unknown>;
}

const certificates = readVectors("certificates") as readonly CertificateCase[];
const valid = certificates[0] as CertificateCase;
const evidence = readVectors("evidence") as {
  readonly cases: readonly { readonly name: string; readonly evidence: unknown }[];
};
const setUpdates = readVectors("set-updates") as {
  readonly cases: readonly { readonly name: string; readonly update: unknown }[];
};
const operatorSets = readVectors("operator-sets") as readonly Record<string, unknown>[];

function read<T>(result: { ok: true; value: T } | { ok: false; path: string }): T {
  if (!result.ok) throw new Error(`malformed at ${result.path}`);
  return result.value;
}

test.each(certificates)("the certificate '$name' is read and written unchanged", (each) => {
  const parsed = parseCertificate(each.certificate);
  if (each.name === "a signature of the wrong length") {
    expect(parsed).toEqual({ ok: false, code: "malformed", path: "signature" });
  } else {
    expect(encodeCertificate(read(parsed))).toEqual(each.certificate);
  }
});

test.each(certificates)("the operator set of '$name' is read and written unchanged", (each) => {
  expect(encodeOperatorSet(read(parseOperatorSet(each.operatorSet)))).toEqual(each.operatorSet);
});

test.each(evidence.cases)("the evidence '$name' is read and written unchanged", (each) => {
  expect(encodeEvidence(read(parseEvidence(each.evidence)))).toEqual(each.evidence);
});

test.each(setUpdates.cases)("the set update '$name' is read and written unchanged", (each) => {
  expect(encodeSetUpdate(read(parseSetUpdate(each.update)))).toEqual(each.update);
});

test("an operator set with fields beside its own is refused", () => {
  expect(parseOperatorSet(operatorSets[0])).toEqual({
    ok: false,
    code: "malformed",
    path: "aggregatePublicKeyEip2537",
  });
});

test("false set updates and peer bindings are read and written unchanged", () => {
  const address = `0x${"ab".repeat(20)}`;
  const falseUpdate = {
    kind: "false-set-update",
    operators: [address],
    update: setUpdates.cases[0]?.update,
    registryHash: `0x${"01".repeat(32)}`,
  };
  expect(encodeEvidence(read(parseEvidence(falseUpdate)))).toEqual(falseUpdate);
  const binding = {
    operator: address,
    peerId: "0x0024",
    sequence: "0",
    expiry: "18446744073709551615",
    signature: `0x${"cd".repeat(96)}`,
  };
  expect(encodePeerBinding(read(parsePeerBinding(binding)))).toEqual(binding);
  const attestation = {
    claim: valid.certificate.claim,
    operator: address,
    signature: binding.signature,
  };
  expect(encodeAttestation(read(parseAttestation(attestation)))).toEqual(attestation);
});

test.each([
  ["a number for an integer", { blockNumber: 7 }, "blockNumber"],
  ["a leading zero", { blockNumber: "07" }, "blockNumber"],
  ["a sign", { blockNumber: "-1" }, "blockNumber"],
  ["an exponent", { blockNumber: "1e3" }, "blockNumber"],
  ["hex for an integer", { blockNumber: "0x7" }, "blockNumber"],
  ["nothing for an integer", { blockNumber: "" }, "blockNumber"],
  ["a line break after an integer", { blockNumber: "7\n" }, "blockNumber"],
  ["digits of another script", { blockNumber: "٣" }, "blockNumber"],
  ["2^64", { blockNumber: "18446744073709551616" }, "blockNumber"],
  ["a thousand digits", { blockNumber: "9".repeat(1000) }, "blockNumber"],
  ["upper-case hex", { blockHash: `0x${"AB".repeat(32)}` }, "blockHash"],
  ["hex without 0x", { blockHash: "ab".repeat(32) }, "blockHash"],
  ["a hash that is too long", { blockHash: `0x${"ab".repeat(33)}` }, "blockHash"],
  ["a hash and a line break", { blockHash: `0x${"ab".repeat(32)}\n` }, "blockHash"],
  ["verification level 0", { verification: 0 }, "verification"],
  ["verification level 3", { verification: 3 }, "verification"],
  ["a verification level in a string", { verification: "1" }, "verification"],
  ["an unknown key", { extra: "1" }, "extra"],
])("a claim with %s is malformed", (_, change, path) => {
  const claim = { ...valid.certificate.claim, ...change };
  expect(parseClaim(claim)).toEqual({ ok: false, code: "malformed", path });
  expect(parseCertificate({ ...valid.certificate, claim })).toEqual({
    ok: false,
    code: "malformed",
    path: `claim.${path}`,
  });
});

test("2^64 - 1 is the largest number of a claim", () => {
  const claim = { ...valid.certificate.claim, blockNumber: "18446744073709551615" };
  expect(read(parseClaim(claim)).blockNumber).toBe(2n ** 64n - 1n);
});

test.each([
  ["no bitfield", { signers: "0x" }, "signers"],
  ["a bitfield of half a byte", { signers: "0x1" }, "signers"],
  ["a bitfield of 257 bytes", { signers: `0x${"00".repeat(257)}` }, "signers"],
  ["another version", { version: 2 }, "version"],
  ["no signature", { signature: undefined }, "signature"],
  ["a signature of 192 bytes", { signature: `0x${"ab".repeat(192)}` }, "signature"],
])("a certificate with %s is malformed", (_, change, path) => {
  const certificate = { ...valid.certificate, ...change };
  expect(parseCertificate(certificate)).toEqual({ ok: false, code: "malformed", path });
});

test("more operators and more headers than the bounds are malformed", () => {
  const operators = Array.from({ length: MAX_OPERATORS + 1 }, (_, index) => ({
    index: index % MAX_OPERATORS,
    operator: `0x${"ab".repeat(20)}`,
    publicKey: `0x${"cd".repeat(48)}`,
    weight: "1",
  }));
  expect(parseOperatorSet({ ...valid.operatorSet, operators })).toMatchObject({
    path: "operators",
  });
  const full = { ...valid.operatorSet, operators: operators.slice(1) };
  expect(parseOperatorSet(full)).toMatchObject({ ok: true });
  const conflict = evidence.cases.find((each) => each.name.includes("on a fork"));
  const headers = Array.from({ length: MAX_HEADERS + 1 }, () => "0xc0");
  expect(parseEvidence({ ...(conflict?.evidence as object), headers })).toMatchObject({
    path: "headers",
  });
});

test("an unknown kind of evidence is malformed", () => {
  expect(parseEvidence({ kind: "rumour" })).toMatchObject({ ok: false, path: "kind" });
});

test("a key that is no name is not repeated in the path", () => {
  const claim = { ...valid.certificate.claim, "\u001b[31m": 1 };
  expect(parseClaim(claim)).toEqual({ ok: false, code: "malformed", path: "" });
});

test("JSON that is no document is malformed, and never thrown at", () => {
  const parsers = [parseClaim, parseAttestation, parseCertificate, parseEvidence, parseOperatorSet];
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      for (const parse of [...parsers, parseSetUpdate, parsePeerBinding]) {
        expect(parse(json)).toMatchObject({ ok: false, code: "malformed" });
      }
    }),
  );
});

test("any one field replaced by any JSON is malformed or comes back equal", () => {
  const keys = Object.keys(valid.certificate.claim);
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, json) => {
      const claim = { ...valid.certificate.claim, [key]: json };
      const parsed = parseCertificate({ ...valid.certificate, claim });
      if (parsed.ok) expect(encodeCertificate(parsed.value).claim).toEqual(claim);
      else expect(parsed.path).toBe(`claim.${key}`);
    }),
  );
});
