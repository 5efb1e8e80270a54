import type { NodeConfig } from "../config.ts";
import type { GossipOptions } from "./gossip.ts";

/** A node's gossip as its configuration has it. */
export function gossipOptions(
  { dataDir, gossip }: Pick<NodeConfig, "dataDir" | "gossip">,
  parts: Pick<GossipOptions, "domain" | "now" | "logger" | "bindingSigner">,
): GossipOptions {
  const { host, port, announce, bootNodes, maxMessageBytes, maxConnections } = gossip;
  const { tickMs, heartbeatMs, requestTimeoutMs, bindingLifetimeMs } = gossip;
  return {
    ...parts,
    ...{ dataDir, host, port, announce, bootNodes },
    limits: {
      maxMessageBytes,
      flushDelayMs: tickMs,
      maxConnections,
      heartbeatMs,
      requestTimeoutMs,
      bindingLifetimeMs,
    },
  };
}
