import * as z from "zod/mini";
import { type BatchRequest, batchAnswerSchema, batchRequestSchema } from "./batch.ts";
import { certificateCalldataSchema } from "./calldata.ts";
import {
  certificateSchema,
  evidenceSchema,
  MAX_OPERATORS,
  operatorSetSchema,
  setUpdateSchema,
} from "./documents.ts";
import type { ErrorCode } from "./errors.ts";
import { alertSchema, healthSchema, networkSchema, rollupSchema } from "./network.ts";
import { operatorReportSchema, operatorSummarySchema } from "./participation.ts";
import {
  alertCursor,
  alertLimit,
  epoch,
  format,
  from,
  limit,
  MAX_PAGE_ITEMS,
  minBlockNumber,
  policy,
  rollupId,
  topics,
  wait,
} from "./route-fields.ts";
import type { RouteId, RouteShapes } from "./route-shapes.ts";
import { address, type DocumentSchema, hash, uint64 } from "./scalars.ts";
import {
  badgeRuleSchema,
  blockStatusSchema,
  finalitySchema,
  transactionStatusSchema,
} from "./status.ts";

/** How long an answer may be kept by a cache. */
export const CACHE_CLASSES = {
  immutable: { header: "public, max-age=31536000, immutable", meaning: "For ever." },
  settled: { header: "public, max-age=60", meaning: "A minute." },
  head: { header: "public, max-age=1", meaning: "A second." },
  none: { header: "no-store", meaning: "Not at all." },
} as const;
export type CacheClass = keyof typeof CACHE_CLASSES;

/** One route. Params and query are read strictly: what is not listed is refused. */
export interface Route<Id extends RouteId> {
  readonly id: Id;
  readonly method: Id extends "batch" ? "POST" : "GET";
  /** As OpenAPI writes it, with params in braces. */
  readonly path: string;
  readonly params: Fields<RouteShapes[Id]["params"]>;
  readonly query: Fields<RouteShapes[Id]["query"]>;
  /** Null where the answer is no JSON document of this API. */
  readonly answer: RouteShapes[Id]["answer"] extends null
    ? null
    : DocumentSchema<RouteShapes[Id]["answer"]>;
  readonly mediaType: "application/json" | "text/event-stream" | "text/html";
  /** What `format` gives beside the answer; the compact form has no schema. */
  readonly formats?: { readonly compact: string; readonly calldata: z.ZodMiniType };
  /** The JSON document that is posted. */
  readonly body?: Id extends "batch" ? DocumentSchema<BatchRequest> : never;
  /** The longest that an answer is kept; a pending one is kept less. */
  readonly cache: CacheClass;
  /** Beside those that every route can answer with. */
  readonly errors: readonly ErrorCode[];
}

/** Any of the routes, for those who walk the table. */
export type AnyRoute = { readonly [Id in RouteId]: Route<Id> }[RouteId];

type Fields<Values> = {
  readonly [Name in keyof Values]-?: z.ZodMiniType<Values[Name], string | undefined>;
};

/** The errors that every route can answer with. */
export const COMMON_ERRORS: readonly ErrorCode[] = [
  "malformed",
  "too-many-requests",
  "internal",
  "stale",
  "unavailable",
];

