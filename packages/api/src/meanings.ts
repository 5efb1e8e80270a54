import type { ProofGap } from "./inclusion.ts";
import type { ReasonCode } from "./status.ts";

/** What each reason means; apart from the codes, because no client needs it. */
export const REASONS: { readonly [Code in ReasonCode]: string } = {
  "below-threshold": "The operators that have attested do not reach the threshold.",
  split: "A reorg has bound too many operators to a branch that was left; L1 finality decides.",
  contradicted: "The L1-finalised chain, or another certificate, contradicts a certificate here.",
  "unknown-operator-set": "The epoch's operator set was never fixed, or is not known to this node.",
  "unknown-rollup": "The rollup is not registered in the block's epoch.",
  "no-block": "This node has not verified any block of the rollup yet.",
  "unknown-block": "This node knows no such block on the rollup's chain.",
  "unverified-block": "This node could not check the block; `abstention` says why.",
  "not-covered-yet": "The block is not an attested height; the next attested one will cover it.",
  pruned: "The block is older than what this node keeps certificates of: another node may tell.",
  "l1-unavailable": "The L1 does not answer, so that sets and finality cannot be checked.",
};

/** What each code for a missing proof means. */
export const PROOF_GAPS: { readonly [Code in ProofGap]: string } = {
  "not-covered":
    "No certificate covers its block, or not all headers to it are at hand: ask again.",
  "order-only": "This stack's blocks commit to the order of transactions, and to no receipts.",
  unavailable: "No source gave the block whole, or this node fetches others just now: ask again.",
  "too-large": "The block, the transaction or the receipt is larger than is proved.",
  "wrong-root": "What the sources gave of the block is not what its header commits to.",
  "not-in-block": "The block holds no transaction whose bytes hash to that hash.",
};
