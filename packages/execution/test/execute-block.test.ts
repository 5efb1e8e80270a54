import { toHex } from "@mach/core";
import { describe, expect, it } from "vitest";
import type { ExecutionInput } from "../src/block-input.ts";
import { executeBlock } from "../src/execute-block.ts";
import { keccak } from "../src/keccak.ts";
import type { Verdict } from "../src/verdict.ts";
import { readRealBlock, realHeaders, withHeader } from "./support/real-blocks.ts";

const IS_LONG = process.env["MACH_LONG"] === "1";
const SMALLEST = 26207960;
const small = readRealBlock(SMALLEST);

function withTransactions(
  change: (transactions: readonly Uint8Array[]) => readonly Uint8Array[],
): ExecutionInput {
  return { ...small, block: { ...small.block, transactions: change(small.block.transactions) } };
}

function last<T>(items: readonly T[]): T {
  const item = items.at(-1);
  if (item === undefined) throw new Error("empty");
  return item;
}

describe("a real block of OP Sepolia", () => {
  it.each(realHeaders)("$number re-executes to its hash", async ({ number, hash, header }) => {
    const verdict = await executeBlock(readRealBlock(number));
    expect(verdict).toMatchObject({
      outcome: "valid",
      blockHash: hash,
      gasUsed: BigInt(header["gasUsed"] ?? 0),
    });
  });

  it("re-executes to its header where that is known", async () => {
    expect(await executeBlock(withHeader(small))).toMatchObject({ outcome: "valid" });
  });

  it("needs no order in its witness, and counts what it does not need", async () => {
    const witness = [...small.witness].reverse();
    const plain = await executeBlock({ ...small, witness });
    const surplus = [...witness, Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
    const counted = await executeBlock({ ...small, witness: surplus });
    expect(counted).toEqual({ ...plain, surplus: (plain as { surplus: number }).surplus + 2 });
  });
});

describe("a block that is not the one of its hash is invalid", () => {
  it("with its last transaction dropped", async () => {
    const verdict = await executeBlock(withTransactions((all) => all.slice(0, -1)));
    expect(verdict).toMatchObject({ outcome: "invalid", field: "blockHash" });
  });

  it("with each other transaction dropped, unless the witness lacks what it then reads", async () => {
    const count = small.block.transactions.length;
    for (let index = 0; index < count - 1; index++) {
      const verdict = await executeBlock(withTransactions((all) => all.toSpliced(index, 1)));
      expect(verdict.outcome).not.toBe("valid");
    }
  });

  it("with two transactions swapped", async () => {
    const verdict = await executeBlock(
      withTransactions((all) => [...all.slice(0, -2), ...all.slice(-2).reverse()]),
    );
    expect(verdict).toMatchObject({ outcome: "invalid" });
  });

  it("with a byte of the attributes deposit altered", async () => {
    const verdict = await executeBlock(
      withTransactions(([deposit, ...rest]) => {
        const altered = Uint8Array.from(deposit ?? []);
        altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
        return [altered, ...rest];
      }),
    );
    expect(verdict).toMatchObject({ outcome: "invalid", field: "blockHash" });
  });

  it("with a transaction that is no transaction", async () => {
    const verdict = await executeBlock(
      withTransactions((all) => [...all.slice(0, -1), last(all).slice(0, -1)]),
    );
    const index = small.block.transactions.length - 1;
    expect(verdict).toMatchObject({ outcome: "invalid", field: `transactions[${index}]` });
  });

  it("with a transaction twice", async () => {
    const verdict = await executeBlock(withTransactions((all) => [...all, last(all)]));
    const index = small.block.transactions.length;
    expect(verdict).toMatchObject({ outcome: "invalid", field: `transactions[${index}]` });
  });

  it.each(["gasUsed", "mixHash", "logsBloom", "receiptsRoot", "nonce", "number", "baseFeePerGas"])(
    "on a parent whose %s was changed",
    async (field) => {
      const before = small.parent[field as keyof typeof small.parent];
      const changed = typeof before === "bigint" ? before + 1n : `0x1${before?.slice(3)}`;
      const parent = { ...small.parent, [field]: changed } as ExecutionInput["parent"];
      const verdict = await executeBlock({ ...small, parent });
      expect(verdict).toMatchObject({ outcome: "invalid", field: "blockHash" });
    },
  );

  it("with another hash claimed for it", async () => {
    const block = { ...small.block, blockHash: `0x${"11".repeat(32)}` as const };
    expect(await executeBlock({ ...small, block })).toEqual({
      outcome: "invalid",
      field: "blockHash",
      expected: small.block.blockHash,
      got: block.blockHash,
    });
  });

  it.each(["stateRoot", "receiptsRoot", "withdrawalsRoot"])(
    "with another %s in its header, which is named",
    async (field) => {
      const wrong = `0x${"22".repeat(32)}`;
      const right = realHeaders.find((each) => each.number === SMALLEST)?.header[field];
      expect(await executeBlock(withHeader(small, { [field]: wrong }))).toEqual({
        outcome: "invalid",
        field,
        expected: right,
        got: wrong,
      });
    },
  );

  it.each(["gasUsed", "baseFeePerGas", "number"])(
    "with another %s in its header",
    async (field) => {
      const verdict = await executeBlock(withHeader(small, { [field]: "0x7" }));
      expect(verdict).toMatchObject({ outcome: "invalid", field, got: "7" });
    },
  );
});

describe("what is wrong with the data says nothing about the block", () => {
  it("a parent that does not link", async () => {
    const input = withHeader(small, { parentHash: `0x${"33".repeat(32)}` });
    expect(await executeBlock(input)).toMatchObject({ code: "wrong-parent" });
  });

  it("a body that the header does not commit to", async () => {
    const input = withHeader(small);
    const block = { ...input.block, transactions: input.block.transactions.slice(1) };
    expect(await executeBlock({ ...input, block })).toMatchObject({ code: "wrong-body" });
  });

  it("a fork whose rules are not known", async () => {
    const forks = [...small.rules.forks, { name: "jovian", timestamp: 1n }];
    const rules = { ...small.rules, forks };
    expect(await executeBlock({ ...small, rules })).toMatchObject({ code: "unsupported-fork" });
  });

  it("a header with the fields of another fork than is configured", async () => {
    const input = withHeader(small, { requestsHash: `0x${"00".repeat(32)}` });
    expect(await executeBlock(input)).toMatchObject({ code: "unsupported-fork" });
  });

  it("no witness at all", async () => {
    const verdict = await executeBlock({ ...small, witness: [] });
    expect(verdict).toMatchObject({
      outcome: "unverifiable",
      code: "missing-preimage",
      missing: [{ kind: "trie-node", hash: small.parent.stateRoot, account: null, path: "" }],
    });
  });

  it("any preimage that execution reads taken out: unverifiable, and named", {
    timeout: IS_LONG ? 1_200_000 : 60_000,
  }, async () => {
    const step = IS_LONG ? 1 : Math.ceil(small.witness.length / 24);
    const outcomes = { valid: 0, unverifiable: 0 };
    for (let index = 0; index < small.witness.length; index += step) {
      const verdict = await executeBlock({ ...small, witness: small.witness.toSpliced(index, 1) });
      expect(verdict.outcome).not.toBe("invalid");
      if (verdict.outcome === "invalid") return;
      outcomes[verdict.outcome]++;
      if (verdict.outcome === "unverifiable") expectNamed(verdict, small.witness[index]);
    }
    // The rest are what the witness has in surplus.
    expect(outcomes.unverifiable).toBeGreaterThan(0.9 * (small.witness.length / step));
    if (IS_LONG) expect(outcomes.valid).toBe(12);
  });
});

function expectNamed(verdict: Verdict, removed: Uint8Array | undefined): void {
  const missing = verdict.outcome === "unverifiable" ? verdict.missing : [];
  expect(missing.map((each) => each.hash)).toEqual([toHex(keccak(removed ?? new Uint8Array()))]);
}
