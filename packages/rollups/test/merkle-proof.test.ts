import { RLP } from "@ethereumjs/rlp";
import { fromHex, type Hex, keccak256, toHex } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { provenAccount } from "../src/merkle-proof.ts";
import { outputAtBlock } from "./support/vectors.ts";

const { proof, storageHash } = outputAtBlock;
const wanted = { address: proof.address, stateRoot: outputAtBlock.header["stateRoot"] as Hex };

describe("a real account proof", () => {
  it("gives the account's storage root", () => {
    expect(proof.accountProof).toHaveLength(8);
    expect(provenAccount(proof, wanted)).toMatchObject({ storageRoot: storageHash });
  });

  it("never takes what the node says beside the proof", () => {
    const lie = { ...proof, storageHash: wanted.stateRoot, codeHash: wanted.stateRoot };
    expect(provenAccount(lie, wanted)).toEqual(provenAccount(proof, wanted));
  });

  it("is of one account under one root", () => {
    const address: Hex = "0x4200000000000000000000000000000000000016";
    expect(provenAccount(proof, { ...wanted, address })).toBeNull();
    expect(provenAccount(proof, { ...wanted, stateRoot: keccak256("0x") })).toBeNull();
  });

  it("needs each of its nodes, in order, and no other", () => {
    const nodes = proof.accountProof;
    for (const index of nodes.keys()) {
      expect(provenAccount({ accountProof: nodes.toSpliced(index, 1) }, wanted)).toBeNull();
    }
    expect(provenAccount({ accountProof: nodes.toReversed() }, wanted)).toBeNull();
    expect(provenAccount({ accountProof: [...nodes, nodes[0]] }, wanted)).toBeNull();
    expect(provenAccount({ accountProof: [] }, wanted)).toBeNull();
  });

  it("has every byte under its hashes", () => {
    const at = fc.nat({ max: proof.accountProof.length - 1 });
    fc.assert(
      fc.property(at, fc.nat(), fc.integer({ min: 1, max: 255 }), (node, position, change) => {
        const bytes = fromHex(proof.accountProof[node] ?? "0x");
        const index = position % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        const accountProof = proof.accountProof.with(node, toHex(bytes));
        expect(provenAccount({ accountProof }, wanted)).toBeNull();
      }),
    );
  });

  it("is parsed or refused, never thrown over", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(provenAccount(value, wanted)).toBeNull();
        expect(provenAccount({ accountProof: value }, wanted)).toBeNull();
        expect(provenAccount({ accountProof: [value] }, wanted)).toBeNull();
      }),
    );
  });
});

describe("a trie of one account", () => {
  const account = RLP.encode([1, 2, fromHex(storageHash), fromHex(keccak256("0x"))]);
  const leafFor = (address: Hex, flag: number, value: Uint8Array): Hex => {
    const path = Uint8Array.from([flag, ...fromHex(keccak256(address))]);
    return toHex(RLP.encode([path, value]));
  };
  const read = (leaf: Hex) =>
    provenAccount({ accountProof: [leaf] }, { ...wanted, stateRoot: keccak256(leaf) });

  it("is its leaf", () => {
    expect(read(leafFor(wanted.address, 0x20, account))).toMatchObject({
      storageRoot: storageHash,
    });
  });

  it.each([
    ["another account's", leafFor("0x4200000000000000000000000000000000000016", 0x20, account)],
    ["no leaf", leafFor(wanted.address, 0x00, account)],
    ["of an unknown flag", leafFor(wanted.address, 0x40, account)],
    ["padded with a nibble", leafFor(wanted.address, 0x21, account)],
    ["no account", leafFor(wanted.address, 0x20, RLP.encode([1, 2, 3]))],
    [
      "an account with a short root",
      leafFor(wanted.address, 0x20, RLP.encode([1, 2, fromHex("0x12"), fromHex(keccak256("0x"))])),
    ],
    ["no RLP", "0xf8"],
    ["a list of three", toHex(RLP.encode([account, account, account]))],
  ] as const)("is not one that is %s", (_, leaf) => {
    expect(read(leaf)).toBeNull();
  });
});
