/** L1 blocks, both included. */
export interface L1Window {
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
}

/** What became of a window. */
export type WindowOutcome =
  /** All that it will ever say has been compared. */
  | "done"
  /** Something in it is not decided, or could not be compared: it is read again later. */
  | "again"
  /** It is read in smaller parts. */
  | "too-many"
  /** There was no answer. */
  | "failed";

/** Which finalised L1 blocks are to be read next: each once, and what is undecided again. */
export interface L1Windows {
  /** Null where there is nothing to read now. */
  next(finalizedBlock: bigint): L1Window | null;
  settle(window: L1Window, outcome: WindowOutcome): void;
  /** The L1 block through which everything was read at least once; null before any. */
  readThrough(): bigint | null;
  /** How many windows are read again. */
  pending(): number;
}

export interface L1WindowsOptions {
  /** How far below the finalised block it begins, and how long something is read again. */
  readonly lookbackBlocks: bigint;
  /** The most L1 blocks that are read at once. */
  readonly spanBlocks: bigint;
}

/** One of so many turns without news reads something again. */
const REREAD_TURNS = 5;

/** Cuts L1 into windows; what waits is bounded by `lookbackBlocks`. */
export function createL1Windows(options: L1WindowsOptions): L1Windows {
  const { lookbackBlocks, spanBlocks } = options;
  let span = spanBlocks;
  let nextBlock: bigint | null = null;
  let idleTurns = 0;
  let waiting: L1Window[] = [];

  function wait(window: L1Window): void {
    const last = waiting.at(-1);
    const isNext = last !== undefined && last.toBlock + 1n === window.fromBlock;
    if (isNext && window.toBlock - last.fromBlock < span) {
      waiting[waiting.length - 1] = { fromBlock: last.fromBlock, toBlock: window.toBlock };
    } else {
      waiting.push(window);
    }
  }

  function split(window: L1Window): void {
    const size = window.toBlock - window.fromBlock + 1n;
    span = size > 1n ? size / 2n : 1n;
    // A single block that says too much is left for later, so that it holds up nothing.
    if (size === 1n) settle(window, "again");
    else if (window.fromBlock !== nextBlock) {
      const middle = window.fromBlock + span;
      waiting.push({ fromBlock: window.fromBlock, toBlock: middle - 1n });
      waiting.push({ fromBlock: middle, toBlock: window.toBlock });
    }
  }

  function settle(window: L1Window, outcome: WindowOutcome): void {
    if (outcome === "too-many") {
      split(window);
      return;
    }
    if (outcome === "failed") {
      if (window.fromBlock !== nextBlock) wait(window);
      return;
    }
    if (window.fromBlock === nextBlock) nextBlock = window.toBlock + 1n;
    if (outcome === "again") wait(window);
    else if (span < spanBlocks) span = span * 2n < spanBlocks ? span * 2n : spanBlocks;
  }

  return {
    next(finalizedBlock) {
      const oldest = finalizedBlock > lookbackBlocks ? finalizedBlock - lookbackBlocks : 0n;
      nextBlock = nextBlock === null || nextBlock < oldest ? oldest : nextBlock;
      if (nextBlock <= finalizedBlock) {
        const end = nextBlock + span - 1n;
        return { fromBlock: nextBlock, toBlock: end < finalizedBlock ? end : finalizedBlock };
      }
      idleTurns += 1;
      waiting = waiting.filter(({ toBlock }) => toBlock >= oldest);
      return idleTurns % REREAD_TURNS === 0 ? (waiting.shift() ?? null) : null;
    },
    settle,
    readThrough: () => (nextBlock === null || nextBlock === 0n ? null : nextBlock - 1n),
    pending: () => waiting.length,
  };
}
