import type { ApiConfig, RollupConfig } from "../config.ts";
import { offeredRpc } from "../rpc-proxy/rollup-rpc.ts";
import { VERSION } from "../version.ts";
import type { HttpServerOptions } from "./server.ts";

/** The options of the HTTP server that a configuration asks for. */
export function serverOptions(api: ApiConfig, rollups: readonly RollupConfig[]): HttpServerOptions {
  const { host, port, trustedProxies, maxStaleMs: _, ...limits } = api;
  const { maxEventClients, maxEventClientsPerAddress } = limits;
  const waits = { maxWaits: maxEventClients, maxWaitsPerAddress: maxEventClientsPerAddress };
  const bounds = { ...limits, ...waits };
  return {
    host,
    port,
    trustedProxies,
    software: VERSION,
    limits: bounds,
    rpc: offeredRpc(rollups),
  };
}
