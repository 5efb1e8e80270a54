import { type Hex, keccak256, toHex } from "@mach/core";
import { AbiCoder } from "ethers";
import { describe, expect, it } from "vitest";
import {
  auxiliaryHash,
  batchCommitment,
  metaHash,
  passThroughHash,
  type StoredBatch,
  storedBatchHash,
} from "../src/zk-commitment.ts";
import { readVector } from "./support/vectors.ts";

interface CommitmentVector {
  readonly pass_through_data: {
    readonly shared_states: readonly {
      readonly last_leaf_index: number;
      readonly root_hash: Hex;
    }[];
  };
  readonly meta_parameters: {
    readonly zkporter_is_available: boolean;
    readonly bootloader_code_hash: Hex;
    readonly default_aa_code_hash: Hex;
    readonly evm_emulator_code_hash?: Hex;
    readonly protocol_version: string;
  };
  readonly auxiliary_output: {
    readonly PostBoojum?: {
      readonly system_logs_linear_hash: Hex;
      readonly state_diffs_hash: Hex;
      readonly aux_commitments: {
        readonly events_queue_commitment: Hex;
        readonly bootloader_initial_content_commitment: Hex;
      };
      readonly blob_hashes: readonly { readonly commitment: Hex; readonly linear_hash: Hex }[];
    };
  };
  readonly hashes: {
    readonly pass_through_data: Hex;
    readonly aux_output: Hex;
    readonly meta_parameters: Hex;
    readonly commitment: Hex;
  };
}

const vectors = [
  { name: "pre_boojum_test", hasEmulator: false },
  { name: "post_boojum_1_4_1_test", hasEmulator: false },
  { name: "post_boojum_1_5_0_test", hasEmulator: true },
  { name: "post_boojum_1_5_0_test_with_evm", hasEmulator: true },
].map(({ name, hasEmulator }) => ({
  name,
  hasEmulator,
  vector: readVector<CommitmentVector>(`zk/commitment-${name}.json`),
}));

interface StoredInfo {
  readonly batch_number: number;
  readonly state_commitment: Hex;
  readonly number_of_layer1_txs: number;
  readonly priority_operations_hash: Hex;
  readonly dependency_roots_rolling_hash: Hex;
  readonly l2_to_l1_logs_root_hash: Hex;
  readonly commitment: Hex;
}

const { batch: osBatch } = readVector<{
  envelope: {
    batch: {
      previous_stored_batch_info: StoredInfo;
      commit_batch_info: { da_commitment: Hex; operator_da_input: number[] };
    };
  };
}>("zk/zksync-os-batch-envelope.json").envelope;

describe.each(vectors)("the commitment of $name", ({ vector, hasEmulator }) => {
  const { hashes, meta_parameters: meta, pass_through_data } = vector;

  it("has the pass-through hash of the rollup's tree", () => {
    const [rollup] = pass_through_data.shared_states;
    if (rollup === undefined) throw new Error("no vector");
    const leafIndex = BigInt(rollup.last_leaf_index);
    const hash = passThroughHash({ leafIndex, root: rollup.root_hash });
    expect(hash).toBe(hashes.pass_through_data);
  });

  it("has the hash of the code that it ran under", () => {
    const emulator = meta.evm_emulator_code_hash ?? meta.default_aa_code_hash;
    const hash = metaHash({
      isZkPorterAvailable: meta.zkporter_is_available,
      bootloaderHash: meta.bootloader_code_hash,
      defaultAccountHash: meta.default_aa_code_hash,
      evmEmulatorHash: hasEmulator ? emulator : null,
    });
    expect(hash).toBe(hashes.meta_parameters);
  });

  it("is the hash of the three", () => {
    const commitment = batchCommitment({
      passThrough: hashes.pass_through_data,
      meta: hashes.meta_parameters,
      auxiliary: hashes.aux_output,
    });
    expect(commitment).toBe(hashes.commitment);
  });
});

describe("the outputs of a batch", () => {
  const withBlobs = vectors.flatMap(({ name, vector }) => {
    const outputs = vector.auxiliary_output.PostBoojum;
    return outputs === undefined ? [] : [{ name, outputs, expected: vector.hashes.aux_output }];
  });

  it.each(withBlobs)("have the hash of $name", ({ outputs, expected }) => {
    const hash = auxiliaryHash({
      systemLogsHash: outputs.system_logs_linear_hash,
      stateDiffsHash: outputs.state_diffs_hash,
      bootloaderContentHash: outputs.aux_commitments.bootloader_initial_content_commitment,
      eventsQueueHash: outputs.aux_commitments.events_queue_commitment,
      blobs: outputs.blob_hashes.map(({ linear_hash, commitment }) => ({
        linearHash: linear_hash,
        commitment,
      })),
    });
    expect(hash).toBe(expected);
  });
});

describe("what L1 stores of a batch", () => {
  const info = osBatch.previous_stored_batch_info;
  const stored: StoredBatch = {
    batchNumber: BigInt(info.batch_number),
    batchHash: info.state_commitment,
    indexRepeatedStorageChanges: 0n,
    layer1Transactions: BigInt(info.number_of_layer1_txs),
    priorityOperationsHash: info.priority_operations_hash,
    dependencyRootsRollingHash: info.dependency_roots_rolling_hash,
    l2LogsTreeRoot: info.l2_to_l1_logs_root_hash,
    timestamp: 0n,
    commitment: info.commitment,
  };
  const values = (batch: StoredBatch) => Object.values(batch).filter((each) => each !== null);
  const types = "uint64 bytes32 uint64 uint256 bytes32 bytes32 bytes32 uint256 bytes32".split(" ");

  it("is the hash of its ABI encoding, with dependency roots and without", () => {
    const encoded = AbiCoder.defaultAbiCoder().encode(types, values(stored));
    expect(storedBatchHash(stored)).toBe(keccak256(encoded as Hex));
    const older = { ...stored, dependencyRootsRollingHash: null };
    const without = AbiCoder.defaultAbiCoder().encode(types.toSpliced(5, 1), values(older));
    expect(storedBatchHash(older)).toBe(keccak256(without as Hex));
  });

  it("goes with a data commitment over the real batch's first blob", () => {
    const { da_commitment, operator_da_input } = osBatch.commit_batch_info;
    const header = Uint8Array.from(operator_da_input.slice(0, 97));
    expect(keccak256(toHex(header))).toBe(da_commitment);
  });
});
