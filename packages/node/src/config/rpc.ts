import { z } from "zod";
import { integer, urls } from "./fields.ts";

export interface RpcConfig {
  /** The rollup's own endpoints where they are left out. */
  readonly urls?: readonly string[] | undefined;
  readonly wsUrls?: readonly string[] | undefined;
  readonly maxStalenessMs: number;
  readonly timeoutMs: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly maxBatch: number;
  readonly maxInFlight: number;
  readonly maxFilters: number;
  readonly maxSockets: number;
  readonly maxSubscriptions: number;
  readonly maxSharePercent: number;
}

/** What a rollup's RPC is offered with to everyone who reaches the API. */
export const rpc: z.ZodType<RpcConfig, unknown> = z
  .strictObject({
    urls: urls("The nodes that calls are passed on to, the first before the others.", {
      schemes: ["http:", "https:"],
      min: 1,
      max: 16,
    }).optional(),
    wsUrls: urls("Where subscriptions of the rollup's own are made, the first before the others.", {
      schemes: ["ws:", "wss:"],
      min: 0,
      max: 16,
    }).optional(),
    maxStalenessMs: integer(
      "How old the newest fast-final block may be, by its own time, in milliseconds: beyond, the " +
        "tag is an error. Longer where blocks come on demand, or in batches.",
      { min: 1_000, max: 604_800_000 },
    ).default(120_000),
    timeoutMs: integer("How long one request may take, at all nodes together, in milliseconds.", {
      min: 500,
      max: 60_000,
    }).default(10_000),
    maxRequestBytes: integer("The largest request that is read, in bytes.", {
      min: 1_024,
      max: 16_777_216,
    }).default(1_048_576),
    maxResponseBytes: integer("The largest answer that is passed on, in bytes.", {
      min: 65_536,
      max: 134_217_728,
    }).default(4_194_304),
    maxBatch: integer("How many requests one batch may have.", { min: 1, max: 1_000 }).default(100),
    maxInFlight: integer("How many calls may be under way at once.", {
      min: 16,
      max: 10_000,
    }).default(128),
    maxFilters: integer("How many filters are kept for clients that poll.", {
      min: 0,
      max: 100_000,
    }).default(1_024),
    maxSockets: integer("How many WebSockets may be open at once.", {
      min: 0,
      max: 100_000,
    }).default(256),
    maxSubscriptions: integer("How many subscriptions one WebSocket may have.", {
      min: 1,
      max: 1_000,
    }).default(16),
    maxSharePercent: integer(
      "How much of maxInFlight, maxFilters and maxSockets one address may take, in percent.",
      { min: 1, max: 100 },
    ).default(25),
  })
  .describe("Offers the rollup's RPC at /rpc/{rollupId} of the API. Without it there is none.");
