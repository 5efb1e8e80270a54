import { readFileSync } from "node:fs";
import type { Hex } from "@mach/core";
import { encodeRlp, id, keccak256, toBeArray } from "ethers";
import type { RawBlock } from "./script.ts";

/*
 * Hashes are made with ethers, which the packages that check them do not use for it: a mistake in
 * one of the two does not agree with itself.
 */

const QUANTITY: ReadonlySet<string> = new Set([
  ...["difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"],
]);
const HASHED = [
  ...["parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot"],
  ...["logsBloom", "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData"],
  ...["mixHash", "nonce", "baseFeePerGas"],
];

/** The header with the hash of its fields, up to the base fee where it has one. */
export function sealHeader(fields: Omit<RawBlock, "hash">): RawBlock {
  const named: Readonly<Record<string, unknown>> = fields;
  const items = HASHED.filter((field) => named[field] !== undefined).map((field) => {
    const value = String(named[field]);
    return QUANTITY.has(field) ? toBeArray(BigInt(value)) : value;
  });
  return { ...fields, hash: hex(keccak256(encodeRlp(items))) } as RawBlock;
}

/** A hash that stands for something which the chain does not have, the same each time. */
export function standIn(...parts: readonly (string | bigint | number)[]): Hex {
  return hex(id(parts.join(" ")));
}

/** The hashes of a block's transactions: none in some blocks, a few in others. */
export function standInTransactions(chainId: bigint, height: bigint): readonly Hex[] {
  const count = Number((height * 7n) % 4n);
  return Array.from({ length: count }, (_, at) => standIn("transaction", chainId, height, at));
}

/** A recorded answer of a real node. */
export function readRecorded<T>(file: string): T {
  const url = new URL(`../../../test/vectors/rollups/${file}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

/** Hex text as a type of its own. */
export function hex(text: string): Hex {
  return text.toLowerCase() as Hex;
}
