import type { Hex } from "@mach/core";

/** Something that the execution needed and the witness did not hold. */
export interface Missing {
  /** `trie-node` of state or storage, `code` of a contract, `ancestor` the header of a block. */
  readonly kind: "trie-node" | "code" | "ancestor";
  /** keccak256 of the bytes that are missing. */
  readonly hash: Hex;
  /** Whose storage trie the node is of; null for the trie of accounts, code and headers. */
  readonly account: Hex | null;
  /** The nibbles, one hexadecimal digit each, that lead to the node; empty for the root. */
  readonly path: string;
  /** The address or slot that was read; null where no read but a deletion needs the node. */
  readonly key: Hex | null;
}

export type UnverifiableCode =
  /** The witness lacks what `missing` lists. */
  | "missing-preimage"
  /** A preimage does not hash to what the witness calls it. */
  | "wrong-preimage"
  /** The block, its parent or the witness is not of the expected shape. */
  | "malformed"
  /** More bytes or entries than are accepted. */
  | "too-large"
  /** The header that was given as the parent is not the one that the block names. */
  | "wrong-parent"
  /** The transactions or withdrawals are not those that the block's header commits to. */
  | "wrong-body"
  /** The block lies in a fork whose rules this code does not have. */
  | "unsupported-fork"
  /** The execution did not end within its time. */
  | "timeout"
  /** The thread that executed died. */
  | "worker-died"
  /** The executor is stopped, or its queue is full. */
  | "unavailable"
  /** The library failed in a way that says nothing about the block. */
  | "execution-failed";

export interface ValidVerdict {
  readonly outcome: "valid";
  readonly blockHash: Hex;
  /** What was valid before it is not said: a block stands on its parent's state. */
  readonly parentHash: Hex;
  readonly gasUsed: bigint;
  /** Preimages that the execution did not need. */
  readonly surplus: number;
}

export interface InvalidVerdict {
  readonly outcome: "invalid";
  /** The header field, `blockHash`, or `transactions[i]`. */
  readonly field: string;
  /** What the execution gives. */
  readonly expected: string;
  /** What the block says. */
  readonly got: string;
}

export interface UnverifiableVerdict {
  readonly outcome: "unverifiable";
  readonly code: UnverifiableCode;
  /** For a person; never needed to decide. */
  readonly detail: string;
  /** Empty unless the code is `missing-preimage`. */
  readonly missing: readonly Missing[];
}

/**
 * What re-execution says of a block. Only data that is complete, hashed and executed to another
 * result makes it `invalid`; whatever is absent or fails makes it `unverifiable`, never a value.
 */
export type Verdict = ValidVerdict | InvalidVerdict | UnverifiableVerdict;

/** A verdict that says nothing about the block, only why there is no other. */
export function unverifiable(code: UnverifiableCode, detail: string): UnverifiableVerdict {
  return { outcome: "unverifiable", code, detail, missing: [] };
}
