import { RLP } from "@ethereumjs/rlp";
import { keccak256, toHex } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHeader } from "../src/header.ts";
import { isthmusHeader, realHeaders } from "./support/vectors.ts";

const TAIL = [
  "baseFeePerGas",
  "withdrawalsRoot",
  "blobGasUsed",
  "excessBlobGas",
  "parentBeaconBlockRoot",
  "requestsHash",
];
const BASE = [
  "parentHash",
  "sha3Uncles",
  "miner",
  "stateRoot",
  "transactionsRoot",
  "receiptsRoot",
  "logsBloom",
  "difficulty",
  "number",
  "gasLimit",
  "gasUsed",
  "timestamp",
  "extraData",
  "mixHash",
  "nonce",
];
const QUANTITIES = ["difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"];

describe("a real header", () => {
  it.each(realHeaders)("hashes to what its chain says: $name", ({ header }) => {
    const checked = checkHeader(header);
    expect(checked).toMatchObject({ ok: true, blockHash: header.hash });
    if (checked.ok) expect(keccak256(checked.headerRlp)).toBe(header.hash);
  });

  it.each(realHeaders)("has each field under its hash: $name", ({ header }) => {
    for (const field of [...BASE, ...TAIL]) {
      const value = header[field];
      if (typeof value !== "string" || value === "0x") continue;
      const last = value.at(-1) === "0" ? "1" : "0";
      const changed = checkHeader({ ...header, [field]: value.slice(0, -1) + last });
      expect(changed, field).toMatchObject({ ok: false, code: "hash-mismatch", got: header.hash });
    }
  });

  it("is read with leading zeros, capital letters and unknown fields", () => {
    const { number, miner, hash } = isthmusHeader;
    const raw = {
      ...isthmusHeader,
      number: `0x0000${number.slice(2)}`,
      miner: `0x${String(miner).slice(2).toUpperCase()}`,
      hash: `0x${hash.slice(2).toUpperCase()}`,
      globalExitRoot: "0x1234",
      l1BlockNumber: null,
    };
    expect(checkHeader(raw)).toMatchObject({ ok: true, blockHash: hash });
  });

  it("never takes the hash from the source", () => {
    const lie = { ...isthmusHeader, hash: `0x${"ab".repeat(32)}` };
    expect(checkHeader(lie)).toMatchObject({
      ok: false,
      code: "hash-mismatch",
      expected: isthmusHeader.hash,
      got: lie.hash,
    });
  });
});

describe("a header with a field that no known fork has", () => {
  const unknown = { ...isthmusHeader, blockAccessListHash: `0x${"11".repeat(32)}` };

  it("stands where its hash is right without it", () => {
    expect(checkHeader(unknown)).toMatchObject({ ok: true, blockHash: isthmusHeader.hash });
  });

  it("is of an unknown fork where its hash is another one, and never gets a wrong hash", () => {
    const hash = keccak256("0x12");
    expect(checkHeader({ ...unknown, hash })).toEqual({
      ok: false,
      code: "unknown-header-fields",
      field: "blockAccessListHash",
      expected: isthmusHeader.hash,
      got: hash,
    });
  });

  it("is a plain mismatch where the field is absent, or known to stand beside a header", () => {
    const hash = keccak256("0x12");
    for (const beside of [
      { blockAccessListHash: null },
      { l1BlockNumber: "0x1", sendRoot: "0x" },
    ]) {
      expect(checkHeader({ ...isthmusHeader, ...beside, hash })).toMatchObject({
        code: "hash-mismatch",
      });
    }
  });

  it("is not repeated to people where its name is no name", () => {
    for (const name of ["\u001b[31m", "x".repeat(65), "a b"]) {
      const checked = checkHeader({ ...isthmusHeader, [name]: "0x1", hash: keccak256("0x12") });
      expect(checked).toMatchObject({ code: "unknown-header-fields", field: "(unreadable)" });
    }
  });
});

