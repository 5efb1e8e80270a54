import type { Hex, OperatorSet } from "@mach/core";

/** A set that the consumer trusts, from its own build, its own L1 node or someone it trusts. */
export interface PinnedTrust {
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
}

/** L1 endpoints of the consumer's own, to read the registry's finalized state from. */
export interface L1Trust {
  readonly l1: {
    readonly rpcUrls: readonly string[];
    /** How many must give the same hash; all of them if not given. */
    readonly agree?: number;
  };
}

export type Trust = PinnedTrust | L1Trust;

export type SetFailure =
  /** The set, or one on the way to it, is past its validity: give a newer trust, or L1. */
  | "stale-set"
  /** The epoch is before the trusted one: updates lead forward only. */
  | "before-trust"
  /** The epoch has not come: no set signs ahead of its time. */
  | "future-epoch"
  /** No endpoint has the set, or the update that leads to it. */
  | "no-set"
  /** A set does not hash to what it claims, or to what is trusted. */
  | "inconsistent-set"
  /** A set update does not verify under the set before. */
  | "forged-update"
  /** A set update is of another network. */
  | "other-network"
  /** Two valid updates name different sets for one epoch: no one can say which holds. */
  | "conflicting-updates"
  /** Too few of the consumer's L1 endpoints answered alike. */
  | "l1-unavailable"
  /** The consumer's L1 endpoints say different hashes. */
  | "l1-disagreement"
  /** Finalized L1 state holds no set for the epoch. */
  | "not-fixed"
  /** The rollup is not registered in the epoch, by finalized L1 state. */
  | "unknown-rollup";

/** What a certificate of a rollup and an epoch is held to. */
export interface EpochTrust {
  readonly operatorSet: OperatorSet;
  /** The rollup's own threshold where L1 says it, the protocol's least elsewhere. */
  readonly thresholdBps: number;
}

export type SetAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: SetFailure };
