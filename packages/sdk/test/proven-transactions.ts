import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { InclusionProof, ProofGap, TransactionStatus } from "@mach/api";
import {
  buildIndexTrie,
  concatHex,
  fromHex,
  type Hex,
  keccak256,
  toHex,
  uintWord,
  type VerifiedCertificate,
} from "@mach/core";
import type { ReplayedNode } from "./replayed-node.ts";
import { blockStatus, certify, claimOf, ROLLUP, type TestBlock } from "./signed-network.ts";

/** A real block of OP Sepolia with the bytes of its tries. */
interface RealBody {
  readonly number: number;
  readonly hash: Hex;
  readonly headerRlp: Hex;
  readonly transactions: readonly Hex[];
  readonly receipts: readonly Hex[];
}

const FILE = new URL("../../../test/vectors/rollups/op/bodies.json.gz", import.meta.url);
const { blocks } = JSON.parse(gunzipSync(readFileSync(FILE)).toString("utf8")) as {
  blocks: readonly [RealBody, RealBody, RealBody];
};

/** The largest of the real blocks: 48 transactions, the first of them a deposit. */
export const realBody: RealBody = blocks[1];
export const realBlock: TestBlock = {
  blockNumber: BigInt(realBody.number),
  blockHash: realBody.hash,
  header: realBody.headerRlp,
};
export const transactionHashes: readonly Hex[] = realBody.transactions.map((each) =>
  keccak256(each),
);

/** Two blocks above the real one; the upper one has a certificate. */
const child = childOf(realBlock);
const certified = childOf(child);
export const headers: readonly Hex[] = [certified.header, child.header];
export const certificate: VerifiedCertificate = certify(
  claimOf(certified, { timestamp: claimOf({ ...certified, blockNumber: 12n }).timestamp }),
);

const transactionTrie = buildIndexTrie(realBody.transactions.map(fromHex));
const receiptTrie = buildIndexTrie(realBody.receipts.map(fromHex));

/** What proves the transaction at an index of the real block. */
export function proofOf(index: number): InclusionProof {
  const { transactions, receipts } = realBody;
  return {
    header: realBody.headerRlp,
    index,
    transaction: {
      value: transactions[index] ?? "0x",
      nodes: transactionTrie.proofOf(index).map(toHex),
    },
    receipt: { value: receipts[index] ?? "0x", nodes: receiptTrie.proofOf(index).map(toHex) },
  };
}

/** Lets a node answer about a transaction of the real block, and about that block. */
export function serveTransaction(
  node: ReplayedNode,
  transactionHash: Hex,
  change: Partial<Pick<TransactionStatus, "proof">> & { readonly proofGap?: ProofGap | null } = {},
  path: readonly Hex[] | null = headers,
): void {
  const status = blockStatus(realBlock, certificate, path);
  const document = { transactionHash, ...status, proof: null, proofGap: null, ...change };
  node.put(`/v1/rollups/${ROLLUP}/transactions/${transactionHash}`, document);
  node.put(`/v1/rollups/${ROLLUP}/blocks/${realBlock.blockHash}`, status);
}

function childOf({ blockNumber, blockHash }: TestBlock): TestBlock {
  const parent = concatHex("0xa0", blockHash);
  const rest = concatHex("0xa0", uintWord(blockNumber + 1n), "0xa0", uintWord(0n));
  const header = concatHex("0xf863", parent, rest);
  return { blockNumber: blockNumber + 1n, blockHash: keccak256(header), header };
}
