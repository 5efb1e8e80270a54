import type { Hex } from "@mach/core";
import { checkHeader } from "@mach/rollups/header";
import { isObject, type RpcClient } from "@mach/rpc";
import type { ExecutionInput } from "./block-input.ts";
import type { Executor, FetchMissing } from "./executor.ts";
import { fetchProofWitness, proofFetcher } from "./proof-witness.ts";
import { fetchBlock, result, SourceError } from "./rpc-block.ts";
import type { ExecutionRules } from "./rules.ts";
import { MissingPreimageError } from "./trie.ts";
import { type InvalidVerdict, unverifiable, type Verdict } from "./verdict.ts";
import { parseWitness, type Witness } from "./witness.ts";

/** Says of a block, by its hash, whether execution comes to it. Never rejects. */
export interface BlockExecutor {
  /** The highest block whose state is given, not executed: the genesis, and anvil's first block. */
  readonly givenThrough: bigint;
  /** Whether `valid` is said of all the ancestors too. */
  readonly includesAncestors: boolean;
  execute(blockHash: Hex): Promise<Verdict>;
}

/** A block that is invalid, with all that finding so again takes. */
export interface InvalidBlock {
  readonly blockHash: Hex;
  readonly blockNumber: bigint;
  readonly verdict: InvalidVerdict;
  readonly input: ExecutionInput;
}

export interface WitnessExecutorOptions {
  readonly rules: ExecutionRules;
  /**
   * `debug_executionWitness` as geth, op-geth and reth serve it, or proofs of what the traces of
   * the transactions name, for nodes such as anvil that serve no witness.
   */
  readonly witness: "execution-witness" | "proofs";
  /** Told before the verdict is; what it throws or rejects with changes nothing. */
  readonly onInvalid?: (invalid: InvalidBlock) => Promise<void>;
}

/**
 * Executes blocks again, here. The source need not be trusted: what it serves is hashed, and what
 * it withholds or gets wrong makes a block unverifiable.
 */
export function createWitnessExecutor(
  { client, executor }: { readonly client: RpcClient; readonly executor: Executor },
  { rules, witness, onInvalid }: WitnessExecutorOptions,
): BlockExecutor {
  async function run(
    blockHash: Hex,
    input: ExecutionInput,
    fetchMissing?: FetchMissing,
  ): Promise<Verdict> {
    const fetched: Uint8Array[] = [];
    const verdict = await executor.execute(
      input,
      fetchMissing &&
        (async (missing): Promise<Witness> => {
          const found = await fetchMissing(missing);
          fetched.push(...found);
          return found;
        }),
    );
    if (verdict.outcome === "invalid" && onInvalid !== undefined) {
      const blockNumber = input.parent.number + 1n;
      const whole = { ...input, witness: [...input.witness, ...fetched] };
      const invalid = { blockHash, blockNumber, verdict, input: whole };
      // The verdict stands whether or not it could be kept.
      await onInvalid(invalid).catch(() => undefined);
    }
    return verdict;
  }

  return {
    givenThrough: rules.profile.startsWith("anvil") ? 1n : 0n,
    includesAncestors: false,
    execute: (blockHash) =>
      orUnavailable(async () => {
        const fetched = await fetchBlock(client, blockHash);
        const { block, parent, header } = fetched;
        if (witness === "proofs") {
          const found = await fetchProofWitness(client, fetched);
          const fetchMissing = proofFetcher(client, header.parentHash);
          return await run(blockHash, { rules, block, parent, ...found }, fetchMissing);
        }
        const number = `0x${header.number.toString(16)}`;
        const parsed = parseWitness(await result(client, "debug_executionWitness", [number]));
        if (!parsed.ok) return parsed.verdict;
        return await run(blockHash, { rules, block, parent, witness: parsed.witness });
      }),
  };
}

/**
 * Asks a node of the operator's own, which the operator trusts to have executed what it holds. A
 * node that is still syncing may hold blocks that it has not executed: it says nothing.
 */
export function createExternalExecutor(client: RpcClient): BlockExecutor {
  return {
    givenThrough: 0n,
    // It has the state after the block: it came to it through every block before.
    includesAncestors: true,
    execute: (blockHash) =>
      orUnavailable(async () => {
        if ((await result(client, "eth_syncing", [])) !== false) {
          return unverifiable("unavailable", "the external node is still syncing");
        }
        const raw = await result(client, "eth_getBlockByHash", [blockHash, false]);
        if (!isObject(raw)) return unverifiable("unavailable", "the node does not have the block");
        const checked = checkHeader(raw);
        if (!checked.ok || checked.blockHash !== blockHash) {
          return unverifiable("malformed", "the node answered with another block");
        }
        // Only who has the state after the block has executed it.
        await result(client, "eth_getBalance", [checked.header.miner, { blockHash }]);
        const { gasUsed, parentHash } = checked.header;
        return { outcome: "valid", blockHash, parentHash, gasUsed, surplus: 0 };
      }),
  };
}

async function orUnavailable(work: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await work();
  } catch (error) {
    // A proof that does not prove what it should is a failure of the source like any other.
    if (error instanceof SourceError || error instanceof MissingPreimageError) {
      return unverifiable("unavailable", error.message);
    }
    return unverifiable("execution-failed", error instanceof Error ? error.message : "no error");
  }
}
