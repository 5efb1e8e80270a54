import { createHash } from "node:crypto";
import { executeBlock } from "@mach/execution";
import { recoverPublicKey } from "../../packages/execution/src/recover.ts";
import { prepareExecutionAlone } from "../../packages/execution/test/support/execution-alone.ts";
import { runNaively } from "../../packages/execution/test/support/naive-run.ts";
import {
  type AttributesInput,
  readRealBlock,
  realHeaders,
} from "../../packages/execution/test/support/real-blocks.ts";
import { blockOn, callContract, makeWorld } from "../../packages/execution/test/support/world.ts";
import type { BenchContext } from "./bench-context.ts";
import { cpuMicrosOf, type RoundCounts, runRounds } from "./rounds.ts";
import { type Row, toRow } from "./row.ts";

export interface ExecutionCounts extends RoundCounts {
  readonly transactions: number;
}

export const EXECUTION_COUNTS = {
  full: { warmUp: 3, rounds: 7, transactions: 120 },
  quick: { warmUp: 1, rounds: 3, transactions: 120 },
} as const;

const UNIT = "Mgas/s";
const NAIVE_GOAL = { of: "ratio", atLeast: 1.5 } as const;
const SMALL_BLOCK_GOAL = { of: "figure", atMost: 90 } as const;
/** SSTORE(5, SLOAD(1)). */
const CODE = "0x6001545f556001546005555f5ff3";

/**
 * Re-execution from a witness, in CPU time: real blocks beside the library as it comes, and beside
 * their transactions alone, and a block of small transactions beside the recovery of its senders.
 */
export async function benchExecution(
  context: BenchContext,
  counts: ExecutionCounts,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { number } of realHeaders) {
    context.progress(`re-execution of OP Sepolia ${number}`);
    rows.push(...(await benchRealBlock(context, counts, readRealBlock(number))));
  }
  context.progress(`re-execution of ${counts.transactions} transactions`);
  rows.push(await benchSmallTransactions(context, counts));
  return rows;
}

async function benchRealBlock(
  context: BenchContext,
  counts: RoundCounts,
  input: AttributesInput,
): Promise<readonly Row[]> {
  const { attributes } = input.block;
  const alone = prepareExecutionAlone(input, attributes);
  const gasUsed = Number(await alone());
  const rates = await runRounds(context, counts, async () => {
    const whole = await cpuMicrosOf(() => executed(input));
    const naive = await cpuMicrosOf(() => runNaively(input, attributes));
    const bare = await cpuMicrosOf(alone);
    return { whole: gasUsed / whole, naive: gasUsed / naive, bare: gasUsed / bare };
  });
  const name = `re-execution of OP Sepolia ${input.parent.number + 1n}`;
  const head = { group: "execution", unit: UNIT, name } as const;
  return [
    toRow(
      { ...head, boundIs: "the library as it comes", goal: NAIVE_GOAL },
      rates.map(({ whole, naive }) => ({ figure: whole, bound: naive })),
    ),
    toRow(
      { ...head, boundIs: "without hashing and root", goal: { of: "nothing" } },
      rates.map(({ whole, bare }) => ({ figure: whole, bound: bare })),
    ),
  ];
}

async function benchSmallTransactions(
  context: BenchContext,
  { transactions: count, ...counts }: ExecutionCounts,
): Promise<Row> {
  const world = await makeWorld({ code: CODE, slots: [[1, 1]] });
  const transactions = Array.from({ length: count }, (_, nonce) => callContract(nonce));
  const input = blockOn(world, transactions);
  const [hash, r] = [createHash("sha256").digest(), new Uint8Array(32).fill(1)];
  const pairs = await runRounds(context, counts, async () => {
    const figure = await cpuMicrosOf(() => executeBlock(input));
    const bound = await cpuMicrosOf(() => {
      for (let index = 0; index < count; index++) recoverPublicKey(hash, 0n, r, r);
    });
    return { figure: figure / 1000, bound: bound / 1000 };
  });
  return toRow(
    {
      group: "execution",
      name: `stateless re-execution of ${count} transactions`,
      unit: "ms",
      boundIs: "recovery of the senders",
      goal: SMALL_BLOCK_GOAL,
    },
    pairs,
  );
}

async function executed(input: AttributesInput): Promise<void> {
  const verdict = await executeBlock(input);
  if (verdict.outcome !== "valid") throw new Error(`the block is ${verdict.outcome}`);
}
