import { STACKS, type Stack } from "@mach/core";
import { type Chain, startAnvilChain, startReplayedChain } from "./chain.ts";
import type { Child } from "./child.ts";
import { LocalNetworkError } from "./errors.ts";

/** A rollup of the network on its own process. */
export interface Rollup extends Chain {
  readonly rollupId: bigint;
  readonly stack: Stack;
  /** Whether contracts can stand on it and transactions be sent to it. */
  readonly runsContracts: boolean;
  /** At which level it is registered. */
  readonly verification: 1 | 2;
}

const ROLLUP_IDS: Readonly<Record<Stack, bigint>> = {
  op: 901n,
  evm: 902n,
  orbit: 903n,
  cdk: 904n,
  zk: 905n,
};
/** The flags of anvil where it can be a rollup of the stack. */
const ANVIL_FLAGS: Readonly<Partial<Record<Stack, readonly string[]>>> = {
  op: ["--network", "optimism", "--hardfork", "isthmus"],
  evm: [],
};
const ACCOUNTS = 10;

export const DEFAULT_STACKS: readonly Stack[] = ["op", "evm"];
const ALL_STACKS: readonly Stack[] = ["op", "orbit", "cdk", "zk"];

/** The stacks that `--stacks` names: `all`, or some of them with commas between. */
export function parseStacks(text: string): readonly Stack[] {
  if (text === "all") return ALL_STACKS;
  const stacks = text.split(",").map((name) => STACKS.find((stack) => stack === name));
  const known = stacks.filter((stack) => stack !== undefined);
  if (known.length === stacks.length && new Set(known).size === known.length) return known;
  throw new LocalNetworkError(
    "bad-stacks",
    `--stacks is "all", or some of ${STACKS.join(",")} with commas between, each once`,
  );
}

/** The id that the network's rollup of a stack has. */
export function rollupIdOf(stack: Stack): bigint {
  return ROLLUP_IDS[stack];
}

/** 2, executed, for the rollup whose blocks an operator can execute here under a named profile. */
export function verificationOf(stack: Stack, atMost: 1 | 2): 1 | 2 {
  return stack === "op" ? atMost : 1;
}

/** Starts the rollup of a stack: on anvil where it can be, else replayed from recorded blocks. */
export async function startRollup(
  stack: Stack,
  context: {
    readonly folder: string;
    readonly verification: 1 | 2;
    /** Of those on anvil; a second where it is undefined. */
    readonly blockMs: number | undefined;
    readonly track: (child: Child) => void;
  },
): Promise<Rollup> {
  const { folder, verification, blockMs, track } = context;
  const rollupId = rollupIdOf(stack);
  const options = { name: `rollup-${rollupId}`, chainId: rollupId, folder };
  const flags = ANVIL_FLAGS[stack];
  const chain =
    flags === undefined
      ? await startReplayedChain({ ...options, stack }, track)
      : await startAnvilChain({ ...options, flags, accounts: ACCOUNTS, blockMs }, track);
  const runsContracts = flags !== undefined;
  return { ...chain, rollupId, stack, runsContracts, verification };
}
