import { type Client, createClient, ERRORS, type ErrorCode, type RouteId } from "@mach/api";
import { expect, onTestFinished } from "vitest";
import type { HttpLimits } from "../../src/http/limits.ts";
import type { NodeView } from "../../src/http/node-view.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import { createMemoryView, fixture, type MemoryView, rollupId } from "./memory-view.ts";

const { certificate, operatorSet } = fixture;
export const TRANSACTION_HASH = `0x${"ab".repeat(32)}` as const;
export const OTHER_HASH = `0x${"00".repeat(32)}` as const;

export interface TestServer {
  readonly view: MemoryView;
  readonly server: HttpServer;
  readonly client: Client;
  readonly url: string;
  readonly port: number;
  /** What was logged as failed. */
  readonly failures: object[];
}

/** A server on a free port of the loopback, stopped when the test is over. */
export async function startTestServer(
  options: {
    readonly parts?: Partial<NodeView>;
    readonly limits?: Partial<HttpLimits>;
    readonly trustedProxies?: readonly string[];
  } = {},
): Promise<TestServer> {
  const view = createMemoryView(options.parts);
  const failures: object[] = [];
  const server = createHttpServer(
    { view, now: () => performance.now(), logger: { error: (fields) => failures.push(fields) } },
    {
      host: "127.0.0.1",
      port: 0,
      software: "0.1.0",
      // As many as a test likes, on a machine as busy as it may be.
      limits: { maxRequestsPerSecond: 1_000_000, maxLoopDelayMs: 60_000, ...options.limits },
      ...(options.trustedProxies && { trustedProxies: options.trustedProxies }),
    },
  );
  const started = await server.start();
  if (!started.ok) throw new Error(started.message);
  onTestFinished(() => server.stop());
  const { url, port } = started;
  return { view, server, client: createClient({ baseUrl: url }), url, port, failures };
}

export const BASE = `/v1/rollups/${rollupId}`;
/** A path of each route that the view has an answer to. */
export const PATHS: { readonly [Id in RouteId]: string } = {
  network: "/v1/network",
  rollups: "/v1/rollups",
  rollup: BASE,
  finality: `${BASE}/finality`,
  block: `${BASE}/blocks/${certificate.claim.blockNumber}`,
  transaction: `${BASE}/transactions/${TRANSACTION_HASH}`,
  certificates: `${BASE}/certificates`,
  certificate: `${BASE}/certificates/${certificate.claim.blockNumber}`,
  certificateById: `/v1/certificates/${certificate.certificateId}`,
  operatorSet: `/v1/epochs/${operatorSet.epoch}`,
  setUpdate: `/v1/epochs/${operatorSet.epoch}/update`,
  operators: "/v1/operators",
  operator: `/v1/operators/${operatorSet.operators[0]?.operator}`,
  evidence: "/v1/evidence",
  alerts: "/v1/alerts",
  batch: "/v1/batch",
  events: "/v1/events",
  health: "/v1/node/health",
  openapi: "/openapi.json",
  docs: "/docs",
};

/** The status and code of an answer, which has the form of every error if it is one. */
export async function readCode(
  url: string,
  init?: RequestInit,
): Promise<readonly [number, ErrorCode | undefined]> {
  const response = await fetch(url, init);
  const body = (await response.json()) as { code?: ErrorCode; message?: string };
  if (response.status >= 400) {
    expect(body).toEqual({ code: expect.any(String), message: expect.any(String) });
    expect(response.status).toBe(ERRORS[body.code ?? "internal"].status);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  }
  return [response.status, body.code];
}
