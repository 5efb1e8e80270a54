import type { Claim, Domain, Hex, Release } from "@mach/core";

/** Whose signatures a record is about. It outlives keys: a new key goes on with the same record. */
export interface ProtectionIdentity {
  readonly domain: Domain;
  readonly operator: Hex;
}

/**
 * What was known of the operator when its record was made: that it had signed nothing on this
 * network, or not what it had signed. With the second it has to wait for L1 before it signs.
 */
export type RecordOrigin = "never-signed" | "record-lost";

/** A claim that is recorded before it is signed, and never written again. */
export interface RecordedClaim {
  readonly claim: Claim;
  readonly digest: Hex;
  /** What let the claim leave the one before it; null where it descends from that. */
  readonly release: Release | null;
}

/** A recorded claim with its signature. */
export interface SigningRecord extends RecordedClaim {
  /** 192 bytes; null when the process ended before it was kept: signing again gives the same. */
  readonly signature: Uint8Array | null;
}

/** The hash of an epoch's set, recorded before it is signed, and never written again. */
export interface RecordedSetUpdate {
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
  readonly digest: Hex;
}

/** A recorded set update with its signature. */
export interface SetUpdateRecord extends RecordedSetUpdate {
  /** 192 bytes; null when the process ended before it was kept: signing again gives the same. */
  readonly signature: Uint8Array | null;
}

/** The height of a rollup that a claim is about. A slot is taken once and for all. */
export interface Slot {
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
}

/**
 * The record of all that an operator has signed. It is one operator's on one network, and every
 * failure to read or write it throws: the signer then stops for good.
 */
export interface ProtectionRecord {
  readonly identity: ProtectionIdentity;
  readonly origin: RecordOrigin;
  /** Runs in one transaction: when it returns all is on disk, when it throws nothing is. */
  commit<T>(change: (writer: ProtectionWriter) => T): T;
  /**
   * Resolves when a second place, too, says how far the record has come: only then may a signature
   * leave. Begun at once, so that it goes on while one is made. Rejects where the disk fails.
   */
  covered(): Promise<void>;
  /** The highest claim on a rollup. */
  newest(rollupId: bigint): SigningRecord | null;
  at(slot: Slot): SigningRecord | null;
  /** All that it holds, for an export. */
  contents(): RecordContents;
  close(): Promise<void>;
}

/** Of a rollup whose earlier signatures are not known: none was above this height. */
export interface Ceiling {
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
}

/** What a record holds, but the signatures; read as it is walked through. */
export interface RecordContents {
  /** In the order of their heights on each rollup. */
  readonly claims: Iterable<RecordedClaim>;
  readonly setUpdates: Iterable<RecordedSetUpdate>;
  readonly ceilings: Iterable<Ceiling>;
  readonly bindingSequence: bigint;
}

/** What a transaction on the record can read and write. */
export interface ProtectionWriter {
  newest(rollupId: bigint): RecordedClaim | null;
  at(slot: Slot): SigningRecord | null;
  /** Adds a claim without its signature. Throws a NodeError `slot-taken` over an existing one. */
  insert(record: RecordedClaim): void;
  keepSignature(slot: Slot, signature: Uint8Array): void;
  /** What was signed, or is about to be, for an epoch: one hash for ever. */
  setUpdateOf(epoch: bigint): SetUpdateRecord | null;
  /** Adds an update without its signature. Throws a NodeError `slot-taken` over an existing one. */
  insertSetUpdate(record: RecordedSetUpdate): void;
  keepSetUpdateSignature(epoch: bigint, signature: Uint8Array): void;
  /**
   * Of a rollup whose earlier signatures are not known: no height above it was signed before.
   * Null until it was kept.
   */
  ceiling(rollupId: bigint): bigint | null;
  keepCeiling(rollupId: bigint, height: bigint): void;
  /** The sequence of the newest peer binding, 0 before the first. */
  bindingSequence(): bigint;
  keepBindingSequence(sequence: bigint): void;
}
