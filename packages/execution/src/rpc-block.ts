import { fromHex, type Hex, isHex } from "@mach/core";
import { checkHeader, type Header } from "@mach/rollups/header";
import { isObject, type RpcClient } from "@mach/rpc";
import { z } from "zod";
import type { ClaimedBlock, Withdrawal } from "./block-input.ts";

/** A source failed or answered with something else: nothing is known of the block. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}

export interface FetchedBlock {
  readonly block: ClaimedBlock;
  readonly header: Header;
  readonly blockHash: Hex;
  readonly parent: Header;
  readonly transactionHashes: readonly Hex[];
}

const MAX_TRANSACTIONS = 20_000;
/** Of all raw transactions of a block: calldata for 600 M gas at the floor of EIP-7623. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Calls of one request that are open at the same time. */
const CONCURRENCY = 16;

const hash = z
  .string()
  .transform((value) => value.toLowerCase())
  .refine((value): value is Hex => isHex(value, 32));
const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,16}$/)
  .transform(BigInt);
const body = z.looseObject({
  transactions: z.array(z.union([hash, z.looseObject({ hash })])).max(MAX_TRANSACTIONS),
  withdrawals: z
    .array(
      z.object({
        index: quantity,
        validatorIndex: quantity,
        address: z.string().transform((value) => value.toLowerCase() as Hex),
        amount: quantity,
      }),
    )
    .max(MAX_TRANSACTIONS)
    .nullish(),
});

/**
 * A block by its hash, with its raw transactions, and its parent: both hashed here. That the body
 * is the block's own is for the execution to check. Throws a SourceError.
 */
export async function fetchBlock(client: RpcClient, blockHash: Hex): Promise<FetchedBlock> {
  const raw = await result(client, "eth_getBlockByHash", [blockHash, false]);
  const header = headerOf(raw, blockHash);
  const parsed = body.safeParse(raw);
  if (!parsed.success) throw new SourceError("the source's block has no readable body");
  const transactionHashes = parsed.data.transactions.map((each) =>
    typeof each === "string" ? each : each.hash,
  );
  const parent = await fetchHeader(client, header.parentHash);
  const budget = createByteBudget(MAX_BODY_BYTES);
  const transactions = await inBatches(transactionHashes, async (each) =>
    budget.spend(await rawTransaction(client, each)),
  );
  const withdrawals: readonly Withdrawal[] = parsed.data.withdrawals ?? [];
  const block: ClaimedBlock = { kind: "header", header, transactions, withdrawals };
  return { block, header, blockHash, parent, transactionHashes };
}

/** A header by its hash, hashed here. Throws a SourceError. */
export async function fetchHeader(client: RpcClient, blockHash: Hex): Promise<Header> {
  return headerOf(await result(client, "eth_getBlockByHash", [blockHash, false]), blockHash);
}

/** The result of a call. Throws a SourceError for a failure of any kind. */
export async function result(
  client: RpcClient,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  const answer = await client.call(method, params);
  if (answer.ok) return answer.value;
  throw new SourceError(`${method} failed (${answer.code})`);
}

/** Does some work for every item, a few at a time. */
export async function inBatches<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += CONCURRENCY) {
    results.push(...(await Promise.all(items.slice(at, at + CONCURRENCY).map(work))));
  }
  return results;
}

/** What all the answers about one block may come to: each by itself is bounded by the client. */
export interface ByteBudget {
  /** Gives the bytes back. Throws a SourceError when they are too many with those before. */
  spend(bytes: Uint8Array): Uint8Array;
}

/** A budget of so many bytes. */
export function createByteBudget(maxBytes: number): ByteBudget {
  let spent = 0;
  return {
    spend(bytes) {
      spent += bytes.length;
      if (spent > maxBytes) throw new SourceError("the source gives more than a block can have");
      return bytes;
    },
  };
}

/** Bytes in an answer. Throws a SourceError where it is something else. */
export function bytesIn(value: unknown): Uint8Array {
  const hex = typeof value === "string" ? value.toLowerCase() : "";
  if (!isHex(hex)) throw new SourceError("the source answered with no bytes");
  return fromHex(hex);
}

function headerOf(raw: unknown, blockHash: Hex): Header {
  if (!isObject(raw)) throw new SourceError(`the source does not have the block ${blockHash}`);
  const checked = checkHeader(raw);
  if (!checked.ok || checked.blockHash !== blockHash) {
    throw new SourceError(`the source's block is not ${blockHash}`);
  }
  return checked.header;
}

/** No standard names one method for it: clients have the one or the other. */
async function rawTransaction(client: RpcClient, transactionHash: Hex): Promise<Uint8Array> {
  const answer = await client.call("eth_getRawTransactionByHash", [transactionHash]);
  const isGiven = answer.ok && typeof answer.value === "string";
  const raw = isGiven
    ? answer.value
    : await result(client, "debug_getRawTransaction", [transactionHash]);
  // Not held against its hash: whether they are the block's is said by the root in its header, and a
  // local chain lists one that nobody signed under a hash that is not that of its bytes.
  return bytesIn(raw);
}
