import type { Hex } from "@mach/core";
import type { Header } from "@mach/rollups/header";
import type { ExecutionRules } from "./rules.ts";
import type { Witness } from "./witness.ts";

/** A withdrawal of the consensus layer (EIP-4895); `amount` in gwei. */
export interface Withdrawal {
  readonly index: bigint;
  readonly validatorIndex: bigint;
  readonly address: Hex;
  readonly amount: bigint;
}

/** What a block is made from besides its parent: chosen by the sequencer, not computed. */
export interface BlockAttributes {
  /** Seconds. */
  readonly timestamp: bigint;
  readonly prevRandao: Hex;
  readonly feeRecipient: Hex;
  /** Null before Cancun. */
  readonly parentBeaconBlockRoot: Hex | null;
  readonly gasLimit: bigint;
  readonly extraData: Hex;
}

export interface BlockBody {
  /** Each as its hash is made: EIP-2718 with its type, or the RLP of a legacy one. */
  readonly transactions: readonly Uint8Array[];
  /** Empty on chains without withdrawals. */
  readonly withdrawals: readonly Withdrawal[];
}

/**
 * A block to execute. Either its header is known, and the body must then be the one that it
 * commits to; or only its attributes and its hash are.
 */
export type ClaimedBlock = BlockBody &
  (
    | { readonly kind: "header"; readonly header: Header }
    | {
        readonly kind: "attributes";
        readonly attributes: BlockAttributes;
        readonly blockHash: Hex;
      }
  );

/**
 * What anvil's tries hold though it is nothing: accounts that are empty and slots that are zero.
 * Ethereum's tries hold neither. They change no value, so that the source may say which there are.
 */
export interface Ghosts {
  readonly accounts: readonly Hex[];
  readonly slots: readonly { readonly account: Hex; readonly slot: Hex }[];
}

/** All that an execution needs. */
export interface ExecutionInput {
  readonly rules: ExecutionRules;
  readonly block: ClaimedBlock;
  readonly parent: Header;
  readonly witness: Witness;
  /** Of the state after the block; only blocks that anvil made have any. */
  readonly ghosts?: Ghosts;
}
