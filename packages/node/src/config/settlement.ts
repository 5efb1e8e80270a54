import { z } from "zod";
import { integer } from "./fields.ts";

export interface SettlementConfig {
  readonly pollMs: number;
  readonly lookbackBlocks: number;
  readonly spanBlocks: number;
}

/** How the node reads from L1 what it has settled of the rollups. */
export const settlement: z.ZodType<SettlementConfig, unknown> = z
  .strictObject({
    pollMs: integer("The pause between two readings of L1, per rollup, in milliseconds.", {
      min: 100,
      max: 600_000,
    }).default(12_000),
    lookbackBlocks: integer(
      "How many finalized L1 blocks back a node begins, and goes on asking for what is not decided: " +
        "longer than the slowest settlement.",
      { min: 1, max: 1_000_000 },
    ).default(72_000),
    spanBlocks: integer("How many L1 blocks are read at once; fewer where a source refuses.", {
      min: 1,
      max: 10_000,
    }).default(2_000),
  })
  .describe("How the node reads from L1 what it has settled of the rollups.");
