import type { Hex } from "@mach/core";
import * as z from "zod/mini";
import { MAX_HEADER_BYTES } from "./documents.ts";
import { count, type DocumentSchema, hexRangeSchema } from "./scalars.ts";

/** A value of a block's trie, and the nodes that lead to it from the root, the root's first. */
export interface TrieProof {
  readonly value: Hex;
  readonly nodes: readonly Hex[];
}

/** That a transaction, and its receipt, are at one index of a block. */
export interface InclusionProof {
  /** The RLP header that hashes to the block's hash: it holds the roots of both tries. */
  readonly header: Hex;
  readonly index: number;
  /** Its value hashes to the transaction's hash. */
  readonly transaction: TrieProof;
  readonly receipt: TrieProof;
}

/** Why the answer about a transaction has no proof: `PROOF_GAPS` tells what each means. */
export const PROOF_GAP_CODES = [
  "not-covered",
  "order-only",
  "unavailable",
  "too-large",
  "wrong-root",
  "not-in-block",
] as const;
export type ProofGap = (typeof PROOF_GAP_CODES)[number];

/** The longest transaction or receipt in a proof. */
export const MAX_PROVEN_BYTES = 262_144;
/** A node of a trie is a branch, or holds a value. */
const MAX_NODE_BYTES: number = MAX_PROVEN_BYTES + 64;
/** The longest path: an index of 8 bytes, 18 nibbles with its length. */
const MAX_NODES = 20;

const trieProof = z.strictObject({
  value: hexRangeSchema(1, MAX_PROVEN_BYTES),
  nodes: z.array(hexRangeSchema(1, MAX_NODE_BYTES)).check(z.maxLength(MAX_NODES)),
});

export const inclusionProofSchema: DocumentSchema<InclusionProof> = z
  .strictObject({
    header: hexRangeSchema(1, MAX_HEADER_BYTES),
    index: count,
    transaction: trieProof,
    receipt: trieProof,
  })
  .check(z.meta({ id: "InclusionProof", description: "That a transaction is in a block" }));

export const proofGapSchema: DocumentSchema<ProofGap> = z.enum(PROOF_GAP_CODES);
