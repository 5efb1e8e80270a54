import {
  eventTopic,
  readLogs,
  type SettledAnswer,
  type SettledRoot,
  type SettlementQuery,
  wordToUint,
} from "./settlement.ts";
import type { NodeCall } from "./stack.ts";

const BLOCK_COMMIT = eventTopic("BlockCommit(uint256,bytes32,bytes32)");
const BLOCK_EXECUTION = eventTopic("BlockExecution(uint256,bytes32,bytes32)");
const BLOCKS_REVERT = eventTopic("BlocksRevert(uint256,uint256,uint256)");

/**
 * The batches that the diamond proxy committed and executed, for EraVM and ZKsync OS alike; the
 * root is the batch hash. A revert within the range takes back every batch above the number of
 * batches that stayed committed: those are left out, and `revertedTo` names it.
 */
export async function readBatchEvents(
  l1: NodeCall,
  query: SettlementQuery,
): Promise<SettledAnswer> {
  const { contracts } = query;
  if (contracts.stack !== "zk") throw new RangeError("the contracts are of another stack");
  const events = [BLOCK_COMMIT, BLOCK_EXECUTION, BLOCKS_REVERT];
  const read = await readLogs(l1, query, { address: contracts.diamond, events });
  if (!read.ok) return read;
  let roots: SettledRoot[] = [];
  let revertedTo: bigint | null = null;
  for (const { topics, words, l1BlockNumber, transactionHash } of read.logs) {
    const [event, number, root] = topics;
    if (event === BLOCKS_REVERT) {
      const committed = wordToUint(words[0]);
      if (committed === null || words.length !== 3) return { ok: false, code: "malformed" };
      const isReverted = ({ subject }: SettledRoot): boolean =>
        subject.by === "batch" && subject.batchNumber > committed;
      roots = roots.filter((each) => !isReverted(each));
      if (revertedTo === null || committed < revertedTo) revertedTo = committed;
      continue;
    }
    const batchNumber = wordToUint(number);
    if (batchNumber === null || root === undefined || topics.length !== 4) {
      return { ok: false, code: "malformed" };
    }
    roots.push({
      standing: event === BLOCK_EXECUTION ? "confirmed" : "committed",
      subject: { by: "batch", batchNumber },
      root,
      l1BlockNumber,
      transactionHash,
    });
  }
  return { ok: true, roots, revertedTo, undecided: 0 };
}
