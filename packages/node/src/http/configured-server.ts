import type { ApiConfig, RollupConfig } from "../config.ts";
import { offeredRpc } from "../rpc-proxy/rollup-rpc.ts";
import { VERSION } from "../version.ts";
import type { HttpServerOptions } from "./server.ts";

/** The options of the HTTP server that a configuration asks for. */
export function serverOptions(api: ApiConfig, rollups: readonly RollupConfig[]): HttpServerOptions {
  const { host, port, requestTimeoutMs, maxUrlBytes, maxConnections } = api;
  const { maxEventClients, eventHistory } = api;
  const limits = {
    requestTimeoutMs,
    maxUrlBytes,
    maxConnections,
    maxEventClients,
    maxEventClientsPerAddress: maxEventClients,
    maxWaits: maxEventClients,
    maxWaitsPerAddress: maxEventClients,
    eventHistory,
  };
  return { host, port, software: VERSION, limits, rpc: offeredRpc(rollups) };
}
