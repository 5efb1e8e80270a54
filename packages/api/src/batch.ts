import * as z from "zod/mini";
import type { DocumentSchema } from "./scalars.ts";

/** The most requests in one batch. */
export const MAX_BATCH_REQUESTS = 32;
/** The longest address in a batch. */
export const MAX_BATCH_ADDRESS_CHARACTERS = 512;

/** Reads that are answered together: addresses of GET routes, from the root of the API. */
export interface BatchRequest {
  readonly requests: readonly string[];
}

/** One answer of a batch: the status and the body that the request alone would have had. */
export interface BatchItem {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export const batchRequestSchema: DocumentSchema<BatchRequest> = z
  .strictObject({
    requests: z
      .array(
        z
          .string()
          .check(z.maxLength(MAX_BATCH_ADDRESS_CHARACTERS, { abort: true }))
          .check(z.regex(/^\/[!-~]*$/)),
      )
      .check(z.minLength(1))
      .check(z.maxLength(MAX_BATCH_REQUESTS, { abort: true })),
  })
  .check(
    z.meta({ id: "BatchRequest", description: "Addresses of GET routes, with their queries" }),
  );

const batchItem: DocumentSchema<BatchItem> = z
  .strictObject({
    status: z.int().check(z.minimum(200)).check(z.maximum(599)),
    body: z
      .record(z.string(), z.unknown())
      .check(z.meta({ description: "The answer of the route, or an Error" })),
  })
  .check(z.meta({ id: "BatchItem", description: "The answer to one request of a batch" }));

export const batchAnswerSchema: DocumentSchema<{ readonly data: readonly BatchItem[] }> =
  z.strictObject({ data: z.array(batchItem).check(z.maxLength(MAX_BATCH_REQUESTS)) });