describe("a malformed header", () => {
  it.each([null, undefined, 1, "0x", [], [isthmusHeader]])("is no object: %j", (raw) => {
    expect(checkHeader(raw)).toEqual({ ok: false, code: "malformed", field: "block" });
  });

  it.each([...BASE, "hash"])("lacks %s", (field) => {
    const failure = { ok: false, code: "malformed", field };
    expect(checkHeader({ ...isthmusHeader, [field]: undefined })).toEqual(failure);
    expect(checkHeader({ ...isthmusHeader, [field]: null })).toEqual(failure);
  });

  it.each(TAIL.slice(0, -1))("has a field after the absent %s", (field) => {
    const after = TAIL[TAIL.indexOf(field) + 1];
    const failure = { ok: false, code: "malformed", field: after };
    expect(checkHeader({ ...isthmusHeader, [field]: null })).toEqual(failure);
    expect(checkHeader({ ...isthmusHeader, [field]: undefined })).toEqual(failure);
  });

  it.each(["excessBlobGas", "parentBeaconBlockRoot"])("ends before %s, as no fork did", (field) => {
    const cut = Object.fromEntries(TAIL.slice(TAIL.indexOf(field)).map((each) => [each, null]));
    const checked = checkHeader({ ...isthmusHeader, ...cut });
    expect(checked).toEqual({ ok: false, code: "malformed", field });
  });

  it.each<readonly [string, unknown]>([
    ...QUANTITIES.flatMap((field) =>
      [5, "0x", "5", "0x-5", "0x 5", `0x${"f".repeat(65)}`].map((value) => [field, value] as const),
    ),
    ["number", "0x10000000000000000"],
    ["timestamp", `0x${"0".repeat(65)}`],
    ["stateRoot", `0x${"11".repeat(31)}`],
    ["stateRoot", `0x${"11".repeat(33)}`],
    ["stateRoot", `0x${"1g".repeat(32)}`],
    ["stateRoot", `0X${"11".repeat(32)}`],
    ["stateRoot", `0x${"11".repeat(32)}\n`],
    ["stateRoot", { toString: () => isthmusHeader.hash }],
    ["nonce", "0x0"],
    ["miner", `0x${"11".repeat(32)}`],
    ["logsBloom", "0x"],
    ["extraData", "0x123"],
    ["extraData", `0x${"11".repeat(4097)}`],
    ["requestsHash", "0x"],
    ["hash", "0x1234"],
  ])("has a bad %s: %j", (field, value) => {
    const checked = checkHeader({ ...isthmusHeader, [field]: value });
    expect(checked).toEqual({ ok: false, code: "malformed", field });
  });
});

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hash = bytes(32);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const ARBITRARIES: Readonly<Record<string, fc.Arbitrary<Uint8Array | bigint>>> = {
  ...Object.fromEntries([...BASE, ...TAIL].map((field) => [field, hash])),
  miner: bytes(20),
  logsBloom: bytes(256),
  nonce: bytes(8),
  extraData: fc.uint8Array({ maxLength: 40 }),
  ...Object.fromEntries(
    [...QUANTITIES, "blobGasUsed", "excessBlobGas"].map((field) => [field, uint64]),
  ),
};

describe("any header", () => {
  const header = fc.tuple(fc.record(ARBITRARIES), fc.constantFrom(15, 16, 17, 20, 21));

  it("hashes over the RLP of its fields in order, whatever their values", () => {
    fc.assert(
      fc.property(header, fc.nat({ max: 4 }), ([values, count], zeros) => {
        const fields = [...BASE, ...TAIL].slice(0, count);
        const list = fields.map((field) => values[field] ?? 0n);
        const rlp = RLP.encode(list);
        const raw: Record<string, string> = { hash: keccak256(rlp) };
        for (const field of fields) {
          const value = values[field] ?? 0n;
          raw[field] =
            typeof value === "bigint"
              ? `0x${"0".repeat(zeros)}${value.toString(16)}`
              : toHex(value);
        }
        const checked = checkHeader(raw);
        expect(checked).toMatchObject({ ok: true, headerRlp: toHex(rlp), blockHash: raw["hash"] });
        if (!checked.ok) return;
        expect(checked.header.number).toBe(values["number"]);
        expect(checked.header.requestsHash === null).toBe(count < 21);
      }),
    );
  });

  it("is parsed or refused, never thrown over", () => {
    const field = fc.constantFrom(...BASE, ...TAIL, "hash");
    fc.assert(
      fc.property(field, fc.jsonValue(), (name, value) => {
        const checked = checkHeader({ ...isthmusHeader, [name]: value });
        expect(checked.ok).toBe(value === isthmusHeader[name]);
      }),
    );
  });
});