const JSON_GET = { method: "GET", mediaType: "application/json", params: {}, query: {} } as const;
const certificateAnswer = z.strictObject({ data: certificateSchema, rule: badgeRuleSchema });
const CERTIFICATE_FORMS = {
  compact: "The compact encoding of the certificate, version 1.",
  calldata: z.strictObject({ data: certificateCalldataSchema }),
};
/** Every route of the API, once: the server, the client, OpenAPI and /docs are made from it. */
export const ROUTES: { readonly [Id in RouteId]: Route<Id> } = {
  network: {
    ...JSON_GET,
    id: "network",
    path: "/v1/network",
    answer: z.strictObject({ data: networkSchema }),
    cache: "head",
    errors: [],
  },
  rollups: {
    ...JSON_GET,
    id: "rollups",
    path: "/v1/rollups",
    answer: z.strictObject({ data: z.array(rollupSchema).check(z.maxLength(1024)) }),
    cache: "head",
    errors: [],
  },
  rollup: {
    ...JSON_GET,
    id: "rollup",
    path: "/v1/rollups/{rollupId}",
    params: { rollupId },
    answer: z.strictObject({ data: rollupSchema }),
    cache: "head",
    errors: ["unknown-rollup"],
  },
  finality: {
    ...JSON_GET,
    id: "finality",
    path: "/v1/rollups/{rollupId}/finality",
    params: { rollupId },
    query: { ...policy, minBlockNumber, wait },
    answer: z.strictObject({ data: finalitySchema }),
    cache: "head",
    errors: ["unknown-rollup", "not-yet", "too-many-waits"],
  },
  block: {
    ...JSON_GET,
    id: "block",
    path: "/v1/rollups/{rollupId}/blocks/{block}",
    params: {
      rollupId,
      block: z
        .union([hash, uint64])
        .check(z.meta({ description: "The block's number, or its hash" })),
    },
    query: { ...policy, wait },
    answer: z.strictObject({ data: blockStatusSchema }),
    cache: "head",
    errors: ["unknown-rollup", "not-yet", "contradicted", "pruned", "too-many-waits"],
  },
  transaction: {
    ...JSON_GET,
    id: "transaction",
    path: "/v1/rollups/{rollupId}/transactions/{transactionHash}",
    params: { rollupId, transactionHash: hash },
    query: { ...policy, wait },
    answer: z.strictObject({ data: transactionStatusSchema }),
    cache: "head",
    errors: ["unknown-rollup", "not-yet", "contradicted", "pruned", "too-many-waits"],
  },
  certificates: {
    ...JSON_GET,
    id: "certificates",
    path: "/v1/rollups/{rollupId}/certificates",
    params: { rollupId },
    query: {
      from: from.check(z.meta({ description: "The lowest height; the newest ones if not given" })),
      limit,
      ...policy,
    },
    answer: z.strictObject({
      data: z.array(certificateSchema).check(z.maxLength(MAX_PAGE_ITEMS)),
      next: uint64.apply(z.nullable),
    }),
    cache: "head",
    errors: ["unknown-rollup"],
  },
  certificate: {
    ...JSON_GET,
    id: "certificate",
    path: "/v1/rollups/{rollupId}/certificates/{blockNumber}",
    params: { rollupId, blockNumber: uint64 },
    query: { ...policy, wait, format },
    answer: certificateAnswer,
    formats: CERTIFICATE_FORMS,
    cache: "settled",
    errors: [
      "unknown-rollup",
      "not-yet",
      "no-certificate",
      "contradicted",
      "pruned",
      "too-many-waits",
    ],
  },
  certificateById: {
    ...JSON_GET,
    id: "certificateById",
    path: "/v1/certificates/{certificateId}",
    params: { certificateId: hash },
    query: { ...policy, format },
    answer: certificateAnswer,
    formats: CERTIFICATE_FORMS,
    cache: "immutable",
    errors: ["unknown-certificate", "not-yet"],
  },
  operatorSet: {
    ...JSON_GET,
    id: "operatorSet",
    path: "/v1/epochs/{epoch}",
    params: { epoch },
    answer: z.strictObject({ data: operatorSetSchema }),
    cache: "settled",
    errors: ["unknown-epoch", "pruned"],
  },
  setUpdate: {
    ...JSON_GET,
    id: "setUpdate",
    path: "/v1/epochs/{epoch}/update",
    params: { epoch },
    query: { wait },
    answer: z.strictObject({ data: setUpdateSchema }),
    cache: "settled",
    errors: ["unknown-epoch", "not-yet", "no-update", "pruned", "too-many-waits"],
  },
  operators: {
    ...JSON_GET,
    id: "operators",
    path: "/v1/operators",
    query: { epoch: epoch.apply(z.optional) },
    answer: z.strictObject({
      data: z.array(operatorSummarySchema).check(z.maxLength(MAX_OPERATORS)),
    }),
    cache: "head",
    errors: ["unknown-epoch", "pruned"],
  },
  operator: {
    ...JSON_GET,
    id: "operator",
    path: "/v1/operators/{operator}",
    params: { operator: address },
    query: {
      from: from.check(z.meta({ description: "The lowest epoch; the newest ones if not given" })),
      limit,
    },
    answer: z.strictObject({ data: operatorReportSchema, next: uint64.apply(z.nullable) }),
    cache: "head",
    errors: ["unknown-operator"],
  },
  evidence: {
    ...JSON_GET,
    id: "evidence",
    path: "/v1/evidence",
    query: {
      from: from.check(z.meta({ description: "The first position; the newest ones if not given" })),
      limit,
    },
    answer: z.strictObject({
      data: z.array(evidenceSchema).check(z.maxLength(MAX_PAGE_ITEMS)),
      next: uint64.apply(z.nullable),
    }),
    cache: "head",
    errors: [],
  },
  alerts: {
    ...JSON_GET,
    id: "alerts",
    path: "/v1/alerts",
    query: { from: alertCursor, limit: alertLimit },
    answer: z.strictObject({
      data: z.array(alertSchema).check(z.maxLength(MAX_PAGE_ITEMS)),
      next: hash.apply(z.nullable),
    }),
    cache: "head",
    errors: [],
  },
  batch: {
    ...JSON_GET,
    method: "POST",
    id: "batch",
    path: "/v1/batch",
    body: batchRequestSchema,
    answer: batchAnswerSchema,
    cache: "none",
    errors: ["body-too-large"],
  },
  events: {
    ...JSON_GET,
    id: "events",
    path: "/v1/events",
    query: {
      topics,
      rollupId: uint64
        .apply(z.optional)
        .check(z.meta({ description: "Only of this rollup; all if not given" })),
    },
    answer: null,
    mediaType: "text/event-stream",
    cache: "none",
    errors: ["unknown-rollup", "too-many-streams"],
  },
  health: {
    ...JSON_GET,
    id: "health",
    path: "/v1/node/health",
    answer: z.strictObject({ data: healthSchema }),
    cache: "none",
    errors: [],
  },
  openapi: {
    ...JSON_GET,
    id: "openapi",
    path: "/openapi.json",
    answer: null,
    cache: "settled",
    errors: [],
  },
  docs: {
    ...JSON_GET,
    id: "docs",
    path: "/docs",
    answer: null,
    mediaType: "text/html",
    cache: "settled",
    errors: [],
  },
};

export const ROUTE_IDS: readonly RouteId[] = Object.keys(ROUTES) as readonly RouteId[];
