import { keccak256, toHex } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeReceipt } from "../src/receipt-rlp.ts";
import { encodeTransaction } from "../src/transaction-rlp.ts";
import { realBodies, toRpcReceipt, toRpcTransaction } from "./support/real-bodies.ts";

/** A transaction of each type that the real blocks lack, signed and hashed by ethers 6.17. */
const TYPED = [
  {
    type: "0x1",
    hash: "0xcb61a4a8d06d7ce867aa2ee99d7cacf98efe6bd45eaa02030dc0ea2382fc9e0d",
    chainId: "0x385",
    nonce: "0x12c",
    gas: "0x186a0",
    to: "0x3535353535353535353535353535353535353535",
    value: "0xde0b6b3a7640000",
    input: "0x0102",
    accessList: [
      {
        address: "0xabababababababababababababababababababab",
        storageKeys: ["0x0000000000000000000000000000000000000000000000000000000000000001"],
      },
    ],
    v: "0x0",
    r: "0x5cc1cbc89183c2cff72df99ed04ebe61efad5adb318a0a523dbed8fd5ea1d964",
    s: "0x154b8e292fe36af711eeea561d227c2a87e9c766777a2a0f1a18bc1049d004cd",
    gasPrice: "0x7",
  },
  {
    type: "0x3",
    hash: "0xf42cedbc30355ecb2862a3d1baa16a71e50baa1a0d8800a2ade5ba52d196c04d",
    chainId: "0x385",
    nonce: "0x12c",
    gas: "0x186a0",
    to: "0x3535353535353535353535353535353535353535",
    value: "0xde0b6b3a7640000",
    input: "0x0102",
    accessList: [],
    v: "0x1",
    r: "0xc4603b5e59d77b46cb97ba34ad78abc7afc4f726b60c10e9c45149b6f48b9bf5",
    s: "0x4a2d8e2b27956af49fe59af3660f0cf28f6a3ab1248de5b970df56dc4f69d790",
    maxPriorityFeePerGas: "0x1",
    maxFeePerGas: "0x3e8",
    maxFeePerBlobGas: "0x5",
    blobVersionedHashes: ["0x0122222222222222222222222222222222222222222222222222222222222222"],
  },
  {
    type: "0x4",
    hash: "0x94ee24ba1e34b42ae9f9b464c3c7e1841d0fd0d4c269f6bc83d329501ceadc19",
    chainId: "0x385",
    nonce: "0x12c",
    gas: "0x186a0",
    to: "0x3535353535353535353535353535353535353535",
    value: "0xde0b6b3a7640000",
    input: "0x0102",
    accessList: [
      {
        address: "0xabababababababababababababababababababab",
        storageKeys: ["0x0000000000000000000000000000000000000000000000000000000000000001"],
      },
    ],
    v: "0x1",
    r: "0xe96b62ebe7fc4b626a8bd12238fa0dbb37a0c92894de55dd20ebe881aad97f9b",
    s: "0x46be2cb35b3ac1627eb51292b4ff7ec2c1575d89aa2bbc576a15512cb64e71f9",
    maxPriorityFeePerGas: "0x1",
    maxFeePerGas: "0x3e8",
    authorizationList: [
      {
        chainId: "0x385",
        address: "0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        nonce: "0x1",
        yParity: "0x0",
        r: "0x231b2fdfdfb81f961e458c09d4e8c4a548d9b5d258cb2a0d5db23bc35f48cd3b",
        s: "0x5a71779a7c7aad50ea26304a51d155b18fd468ea71474e2203281091e0807d43",
      },
    ],
  },
];

describe("a transaction as JSON-RPC tells it", () => {
  it("is the bytes of the real block, of each type that is there", () => {
    const types = new Set<unknown>();
    for (const raw of realBodies.flatMap(({ transactions }) => transactions)) {
      const told = toRpcTransaction(raw);
      types.add(told["type"]);
      expect(toHex(encodeTransaction(told) ?? new Uint8Array())).toBe(raw);
    }
    expect([...types].sort()).toEqual(["0x0", "0x2", "0x7e"]);
  });

  it.each(TYPED)("of type $type hashes to its hash", ({ hash, ...told }) => {
    expect(keccak256(encodeTransaction(told) ?? new Uint8Array())).toBe(hash);
  });

  it("is nothing for a type that is not known, or with a field that is none", () => {
    const told = toRpcTransaction(realBodies[0]?.transactions[1] ?? "0x");
    for (const wrong of [
      { type: "0x68" },
      { nonce: null },
      { to: "0x12" },
      { value: "12" },
      { input: "0x1" },
    ]) {
      expect(encodeTransaction({ ...told, ...wrong })).toBeNull();
    }
  });
});

describe("a receipt as JSON-RPC tells it", () => {
  it("is the bytes of the real block, a deposit's with its nonce and version", () => {
    for (const { transactions, receipts } of realBodies) {
      for (const [index, raw] of receipts.entries()) {
        const told = toRpcReceipt(raw, keccak256(transactions[index] ?? "0x"));
        expect(toHex(encodeReceipt(told, "status") ?? new Uint8Array())).toBe(raw);
      }
    }
  });

  it("of a deposit without a version is hashed without its nonce: so it was before Canyon", () => {
    const raw = realBodies[0]?.receipts[0] ?? "0x";
    const told = toRpcReceipt(raw, "0x");
    const before = { ...told, depositReceiptVersion: undefined };
    const bytes = toHex(encodeReceipt(before, "status") ?? new Uint8Array());
    const never = { ...before, depositNonce: undefined };
    expect(bytes).toBe(toHex(encodeReceipt(never, "status") ?? new Uint8Array()));
    expect(bytes).not.toBe(raw);
  });

  it("begins with the state after it where the chain has no status", () => {
    const told = toRpcReceipt(realBodies[0]?.receipts[1] ?? "0x", "0x");
    const root = `0x${"5a".repeat(32)}`;
    expect(encodeReceipt(told, "state")).toBeNull();
    const bytes = encodeReceipt({ ...told, root, status: undefined }, "state");
    expect(toHex(bytes ?? new Uint8Array())).toContain(root.slice(2));
  });

  it("is nothing without one of its parts", () => {
    const told = toRpcReceipt(realBodies[0]?.receipts[1] ?? "0x", "0x");
    for (const name of ["status", "cumulativeGasUsed", "logsBloom", "logs"]) {
      expect(encodeReceipt({ ...told, [name]: undefined }, "status")).toBeNull();
    }
    const log = { address: `0x${"11".repeat(20)}`, topics: ["0x12"], data: "0x" };
    expect(encodeReceipt({ ...told, logs: [log] }, "status")).toBeNull();
  });
});

it("whatever a source tells is encoded or refused, never thrown over", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (told) => {
      encodeTransaction(told);
      encodeReceipt(told, "status");
    }),
  );
});
