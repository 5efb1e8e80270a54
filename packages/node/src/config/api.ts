import { z } from "zod";
import { isNetwork } from "../http/client-addresses.ts";
import { integer, text, texts } from "./fields.ts";

export interface ApiConfig {
  readonly host: string;
  readonly port: number;
  readonly trustedProxies: readonly string[];
  readonly requestTimeoutMs: number;
  readonly arrivalTimeoutMs: number;
  readonly maxUrlBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxRequestsPerSecond: number;
  readonly maxLoopDelayMs: number;
  readonly maxUnreadBytes: number;
  readonly maxBatchBytes: number;
  readonly maxCachedBytes: number;
  readonly maxEventClients: number;
  readonly maxEventClientsPerAddress: number;
  readonly maxPendingEventBytes: number;
  readonly eventHistory: number;
  readonly maxStaleMs: number;
}

const times = {
  requestTimeoutMs: integer(
    "How long one answer may take, and its reader for each 64 KiB of it, in milliseconds.",
    { min: 100, max: 120_000 },
  ).default(10_000),
  arrivalTimeoutMs: integer("How long a request may take to arrive, in milliseconds.", {
    min: 100,
    max: 120_000,
  }).default(5_000),
  maxLoopDelayMs: integer(
    "How late the node's event loop may be, for a second, before readers are turned away, in " +
      "milliseconds.",
    { min: 50, max: 60_000 },
  ).default(500),
  maxStaleMs: integer(
    "How old what a node published may be for `mach api` to tell it as the newest, in milliseconds.",
    { min: 1_000, max: 60_000 },
  ).default(3_000),
};

const sizes = {
  maxUrlBytes: integer("The longest request line that is read, in bytes.", {
    min: 256,
    max: 16_384,
  }).default(2_048),
  maxHeaderBytes: integer("The largest head of a request that is read, in bytes.", {
    min: 1_024,
    max: 65_536,
  }).default(8_192),
  maxBatchBytes: integer("The largest answer to a batch, in bytes.", {
    min: 65_536,
    max: 134_217_728,
  }).default(16_777_216),
  maxUnreadBytes: integer(
    "How much all readers together may leave unread, in bytes: beyond, who lags most is dropped.",
    { min: 1_048_576, max: 8_589_934_592 },
  ).default(134_217_728),
  maxPendingEventBytes: integer(
    "How far a reader of events may lag before it is dropped, in bytes.",
    { min: 65_536, max: 134_217_728 },
  ).default(1_048_576),
  maxCachedBytes: integer("How many bytes of answers that never change are kept.", {
    min: 1_048_576,
    max: 8_589_934_592,
  }).default(33_554_432),
};

const counts = {
  maxConnections: integer("How many HTTP connections may be open at once.", {
    min: 16,
    max: 100_000,
  }).default(4_096),
  maxConnectionsPerAddress: integer(
    "How many of them may come from one address; a trusted proxy's are not counted.",
    { min: 1, max: 100_000 },
  ).default(256),
  maxRequestsPerSecond: integer(
    "How many requests one address may make in a second; five times as many at once, after a " +
      "silence. A transaction counts ten, a batch as many as it holds.",
    { min: 1, max: 1_000_000 },
  ).default(200),
  maxEventClients: integer(
    "How many clients may read server-sent events, and how many wait, at once.",
    { min: 1, max: 100_000 },
  ).default(1_024),
  maxEventClientsPerAddress: integer("How many of them may come from one address.", {
    min: 1,
    max: 100_000,
  }).default(64),
  eventHistory: integer("How many past events are kept for Last-Event-ID.", {
    min: 0,
    max: 100_000,
  }).default(4_096),
};

/** What is served to readers, and what each of them may take. */
export const api: z.ZodType<ApiConfig, unknown> = z
  .strictObject({
    host: text("The address on which the HTTP API is served.").default("127.0.0.1"),
    port: integer("The port of the HTTP API; 0 takes a free one.", {
      min: 0,
      max: 65_535,
    }).default(4500),
    trustedProxies: texts(
      "The proxies before the API: from them alone X-Forwarded-For is believed. Without them, all " +
        "clients of a proxy count as one address.",
      {
        shape: /^[0-9a-fA-F:.]{2,45}(\/\d{1,3})?$/,
        accepts: isNetwork,
        takes: "an IP address, or a network such as 10.0.0.0/8",
        max: 64,
      },
    ).default([]),
    ...times,
    ...sizes,
    ...counts,
  })
  .describe("The HTTP API. Without it this node serves none.");
