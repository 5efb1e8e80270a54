import { toHex } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeAttestations,
  decodeCertificate,
  decodeEvidenceMessage,
  encodeAttestations,
  encodeCertificate,
  encodeEvidenceMessage,
} from "../../src/gossip/wire.ts";
import { certificates, damaged, groups } from "./arbitraries.ts";
import { attestationAt, CODEC, certificateAt, DOMAIN, evidenceAt } from "./network.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("an attestations message", () => {
  it("comes back as it was written", () => {
    fc.assert(
      fc.property(groups, (group) => {
        expect(decodeAttestations(encodeAttestations(group))).toEqual(group);
      }),
      { numRuns: 60 },
    );
  });

  it("has the documented layout", () => {
    const message = encodeAttestations([attestationAt(0x0102030405060708n)]);
    expect(message.length).toBe(1 + 20 + 1 + 2 + 129 + 192);
    expect(hex(message.subarray(0, 24))).toBe(`01${"a1".repeat(20)}c00001`);
    expect(hex(message.subarray(24, 40))).toBe("00000000000003850102030405060708");
    const timestamp = 1_700_000_000n + 0x0102030405060708n;
    const times = `${timestamp.toString(16).padStart(16, "0")}0000000000000003`;
    expect(hex(message.subarray(24 + 16 + 96, 24 + 128))).toBe(times);
    expect(message[24 + 128]).toBe(1);
  });

  it("decodes to nothing, or to what encodes to the same bytes, when it is damaged", () => {
    fc.assert(
      fc.property(
        groups.chain((group) => damaged(encodeAttestations(group))),
        (bytes) => {
          const decoded = decodeAttestations(bytes);
          if (decoded !== null) expect(hex(encodeAttestations(decoded))).toBe(hex(bytes));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("survives any bytes", () => {
    const bytes = fc.uint8Array({ maxLength: 700 });
    fc.assert(
      fc.property(bytes, (any) => {
        const decoded = decodeAttestations(any);
        if (decoded !== null) expect(hex(encodeAttestations(decoded))).toBe(hex(any));
      }),
    );
  });

  it.each([
    ["another version", 0, 2],
    ["a signature length that there is not", 21, 48],
    ["no attestation", 23, 0],
    ["a count beyond the bytes", 23, 2],
    ["a count beyond the limit", 22, 1],
    ["a verification level that there is not", 24 + 128, 3],
  ])("is malformed with %s", (_, at, value) => {
    const bytes = encodeAttestations([attestationAt(1n)]).slice();
    bytes[at] = value;
    expect(decodeAttestations(bytes)).toBeNull();
  });

  it("is refused by the encoder for none, 65, mixed operators and integers beyond 64 bits", () => {
    const one = attestationAt(1n);
    const other = attestationAt(1n, `0x${"b2".repeat(20)}`);
    const tooHigh = { ...one, claim: { ...one.claim, epoch: 2n ** 64n } };
    expect(() => encodeAttestations([])).toThrow(RangeError);
    expect(() => encodeAttestations(Array.from({ length: 65 }, () => one))).toThrow(RangeError);
    expect(() => encodeAttestations([one, other])).toThrow(RangeError);
    expect(() => encodeAttestations([tooHigh])).toThrow(RangeError);
  });
});

describe("a certificate message", () => {
  it("comes back as it was written, in the network's domain", () => {
    fc.assert(
      fc.property(certificates, (certificate) => {
        expect(decodeCertificate(encodeCertificate(certificate), DOMAIN)).toEqual(certificate);
      }),
    );
  });

  it("decodes to nothing, or to what encodes to the same bytes, when it is damaged", () => {
    const bytes = certificates.chain((each) => damaged(encodeCertificate(each)));
    fc.assert(
      fc.property(bytes, (any) => {
        const decoded = decodeCertificate(any, DOMAIN);
        if (decoded !== null) expect(hex(encodeCertificate(decoded))).toBe(hex(any));
      }),
      { numRuns: 500 },
    );
  });

  it("is malformed with a bitfield of no byte, and of more than 512", () => {
    const certificate = certificateAt(1n);
    const bytes = encodeCertificate(certificate).slice();
    bytes[1 + 32 + 129 + 32 + 1] = 0;
    expect(decodeCertificate(bytes, DOMAIN)).toBeNull();
    const wide = { ...certificate, signers: toHex(new Uint8Array(513)) };
    expect(() => encodeCertificate(wide)).toThrow(RangeError);
  });
});

describe("an evidence message", () => {
  it("comes back as it was written", () => {
    const message = encodeEvidenceMessage(CODEC, evidenceAt(9n));
    expect(decodeEvidenceMessage(CODEC, message)).toEqual(evidenceAt(9n));
  });

  it("has one encoding: the same document with a space more is malformed", () => {
    const message = encodeEvidenceMessage(CODEC, evidenceAt(9n));
    const spaced = Buffer.concat([message.subarray(0, 2), Buffer.from(" "), message.subarray(2)]);
    expect(decodeEvidenceMessage(CODEC, spaced)).toBeNull();
    expect(decodeEvidenceMessage(CODEC, message.slice(0, -1))).toBeNull();
    expect(decodeEvidenceMessage(CODEC, Uint8Array.of(1))).toBeNull();
  });
});
