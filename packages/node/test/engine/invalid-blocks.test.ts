import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hex } from "@mach/core";
import { type InvalidBlock, parseBlockFile } from "@mach/execution";
import { expect, it, onTestFinished } from "vitest";
import { createInvalidBlocks } from "../../src/engine/invalid-blocks.ts";

const HASH: Hex = `0x${"00".repeat(32)}`;
const HEADER: InvalidBlock["input"]["parent"] = {
  ...{ parentHash: HASH, sha3Uncles: HASH, stateRoot: HASH, transactionsRoot: HASH },
  ...{ receiptsRoot: HASH, mixHash: HASH, miner: `0x${"00".repeat(20)}` },
  ...{ logsBloom: `0x${"00".repeat(256)}`, extraData: "0x", nonce: `0x${"00".repeat(8)}` },
  ...{ difficulty: 0n, number: 6n, gasLimit: 1n, gasUsed: 0n, timestamp: 0n, baseFeePerGas: 1n },
  ...{ withdrawalsRoot: null, blobGasUsed: null, excessBlobGas: null },
  ...{ parentBeaconBlockRoot: null, requestsHash: null },
};

function invalidAt(blockNumber: bigint, witness: readonly Uint8Array[] = []): InvalidBlock {
  const blockHash: Hex = `0x${blockNumber.toString(16).padStart(2, "0").repeat(32)}`;
  return {
    blockHash,
    blockNumber,
    verdict: { outcome: "invalid", field: "stateRoot", expected: "a", got: "b" },
    input: {
      rules: {
        ...{ profile: "evm", chainId: 902n, forks: [] },
        baseFee: { denominator: 8n, elasticity: 2n },
      },
      block: { kind: "header", header: HEADER, transactions: [], withdrawals: [] },
      parent: HEADER,
      witness,
    },
  };
}

function setUp() {
  const dataDir = mkdtempSync(join(tmpdir(), "mach-invalid-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  return { dataDir, blocks: createInvalidBlocks(dataDir) };
}

it("an invalid block is kept in a file that can be executed, for its owner alone", async () => {
  const { dataDir, blocks } = setUp();
  const invalid = invalidAt(7n, [Uint8Array.of(1, 2)]);
  expect(blocks.fileOf(invalid)).toBeNull();
  await blocks.keep(902n, invalid);
  const name = blocks.fileOf(invalid) ?? "";
  expect(name).toBe("invalid-blocks/902-7-0707070707070707.json.gz");
  expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600);
  const parsed = parseBlockFile(readFileSync(join(dataDir, name)));
  expect(parsed).toMatchObject({ ok: true, input: { rules: invalid.input.rules } });
});

it("the newest 16 are kept, whatever else lies in the folder", async () => {
  const { dataDir, blocks } = setUp();
  await blocks.keep(902n, invalidAt(1n));
  const folder = join(dataDir, "invalid-blocks");
  writeFileSync(join(folder, "902-0-left.json.gz.tmp"), "cut short");
  for (const [age, name] of readdirSync(folder).entries()) {
    utimesSync(join(folder, name), age + 1, age + 1);
  }
  for (let number = 2n; number <= 18n; number++) await blocks.keep(902n, invalidAt(number));
  const names = readdirSync(folder);
  expect(names).toHaveLength(16);
  expect(names.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  expect(blocks.fileOf(invalidAt(1n))).toBeNull();
  expect(blocks.fileOf(invalidAt(18n))).not.toBeNull();
});

it("one that is too large, or cannot be written, is told and not named", async () => {
  const { dataDir, blocks } = setUp();
  const large = invalidAt(7n, [new Uint8Array(65 * 1024 * 1024)]);
  await expect(blocks.keep(902n, large)).rejects.toThrow("too large");
  expect(blocks.fileOf(large)).toBeNull();
  writeFileSync(join(dataDir, "invalid-blocks"), "a file");
  const small = invalidAt(8n);
  await expect(blocks.keep(902n, small)).rejects.toMatchObject({ code: "EEXIST" });
  expect(blocks.fileOf(small)).toBeNull();
});
