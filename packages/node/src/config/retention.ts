import { z } from "zod";
import { ALWAYS, integer } from "./fields.ts";

/** What of the past is kept for how long; counted in epochs, which are days on the mainnet. */
export interface RetentionConfig {
  readonly certificateEpochs: number;
  readonly setEpochs: number;
  readonly evidenceEpochs: number;
  readonly participationEpochs: number;
  readonly alerts: number;
  readonly journalEntries: number;
}

/**
 * Twice the epochs that a node takes certificates and evidence of, so that what has gone never
 * comes in again as news, and twice the time for which stake stays slashable (protocol.md,
 * section 4: 14 epochs on the mainnet, 10 on a local network).
 */
const LEAST_EPOCHS = 32;
/** As many as are counted on at once. */
const LEAST_PARTICIPATION = 16;
/** As many may stand at once. */
const LEAST_ALERTS = 1_024;
const EPOCHS = {
  min: LEAST_EPOCHS,
  max: 1_000_000,
  because: "evidence slashes for up to 16 epochs, and this node hears of news from as many",
};

const SETS = {
  ...ALWAYS,
  path: ["setEpochs"],
  error: (issue: { readonly input?: unknown }) =>
    `expected ${leastSets(issue.input)} or more: certificates and evidence that are kept that ` +
    "long cannot be checked without the sets of their epochs",
};

/** No fewer than whatever is checked under them. */
function leastSets(value: unknown): number {
  const { certificateEpochs, evidenceEpochs } = value as RetentionConfig;
  return Math.max(certificateEpochs, evidenceEpochs);
}

function haveSets(value: RetentionConfig): boolean {
  const given = [value?.setEpochs, value?.certificateEpochs, value?.evidenceEpochs];
  return !given.every(Number.isInteger) || value.setEpochs >= leastSets(value);
}

/** What of the past is kept. */
export const retention: z.ZodType<RetentionConfig, unknown> = z
  .strictObject({
    certificateEpochs: integer(
      "How many epochs' certificates are kept, the current one included. Those that L1 has not " +
        "finalised, the newest ones and contradicted ones are kept besides.",
      EPOCHS,
    ).default(90),
    setEpochs: integer(
      "How many epochs' operator sets and set updates are kept: at least as many as of " +
        "certificates and of evidence.",
      EPOCHS,
    ).default(366),
    evidenceEpochs: integer(
      "How many epochs' evidence is kept, by the newest epoch that it is about.",
      EPOCHS,
    ).default(366),
    participationEpochs: integer("How many epochs' participation of the operators is kept.", {
      min: LEAST_PARTICIPATION,
      max: 1_024,
      because: "so many are counted on at once",
    }).default(32),
    alerts: integer("How many alerts are kept, those that have cleared included.", {
      min: LEAST_ALERTS,
      max: 4_096,
      because: "so many may stand at once",
    }).default(LEAST_ALERTS),
    journalEntries: integer(
      "How many changes wait for a database that is out of reach, about 200 bytes each; after " +
        "more it is filled from the store.",
      { min: 1_024, max: 10_000_000 },
    ).default(1_000_000),
  })
  .refine(haveSets, SETS)
  .describe(
    "What of the past this node keeps, and for how long. The protection record is kept for ever.",
  );
