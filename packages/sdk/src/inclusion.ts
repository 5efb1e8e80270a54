import type { InclusionProof, TrieProof } from "@mach/api";
import {
  bodyRootsOf,
  type Hex,
  indexKey,
  keccak256,
  parseReceipt,
  provenValue,
  type Receipt,
  toHex,
} from "@mach/core";

export type InclusionFailure =
  /** The proof's header does not hash to the block's hash, or holds no roots. */
  | "wrong-block-header"
  /** Its nodes do not lead from the header's root to the transaction at that index. */
  | "broken-transaction-proof"
  /** Another transaction is at that index. */
  | "wrong-transaction"
  /** Its nodes do not lead from the header's root to the receipt at that index. */
  | "broken-receipt-proof"
  /** What the block has at that index is no receipt that can be read. */
  | "malformed-receipt";

/** A transaction as its block has it. Bytes are what the block's own tries hold. */
export interface ProvenTransaction {
  /** The block's header, the preimage of its hash: what a contract proves state from. */
  readonly header: Hex;
  readonly index: number;
  readonly transaction: Hex;
  readonly receipt: Receipt & { readonly bytes: Hex };
}

export type InclusionResult =
  | { readonly ok: true; readonly value: ProvenTransaction }
  | { readonly ok: false; readonly code: InclusionFailure };

/**
 * Checks that a block holds a transaction, and which receipt it has there. The receipt does not
 * name its transaction: the index, in both tries of one header, binds the two.
 */
export function checkInclusion(
  proof: InclusionProof,
  wanted: { readonly blockHash: Hex; readonly transactionHash: Hex },
): InclusionResult {
  const { header, index, transaction, receipt } = proof;
  const roots = keccak256(header) === wanted.blockHash ? bodyRootsOf(header) : null;
  if (roots === null) return fail("wrong-block-header");
  if (!isProven(transaction, roots.transactionsRoot, index)) {
    return fail("broken-transaction-proof");
  }
  if (keccak256(transaction.value) !== wanted.transactionHash) return fail("wrong-transaction");
  if (!isProven(receipt, roots.receiptsRoot, index)) return fail("broken-receipt-proof");
  const parsed = parseReceipt(receipt.value);
  if (parsed === null) return fail("malformed-receipt");
  const value = { ...parsed, bytes: receipt.value };
  return { ok: true, value: { header, index, transaction: transaction.value, receipt: value } };
}

function isProven({ value, nodes }: TrieProof, root: Hex, index: number): boolean {
  const proven = provenValue(nodes, { root, key: indexKey(index) });
  return proven !== null && toHex(proven) === value;
}

function fail(code: InclusionFailure): InclusionResult {
  return { ok: false, code };
}
