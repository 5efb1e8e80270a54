import { type Hex, MAX_THRESHOLD_BPS, MIN_THRESHOLD_BPS, type VerificationLevel } from "@mach/core";
import * as z from "zod/mini";
import { TOPIC_NAMES, type Topic } from "./events.ts";
import { hash, uint64, uint128 } from "./scalars.ts";

/** The most items in one page. */
export const MAX_PAGE_ITEMS = 100;
/** The longest that an answer is waited for, seconds. */
export const MAX_WAIT_SECONDS = 30;
/** The forms in which a certificate is served. */
export const CERTIFICATE_FORMATS = ["json", "compact", "calldata"] as const;
export type CertificateFormat = (typeof CERTIFICATE_FORMATS)[number];

export const rollupId: z.ZodMiniType<bigint, string> = uint64.check(
  z.meta({ description: "The rollup's EIP-155 chain id" }),
);
export const epoch: z.ZodMiniType<bigint | "current", string> = z
  .union([z.literal("current"), uint64])
  .check(z.meta({ description: "The epoch's number, or `current`" }));
export const from: z.ZodMiniType<bigint | undefined, string | undefined> = uint64.apply(z.optional);
export const limit: z.ZodMiniType<number, string | undefined> = limitField(20);
/** As many as there may be: one that stands must not hide behind twenty that are cleared. */
export const alertLimit: z.ZodMiniType<number, string | undefined> = limitField(MAX_PAGE_ITEMS);
export const alertCursor: z.ZodMiniType<Hex | undefined, string | undefined> = hash
  .apply(z.optional)
  .check(z.meta({ description: "The `next` of the page before; the newest ones if not given" }));

/** The fields of a `CertificatePolicy`. */
export const policy: {
  readonly minWeightBps: OptionalField<number>;
  readonly minVerification: OptionalField<VerificationLevel>;
  readonly minSignedWeight: OptionalField<bigint>;
} = {
  minWeightBps: numberIn(/^(?:666[7-9]|66[7-9][0-9]|6[7-9][0-9]{2}|[7-9][0-9]{3}|10000)$/)
    .apply(z.optional)
    .check(
      z.meta({
        description:
          "Only of certificates with at least this share of the set's weight, in basis points, " +
          `${MIN_THRESHOLD_BPS} to ${MAX_THRESHOLD_BPS}`,
      }),
    ),
  minVerification: z
    .enum(["1", "2"])
    .apply((text) =>
      z.pipe(
        text,
        z.transform((digit): VerificationLevel => (digit === "1" ? 1 : 2)),
      ),
    )
    .apply(z.optional)
    .check(z.meta({ description: "Only of certificates of this level or above" })),
  minSignedWeight: uint128
    .apply(z.optional)
    .check(z.meta({ description: "Only of certificates that at least this weight signed" })),
};

export const wait: OptionalField<number> = numberIn(/^(?:[0-9]|[12][0-9]|30)$/)
  .apply(z.optional)
  .check(
    z.meta({
      description:
        `How many seconds the answer may be waited for, 0 to ${MAX_WAIT_SECONDS}; \`not-yet\` if ` +
        "it does not stand by then",
    }),
  );
export const minBlockNumber: OptionalField<bigint> = uint64
  .apply(z.optional)
  .check(z.meta({ description: "Only if the fast-final block is at least this high" }));
export const format: OptionalField<CertificateFormat> = z
  .enum(CERTIFICATE_FORMATS)
  .apply(z.optional)
  .check(
    z.meta({
      description:
        "`json` (the default), `compact` (bytes; also by Accept: application/octet-stream), or " +
        "`calldata` (for the contracts that check it)",
    }),
  );
const oneTopic = `(?:${TOPIC_NAMES.join("|")})`;
export const topics: z.ZodMiniType<readonly Topic[], string | undefined> = z
  .string()
  .check(z.maxLength(128, { abort: true }))
  .check(z.regex(new RegExp(`^${oneTopic}(?:,${oneTopic})*$`), { abort: true }))
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

type OptionalField<T> = z.ZodMiniType<T | undefined, string | undefined>;

function limitField(ifNotGiven: number): z.ZodMiniType<number, string | undefined> {
  return numberIn(/^(?:[1-9][0-9]?|100)$/)
    .apply(z.optional)
    .apply((number) =>
      z.pipe(
        number,
        z.transform((value) => value ?? ifNotGiven),
      ),
    )
    .check(
      z.meta({
        description: `How many items, 1 to ${MAX_PAGE_ITEMS}; ${ifNotGiven} if not given`,
      }),
    );
}

/** The pattern holds the bounds too, so that what is published is what is taken. */
function numberIn(pattern: RegExp): z.ZodMiniType<number, string> {
  return z
    .string()
    .check(z.regex(pattern, { abort: true }))
    .apply((text) =>
      z.pipe(
        text,
        z.transform((digits: string) => Number(digits)),
      ),
    );
}
