import { EXECUTION_PROFILES, type ExecutionRules } from "@mach/execution";
import { z } from "zod";
import { bigInteger, integer, urls } from "./fields.ts";

const BY = ["witness", "proofs", "external"] as const;

export interface ExecutionConfig {
  readonly urls: readonly string[];
  readonly by: (typeof BY)[number];
  readonly profile: ExecutionRules["profile"];
  readonly forks: Readonly<Record<string, bigint>>;
  readonly eip1559Denominator: bigint;
  readonly eip1559Elasticity: bigint;
  readonly timeoutMs: number;
}

/** How a rollup's blocks are executed again, which its registered level may ask for. */
export const execution: z.ZodType<ExecutionConfig, unknown> = z
  .strictObject({
    urls: urls("The node that is asked: for witnesses, or to say what it has executed.", {
      schemes: ["http:", "https:"],
      min: 1,
      max: 1,
    }),
    by: z
      .enum(BY)
      .describe(
        "witness: executed here, from debug_executionWitness. proofs: executed here, from traces " +
          "and eth_getProof. external: the word of a node of your own.",
      )
      .default("witness"),
    profile: z.enum(EXECUTION_PROFILES).describe("Whose rules the blocks follow.").default("op"),
    forks: z
      .record(z.string(), bigInteger("When a fork begins, in seconds.", 64))
      .meta({
        description: "Every fork of the rollup and when it begins, in seconds.",
        takes: "a section of forks, each with its time",
      })
      .default({}),
    eip1559Denominator: bigInteger(
      "The base fee's denominator where a block names none; of OP chains.",
      64,
    ).default(250n),
    eip1559Elasticity: bigInteger(
      "The base fee's elasticity where a block names none; of OP chains.",
      64,
    ).default(6n),
    timeoutMs: integer("How long the execution of one block may take, in milliseconds.", {
      min: 100,
      max: 600_000,
    }).default(10_000),
  })
  .describe("Without it a rollup whose level is `executed` is not signed.");
