import { readFileSync } from "node:fs";
import { type Certificate, certificateId, claimDigest, type Hex, toHex } from "@mach/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeCompactCertificate, encodeCompactCertificate } from "../src/compact-certificate.ts";
import { parseCertificate } from "../src/documents.ts";

interface Case {
  readonly certificate: unknown;
  readonly expect: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../../test/vectors/mach/certificates.json", import.meta.url), "utf8"),
) as readonly Case[];
const valid = vectors
  .filter((each) => each.expect === "valid")
  .map(({ certificate }) => {
    const parsed = parseCertificate(certificate);
    if (!parsed.ok) throw new Error(parsed.path);
    return parsed.value;
  });
const [golden] = valid;
if (golden === undefined) throw new Error("no valid certificate in the vectors");

const hexOf = (length: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(toHex);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const certificates: fc.Arbitrary<Certificate> = fc
  .record({
    domain: fc.record({
      chainId: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
      verifyingContract: hexOf(20),
    }),
    claim: fc.record({
      rollupId: uint64,
      blockNumber: uint64,
      blockHash: hexOf(32),
      stateRoot: hexOf(32),
      outputRoot: hexOf(32),
      timestamp: uint64,
      epoch: uint64,
      verification: fc.constantFrom(1, 2),
    }),
    operatorSetHash: hexOf(32),
    signers: fc.uint8Array({ minLength: 1, maxLength: 256 }).map(toHex),
    signature: hexOf(96),
  })
  .map((parts) => {
    const digest = claimDigest(parts.domain, parts.claim);
    return { version: 1, certificateId: certificateId({ ...parts, digest }), ...parts };
  });

test("the encoding is the one that is documented, byte for byte", () => {
  const { domain, claim, operatorSetHash, signers, signature } = golden;
  const uint = (value: bigint | number, bytes: number): string =>
    value.toString(16).padStart(2 * bytes, "0");
  const fields = [
    "01",
    uint(domain.chainId, 32),
    domain.verifyingContract.slice(2),
    uint(claim.rollupId, 8),
    uint(claim.blockNumber, 8),
    claim.blockHash.slice(2),
    claim.stateRoot.slice(2),
    claim.outputRoot.slice(2),
    uint(claim.timestamp, 8),
    uint(claim.epoch, 8),
    uint(claim.verification, 1),
    operatorSetHash.slice(2),
    uint((signers.length - 2) / 2, 2),
    signers.slice(2),
    signature.slice(2),
  ];
  expect(toHex(encodeCompactCertificate(golden))).toBe(`0x${fields.join("")}`);
  expect(toHex(encodeCompactCertificate(golden))).toMatchInlineSnapshot(
    `"0x010000000000000000000000000000000000000000000000000000000000007a6951cbbfb68417acf09be637f1cd93e72c1214c273000000000000a4b1000000014aca0b6c404fe67e1b81e38bcb9ff12efe468e868d253d98f8867ebc7d13f531d30a1af8f707956dacea20a37c31a8b2338f886e147b61c8144a2209e8ce17ba0eb25c300000000000000000000000000000000000000000000000000000000000000000000000006933c930000000000000006402ea61add7b6b8c03fda33725a074dcdb3c3853a7d656b2b159c1e0e75825f2294000101a88039b93063877cf6e98ea1e1791d588f0eda9c1f44b6fb83f7b559fd8032a95e21ec0e6c22d3cd7f70f1fa2983910207730a7dc1db62f61e22b595b14249a90e3d92b4006b5185dde0ae9460b82e7c19d38151eb5e51159711254f2fa0e611"`,
  );
});

test("every valid certificate of the vectors comes back whole, with its id", () => {
  expect(valid.length).toBeGreaterThan(2);
  for (const each of valid) {
    expect(decodeCompactCertificate(encodeCompactCertificate(each))).toEqual(each);
  }
});

test("any certificate comes back as it was", () => {
  fc.assert(
    fc.property(certificates, (certificate) => {
      const bytes = encodeCompactCertificate(certificate);
      expect(bytes.length).toBe(312 + (certificate.signers.length - 2) / 2);
      expect(decodeCompactCertificate(bytes)).toEqual(certificate);
    }),
    { numRuns: 50 },
  );
});

test("a certificate has one encoding: what is decoded encodes to the same bytes", () => {
  const bytes = encodeCompactCertificate(golden);
  const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(flips, fc.integer({ min: -2, max: 2 }), (changes, longer) => {
      const changed = new Uint8Array(bytes.length + longer);
      changed.set(bytes.subarray(0, changed.length));
      for (const [at, value] of changes) changed[at] = value;
      const decoded = decodeCompactCertificate(changed);
      if (decoded !== null) expect(encodeCompactCertificate(decoded)).toEqual(changed);
    }),
    { numRuns: 200 },
  );
});

test.each([
  ["another version", 0, 2],
  ["no level", 181, 0],
  ["a level that there is not", 181, 3],
  ["a longer bitfield than there is", 215, 2],
])("%s is malformed", (_, at, value) => {
  const bytes = encodeCompactCertificate(golden);
  expect(bytes[at]).not.toBe(value);
  bytes[at] = value;
  expect(decodeCompactCertificate(bytes)).toBeNull();
});

test("too few and too many bytes are malformed", () => {
  const bytes = encodeCompactCertificate(golden);
  for (const length of [0, 1, 312, bytes.length - 1]) {
    expect(decodeCompactCertificate(bytes.subarray(0, length))).toBeNull();
  }
  expect(decodeCompactCertificate(new Uint8Array(312 + 257).fill(1))).toBeNull();
});

test("what is no certificate's is not encoded", () => {
  const wrong: readonly Partial<Certificate>[] = [
    { signature: "0x00" },
    { signers: "0x" },
    { signers: `0x${"01".repeat(257)}` },
    { operatorSetHash: "0x12" },
    { claim: { ...golden.claim, blockNumber: 2n ** 64n } },
    { claim: { ...golden.claim, blockNumber: -1n } },
  ];
  for (const part of wrong) {
    expect(() => encodeCompactCertificate({ ...golden, ...part })).toThrow(RangeError);
  }
});
