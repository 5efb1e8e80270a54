import type { Hex, Stack } from "@mach/core";
import { onTestFinished } from "vitest";
import { createRollupFollower, type RollupFollower } from "../../src/follower.ts";
import type {
  Abstention,
  ObservedBlock,
  Reorg,
  RollupFollowerEvents,
  Skipped,
} from "../../src/follower-events.ts";
import type { RollupFollowerOptions } from "../../src/follower-options.ts";
import type { RollupHeads } from "../../src/heads.ts";
import type { SourceDescription } from "../../src/source-description.ts";
import { until } from "./anvil.ts";

export interface Recorded {
  readonly follower: RollupFollower;
  readonly blocks: ObservedBlock[];
  readonly abstentions: Abstention[];
  readonly reorgs: Reorg[];
  readonly skips: Skipped[];
  readonly heads: RollupHeads[];
  readonly states: SourceDescription[];
  /** Kinds of events in the order in which they came. */
  readonly order: string[];
  readonly heights: () => readonly bigint[];
  readonly codes: () => readonly string[];
  /** Once the block at this height was emitted. */
  reached(blockNumber: bigint): Promise<void>;
}

/** A follower whose events are kept; stops with the test. */
export function record(
  options: Omit<RollupFollowerOptions, "rollupId" | "stack" | "sources"> & {
    readonly stack?: Stack;
    readonly rollupId?: bigint;
    readonly urls: readonly string[];
  },
  from?: { readonly fromBlockNumber?: bigint; readonly parentHash?: Hex },
): Recorded {
  const { urls, ...rest } = options;
  const recorded = {
    blocks: [] as ObservedBlock[],
    abstentions: [] as Abstention[],
    reorgs: [] as Reorg[],
    skips: [] as Skipped[],
    heads: [] as RollupHeads[],
    states: [] as SourceDescription[],
    order: [] as string[],
  };
  const keep = <T>(list: T[], name: (event: T) => string) => {
    return (event: T): void => {
      list.push(event);
      recorded.order.push(name(event));
    };
  };
  const events: RollupFollowerEvents = {
    onBlock: keep(recorded.blocks, ({ blockNumber }) => `block ${blockNumber}`),
    onAbstain: keep(recorded.abstentions, ({ code }) => `abstain ${code}`),
    onReorg: keep(recorded.reorgs, ({ depth }) => `reorg ${depth}`),
    onSkipped: keep(recorded.skips, ({ reason }) => `skipped ${reason}`),
    onHeads: (heads) => recorded.heads.push(heads),
    onSourceState: (source) => recorded.states.push(source),
  };
  const follower = createRollupFollower(
    {
      rollupId: 902n,
      stack: "evm",
      pollMs: 20,
      headsMs: 50,
      timeoutMs: 10_000,
      minBackoffMs: 20,
      maxBackoffMs: 100,
      lagGraceMs: 100,
      ...rest,
      sources: urls.map((url) => ({ url })),
    },
    events,
  );
  onTestFinished(() => follower.stop());
  follower.start(from);
  return {
    ...recorded,
    follower,
    heights: () => recorded.blocks.map(({ blockNumber }) => blockNumber),
    codes: () => recorded.abstentions.map(({ code }) => code),
    reached: (blockNumber) =>
      until(() => recorded.blocks.some((block) => block.blockNumber === blockNumber)),
  };
}
