import * as z from "zod/mini";

/** One row of the table of errors: the HTTP status, and what the code means for the caller. */
export interface ErrorEntry {
  readonly status: number;
  readonly meaning: string;
}

/** Every code of an answer that is no success. Codes are stable; messages are not. */
export const ERROR_CODES = [
  "malformed",
  "not-found",
  "unknown-rollup",
  "unknown-epoch",
  "unknown-certificate",
  "unknown-operator",
  "not-yet",
  "no-certificate",
  "no-update",
  "method-not-allowed",
  "timeout",
  "contradicted",
  "pruned",
  "body-too-large",
  "uri-too-long",
  "too-many-requests",
  "too-many-streams",
  "too-many-waits",
  "headers-too-large",
  "internal",
  "stale",
  "unavailable",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** The one table of errors. */
export const ERRORS: { readonly [Code in ErrorCode]: ErrorEntry } = {
  malformed: { status: 400, meaning: "A part of the request has the wrong form." },
  "not-found": { status: 404, meaning: "There is no such path." },
  "unknown-rollup": { status: 404, meaning: "This node does not follow that rollup." },
  "unknown-epoch": { status: 404, meaning: "That epoch has no operator set on this node." },
  "unknown-operator": { status: 404, meaning: "This node knows no set with that operator." },
  "unknown-certificate": {
    status: 404,
    meaning:
      "This node holds no certificate of that id; it may have, if it is older than it keeps.",
  },
  "not-yet": { status: 404, meaning: "What was asked for does not stand yet: keep polling." },
  "no-certificate": {
    status: 404,
    meaning:
      "No certificate stands for that very height, and none will: its block's status names the " +
      "one that covers it.",
  },
  "no-update": {
    status: 404,
    meaning: "No set update stands for that epoch, and none that is of use will.",
  },
  "method-not-allowed": { status: 405, meaning: "The path exists, but takes no such method." },
  timeout: { status: 408, meaning: "The request did not arrive in time." },
  contradicted: {
    status: 409,
    meaning: "The certificate at that height is contradicted: nothing rests on it.",
  },
  pruned: {
    status: 410,
    meaning: "What is that old is no longer kept here: it says nothing of it, another node may.",
  },
  "body-too-large": { status: 413, meaning: "The request's body is too large." },
  "uri-too-long": { status: 414, meaning: "The request's address is too long." },
  "too-many-requests": {
    status: 429,
    meaning: "This address asks for too much: wait as long as `retry-after` says.",
  },
  "too-many-streams": { status: 429, meaning: "This address reads too many event streams." },
  "too-many-waits": { status: 429, meaning: "This address waits for too many answers at once." },
  "headers-too-large": { status: 431, meaning: "The request's headers are too large." },
  internal: { status: 500, meaning: "The node failed to answer; its log says why." },
  stale: {
    status: 503,
    meaning: "What this process knows is too old to be told as the newest: ask again, or another.",
  },
  unavailable: { status: 503, meaning: "The node cannot answer now: it starts, stops or is full." },
};

/** The body of every answer that is no success. */
export interface ErrorAnswer {
  readonly code: ErrorCode;
  readonly message: string;
}

export const errorSchema: z.ZodMiniType<ErrorAnswer, ErrorAnswer> = z
  .strictObject({ code: z.enum(ERROR_CODES), message: z.string().check(z.maxLength(512)) })
  .check(z.meta({ id: "Error", description: "An answer that is no success; `code` is stable" }));
