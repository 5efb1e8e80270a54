import * as z from "zod/mini";
import { TOPIC_NAMES, type Topic } from "./events.ts";
import { uint64 } from "./scalars.ts";

/** The most items in one page. */
export const MAX_PAGE_ITEMS = 100;

export const rollupId: z.ZodMiniType<bigint, string> = uint64.check(
  z.meta({ description: "The rollup's EIP-155 chain id" }),
);
export const epoch: z.ZodMiniType<bigint | "current", string> = z
  .union([z.literal("current"), uint64])
  .check(z.meta({ description: "The epoch's number, or `current`" }));
export const from: z.ZodMiniType<bigint | undefined, string | undefined> = uint64.apply(z.optional);
export const limit: z.ZodMiniType<number, string | undefined> = z
  .string()
  .check(z.regex(/^[1-9][0-9]{0,2}$/, { abort: true }))
  .apply((text) =>
    z.pipe(
      text,
      z.pipe(
        z.transform((digits: string) => Number(digits)),
        z.int().check(z.maximum(MAX_PAGE_ITEMS)),
      ),
    ),
  )
  .apply(z.optional)
  .apply((number) =>
    z.pipe(
      number,
      z.transform((value) => value ?? 20),
    ),
  )
  .check(z.meta({ description: `How many items, 1 to ${MAX_PAGE_ITEMS}; 20 if not given` }));
export const topics: z.ZodMiniType<readonly Topic[], string | undefined> = z
  .string()
  .check(z.maxLength(128, { abort: true }))
  .apply((text) =>
    z.pipe(
      text,
      z.pipe(
        z.transform((list: string): readonly string[] => [...new Set(list.split(","))]),
        z.array(z.enum(TOPIC_NAMES)).check(z.minLength(1)),
      ),
    ),
  )
  .apply(z.optional)
  .apply((names) =>
    z.pipe(
      names,
      z.transform((value) => value ?? TOPIC_NAMES),
    ),
  )
  .check(
    z.meta({ description: `Some of ${TOPIC_NAMES.join(", ")}, with commas; all if not given` }),
  );
