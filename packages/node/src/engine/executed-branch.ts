import type { Hex } from "@mach/core";
import type { BlockExecutor, InvalidVerdict, Verdict } from "@mach/execution";

/** A block by its height and hash. */
export interface BlockId {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
}

export interface ExecutedBranchPorts {
  readonly executor: BlockExecutor;
  /** The rollup's head that L1 has finalised; null while it is unknown. */
  readonly finalized: () => BlockId | null;
  /** Whether a block needs no execution here: it is certified, L1-finalised, or signed before. */
  readonly isSettled: (block: BlockId) => boolean;
  /** Waits so many milliseconds. */
  readonly delay: (milliseconds: number) => Promise<void>;
}

export type BranchVerdict =
  | { readonly outcome: "valid" }
  /** `block` or an ancestor cannot be judged; nothing is known of it. */
  | { readonly outcome: "unverifiable"; readonly block: BlockId; readonly why: string }
  /** `block` is invalid, and what descends from it with it. */
  | { readonly outcome: "invalid"; readonly block: BlockId; readonly verdict: InvalidVerdict };

/** What was executed of a rollup's blocks, whichever branch they are of. */
export interface ExecutedBranch {
  /**
   * Whether a block, and each below it down to one that is settled, was executed to its hash. Not
   * to be called again before it has answered.
   */
  check(block: BlockId, isStillWanted: () => boolean): Promise<BranchVerdict>;
}

/** The pauses after which a source that lacks the block, or is gone, is asked again. */
const RETRY_MS = [250, 500, 1_000, 2_000] as const;
/** Blocks that are remembered, and the most that are looked at for one. */
const MAX_REMEMBERED = 8_192;
const MAX_DEPTH = 4_096;

/** Of a block that was valid before. */
interface Known {
  readonly parentHash: Hex;
}

interface Invalid {
  readonly block: BlockId;
  readonly verdict: InvalidVerdict;
}

/**
 * A block is valid on its parent's state, and a certificate finalises every ancestor: so that one
 * block that is invalid, or could not be executed, is not certified by those above it, they are
 * refused with it until L1 has finalised past it.
 */
export function createExecutedBranch(ports: ExecutedBranchPorts): ExecutedBranch {
  const { executor } = ports;
  /** Parents of the blocks that are valid on them. */
  const parents = new Map<Hex, Hex>();
  /** Invalid blocks and their descendants, each with the invalid one. */
  const refused = new Map<Hex, Invalid>();

  async function execute(block: BlockId, isStillWanted: () => boolean): Promise<Known | Verdict> {
    const known = parents.get(block.blockHash);
    if (known !== undefined) return { parentHash: known };
    let verdict = await executor.execute(block.blockHash);
    for (const pauseMs of RETRY_MS) {
      const isGone = verdict.outcome === "unverifiable" && verdict.code === "unavailable";
      if (!isGone || !isStillWanted()) break;
      await ports.delay(pauseMs);
      verdict = await executor.execute(block.blockHash);
    }
    if (verdict.outcome === "valid") remember(parents, block.blockHash, verdict.parentHash);
    return verdict;
  }

  /** What is known of it without its execution, as far as blocks above may stand on it. */
  function standing({ blockNumber, blockHash }: BlockId): "base" | Invalid | null {
    const finalized = ports.finalized();
    const invalid = refused.get(blockHash);
    // What L1 has finalised is decided there, whatever was found here.
    const isOpen = finalized === null || finalized.blockNumber < (invalid?.block.blockNumber ?? 0n);
    if (invalid !== undefined && isOpen) return invalid;
    if (blockNumber <= executor.givenThrough) return "base";
    return ports.isSettled({ blockNumber, blockHash }) ? "base" : null;
  }

  /** The block below, where this one is valid; else, or where none below matters, the verdict. */
  async function descend(
    block: BlockId,
    isStillWanted: () => boolean,
  ): Promise<BlockId | BranchVerdict> {
    if (!isStillWanted()) return unjudged(block, "the branch was left");
    const found = await execute(block, isStillWanted);
    if (!("outcome" in found) || found.outcome === "valid") {
      if (executor.includesAncestors) return { outcome: "valid" };
      return { blockNumber: block.blockNumber - 1n, blockHash: found.parentHash };
    }
    if (found.outcome === "invalid") return { outcome: "invalid", block, verdict: found };
    return unjudged(block, `${found.code}, ${found.detail}`);
  }

  async function walk(
    top: BlockId,
    isStillWanted: () => boolean,
    path: Hex[],
  ): Promise<BranchVerdict> {
    let block = top;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const stands = standing(block);
      // The one that is asked for is executed all the same: its claim says that it was.
      if (stands === "base" && depth > 0) return { outcome: "valid" };
      if (stands !== null && stands !== "base") return { outcome: "invalid", ...stands };
      path.push(block.blockHash);
      const next = await descend(block, isStillWanted);
      if ("outcome" in next) return next;
      block = next;
    }
    return unjudged(block, `none of ${MAX_DEPTH} blocks above it is certified or final on L1`);
  }

  return {
    async check(block, isStillWanted) {
      const path: Hex[] = [];
      const verdict = await walk(block, isStillWanted, path);
      if (verdict.outcome === "invalid") {
        const { block: invalid, verdict: why } = verdict;
        for (const hash of path) remember(refused, hash, { block: invalid, verdict: why });
      }
      return verdict;
    },
  };
}

function unjudged(block: BlockId, why: string): BranchVerdict {
  return { outcome: "unverifiable", block, why };
}

function remember<T>(entries: Map<Hex, T>, hash: Hex, value: T): void {
  entries.delete(hash);
  entries.set(hash, value);
  const [oldest] = entries.keys();
  if (entries.size > MAX_REMEMBERED && oldest !== undefined) entries.delete(oldest);
}
