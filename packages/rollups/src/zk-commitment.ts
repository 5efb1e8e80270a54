import { concatHex, type Hex, keccak256, uintWord, ZERO_HASH } from "@mach/core";

/** What L1 keeps of a batch, for EraVM and, with a zero index and timestamp, for ZKsync OS. */
export interface StoredBatch {
  readonly batchNumber: bigint;
  /** EraVM's root hash, or ZKsync OS's state commitment. */
  readonly batchHash: Hex;
  readonly indexRepeatedStorageChanges: bigint;
  readonly layer1Transactions: bigint;
  readonly priorityOperationsHash: Hex;
  /** Null for protocol versions that do not have it. */
  readonly dependencyRootsRollingHash: Hex | null;
  readonly l2LogsTreeRoot: Hex;
  /** Seconds. */
  readonly timestamp: bigint;
  readonly commitment: Hex;
}

/** `storedBatchHash` of the diamond proxy: keccak256(abi.encode(StoredBatchInfo)). */
export function storedBatchHash(batch: StoredBatch): Hex {
  const { dependencyRootsRollingHash } = batch;
  return keccak256(
    concatHex(
      uintWord(batch.batchNumber),
      batch.batchHash,
      uintWord(batch.indexRepeatedStorageChanges),
      uintWord(batch.layer1Transactions),
      batch.priorityOperationsHash,
      ...(dependencyRootsRollingHash === null ? [] : [dependencyRootsRollingHash]),
      batch.l2LogsTreeRoot,
      uintWord(batch.timestamp),
      batch.commitment,
    ),
  );
}

/** keccak256 over the rollup's leaf index and root and the same of an unused second tree. */
export function passThroughHash(state: { readonly leafIndex: bigint; readonly root: Hex }): Hex {
  return keccak256(concatHex(uint64Bytes(state.leafIndex), state.root, uint64Bytes(0n), ZERO_HASH));
}

/** The code that a batch ran under. */
export interface BatchCode {
  readonly isZkPorterAvailable: boolean;
  readonly bootloaderHash: Hex;
  readonly defaultAccountHash: Hex;
  /** From protocol version 1.5.0 on, the default account's where there is none; else null. */
  readonly evmEmulatorHash: Hex | null;
}

/** keccak256 of the flag's byte and the code hashes. */
export function metaHash(code: BatchCode): Hex {
  return keccak256(
    concatHex(
      code.isZkPorterAvailable ? "0x01" : "0x00",
      code.bootloaderHash,
      code.defaultAccountHash,
      ...(code.evmEmulatorHash === null ? [] : [code.evmEmulatorHash]),
    ),
  );
}

/** keccak256 of a batch's outputs: logs, state changes, bootloader memory, events, and its blobs. */
export function auxiliaryHash(outputs: {
  readonly systemLogsHash: Hex;
  readonly stateDiffsHash: Hex;
  readonly bootloaderContentHash: Hex;
  readonly eventsQueueHash: Hex;
  readonly blobs: readonly { readonly linearHash: Hex; readonly commitment: Hex }[];
}): Hex {
  return keccak256(
    concatHex(
      outputs.systemLogsHash,
      outputs.stateDiffsHash,
      outputs.bootloaderContentHash,
      outputs.eventsQueueHash,
      ...outputs.blobs.flatMap(({ linearHash, commitment }) => [linearHash, commitment]),
    ),
  );
}

/** The commitment of a batch in `BlockCommit` and `BlockExecution`. */
export function batchCommitment(parts: {
  readonly passThrough: Hex;
  readonly meta: Hex;
  readonly auxiliary: Hex;
}): Hex {
  return keccak256(concatHex(parts.passThrough, parts.meta, parts.auxiliary));
}

function uint64Bytes(value: bigint): Hex {
  if (value < 0n || value >> 64n !== 0n) throw new RangeError("expected a uint64");
  return `0x${value.toString(16).padStart(16, "0")}`;
}
