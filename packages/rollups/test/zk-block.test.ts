import { type Hex, keccak256, keccak256Text, ZERO_HASH } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkZkBlock, eraPreimage, legacyEraPreimage, rollingHash } from "../src/zk-block.ts";
import { createEraChain } from "./support/era-chain.ts";
import { eraBlock, isthmusHeader, l2BlockHashes } from "./support/vectors.ts";

const [, , raw] = createEraChain([2]).blocks;

describe("the hash of an EraVM block", () => {
  it("is that of zksync-era's own vector, from protocol version 13 on", () => {
    const { number, timestamp, prevL2BlockHash, txsRollingHash, hash } = l2BlockHashes.modern;
    const preimage = eraPreimage({
      blockNumber: BigInt(number),
      timestamp: BigInt(timestamp),
      parentHash: prevL2BlockHash,
      transactionsRollingHash: txsRollingHash,
    });
    expect(preimage).toHaveLength(2 + 2 * 128);
    expect(keccak256(preimage)).toBe(hash);
  });

  it("was made of the number alone before, as in that vector and in a real block", () => {
    const { number, hash } = l2BlockHashes.legacy;
    expect(keccak256(legacyEraPreimage(BigInt(number)))).toBe(hash);
    expect(checkZkBlock(eraBlock)).toMatchObject({
      ok: true,
      block: { blockNumber: 9_627_753n, blockHash: eraBlock.hash, stateRoot: ZERO_HASH },
    });
  });

  it("starts the rolling hash at zero", () => {
    expect(rollingHash([])).toBe(ZERO_HASH);
    const hash = keccak256Text("transaction");
    expect(rollingHash([hash])).toBe(keccak256(`${ZERO_HASH}${hash.slice(2)}`));
  });
});

describe("an EraVM block", () => {
  it("attests order, not state: its roots are the batch's", () => {
    expect(checkZkBlock(raw)).toMatchObject({
      ok: true,
      block: {
        blockNumber: 2n,
        stateRoot: ZERO_HASH,
        outputRoot: null,
        unverifiable: "needs-batch",
      },
    });
    // A state root that a node shows is under no hash.
    const shown = checkZkBlock({ ...raw, stateRoot: keccak256Text("state") });
    expect(shown).toMatchObject({ ok: true, block: { stateRoot: ZERO_HASH } });
  });

  it("is never claimed under the legacy hash, which is of its number alone", () => {
    expect(checkZkBlock(eraBlock)).toMatchObject({ block: { unverifiable: "no-claim" } });
  });

  it("has number, time, parent and transactions under its hash", () => {
    const transactions = [keccak256Text("another")];
    for (const change of [
      { number: "0x3" },
      { timestamp: "0x1" },
      { parentHash: ZERO_HASH },
      { transactions },
    ]) {
      expect(checkZkBlock({ ...raw, ...change })).toMatchObject({
        ok: false,
        code: "hash-mismatch",
      });
    }
  });

  it("is read with whole transactions as well as with their hashes", () => {
    const hashes = raw?.["transactions"] as readonly Hex[];
    expect(hashes.length).toBeGreaterThan(1);
    const whole = { ...raw, transactions: hashes.map((hash) => ({ hash, nonce: "0x1" })) };
    expect(checkZkBlock(whole)).toEqual(checkZkBlock(raw));
    expect(checkZkBlock({ ...raw, transactions: hashes.toReversed() })).toMatchObject({
      code: "hash-mismatch",
    });
  });

  it.each(["number", "timestamp", "parentHash", "hash", "transactions"])("needs %s", (field) => {
    const failure = { ok: false, code: "malformed", field };
    for (const value of [undefined, null, 5, "0x", [7], `0x${"f".repeat(65)}`]) {
      expect(checkZkBlock({ ...raw, [field]: value })).toEqual(failure);
    }
  });

  it("is parsed or refused, never thrown over", () => {
    const field = fc.constantFrom("number", "timestamp", "parentHash", "hash", "transactions");
    fc.assert(
      fc.property(field, fc.jsonValue(), (name, value) => {
        expect(checkZkBlock({ ...raw, [name]: value }).ok).toBe(false);
      }),
    );
    expect(checkZkBlock(null)).toEqual({ ok: false, code: "malformed", field: "block" });
  });
});

describe("a block with Ethereum's header, as ZKsync OS has them", () => {
  it("stands by its header's hash, and nothing tells its batch", () => {
    expect(checkZkBlock(isthmusHeader)).toMatchObject({
      ok: true,
      block: { blockHash: isthmusHeader.hash, outputRoot: null, unverifiable: "no-claim" },
    });
    const changed = { ...isthmusHeader, gasUsed: "0x1" };
    expect(checkZkBlock(changed)).toMatchObject({ ok: false, code: "hash-mismatch" });
  });
});
