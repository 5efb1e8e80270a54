import { CHAIN_DEPTH, EARLY_PER_OPERATOR, type SimNode } from "./sim-node.ts";
import { Violation } from "./violation.ts";

/** How many times as many blocks are kept while nothing may be signed. */
const LOCKED_FACTOR = 16;
/** One for each epoch that is kept, and the one after it. */
const MAX_SET_UPDATES = 32;
/** Admitted before the first of them was counted: a flood's length. */
const MAX_IN_CHECK = 44;
/** How many containers deep an engine's state is looked at. */
const MAX_LEVELS = 4;
/** Unsettled certificates are the longest: 16 for each block that is kept. */
const MAX_ENTRIES = 17 * CHAIN_DEPTH;

/** Throws where any collection in a node's engine has outgrown what its options allow. */
export function checkMemory(node: SimNode): void {
  const { openHeights } = node.state.options;
  const { rollup } = node;
  if (node.state.setUpdates.size > MAX_SET_UPDATES) {
    throw new Violation("memory", `node ${node.index}: ${node.state.setUpdates.size} set updates`);
  }
  if (rollup === undefined) return;
  const named: readonly (readonly [string, number, number])[] = [
    // Whoever may not sign keeps more, because a release has to be linked to the newest block.
    ["blocks", rollup.blocks.size, LOCKED_FACTOR * CHAIN_DEPTH],
    // A reorg lowers the tip, and leaves what was open above it; what was in the check while the
    // tip moved on stays until the next block.
    ["heights", rollup.heights.size, 3 * openHeights + fallOf(node)],
    ["certified", rollup.certified.size, 2 * CHAIN_DEPTH + 1],
  ];
  for (const [name, size, most] of named) {
    if (size > most) throw new Violation("memory", `node ${node.index}: ${size} ${name}`);
  }
  for (const [operator, count] of rollup.early) {
    // What was counted above the lower tip of a reorg is early again.
    if (count > earlyShare(node) + MAX_IN_CHECK + fallOf(node)) {
      throw new Violation("memory", `node ${node.index}: ${count} early of ${operator}`);
    }
  }
  checkEntries(node, rollup, 0);
}

function checkEntries(node: SimNode, value: unknown, level: number): void {
  if (typeof value !== "object" || value === null || level > MAX_LEVELS) return;
  if (value instanceof Uint8Array) return;
  const isCollection = value instanceof Map || value instanceof Set || Array.isArray(value);
  if (!isCollection) {
    if (level > 1) return;
    for (const each of Object.values(value)) checkEntries(node, each, level + 1);
    return;
  }
  const size = Array.isArray(value) ? value.length : value.size;
  if (size > MAX_ENTRIES) throw new Violation("memory", `node ${node.index}: ${size} entries`);
}

/** The largest share that one operator has in any epoch: the smallest set's. */
function earlyShare(node: SimNode): number {
  const { plan } = node.ports.setting;
  const counts = plan.weights.map((weights) => weights.filter((weight) => weight > 0n).length);
  return Math.floor((EARLY_PER_OPERATOR * plan.operators) / Math.min(...counts));
}

/** How far the tip has been above where it is now. */
function fallOf({ rollup, highestTip }: SimNode): number {
  return Number(highestTip - (rollup?.tip?.blockNumber ?? 0n));
}
