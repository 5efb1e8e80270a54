import type { Hex } from "@mach/core";
import { z } from "zod";
import { type ApiConfig, api } from "./api.ts";
import { type ExecutionConfig, execution } from "./execution.ts";
import { ALWAYS, address, bigInteger, integer, text, texts, url, urls } from "./fields.ts";
import { type MetricsConfig, metrics } from "./metrics.ts";
import { MULTIADDR } from "./multiaddr.ts";
import { type OperatorConfig, operator } from "./operator.ts";
import { type RetentionConfig, retention } from "./retention.ts";
import { type RpcConfig, rpc } from "./rpc.ts";
import { type SettlementConfig, settlement } from "./settlement.ts";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

export interface L1Config {
  readonly rpcUrls: readonly string[];
  readonly agree: number;
  readonly pollMs: number;
  readonly timeoutMs: number;
}

export interface PayerConfig {
  readonly privateKeyFile: string;
  readonly minBalanceWei: bigint;
  readonly stepMs: number;
}

export interface RollupConfig {
  readonly rollupId: bigint;
  readonly rpcUrls: readonly string[];
  readonly wsUrls: readonly string[];
  readonly opNodeUrls?: readonly string[] | undefined;
  readonly execution?: ExecutionConfig | undefined;
  readonly rpc?: RpcConfig | undefined;
  readonly settlementContract?: Hex | undefined;
  readonly agree: number;
  readonly pollMs: number;
  readonly timeoutMs: number;
}

export interface GossipConfig {
  readonly host: string;
  readonly port: number;
  readonly announce: readonly string[];
  readonly bootNodes: readonly string[];
  readonly maxMessageBytes: number;
  readonly maxConnections: number;
  readonly tickMs: number;
  readonly heartbeatMs: number;
  readonly syncIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly bindingLifetimeMs: number;
}

export interface EngineConfig {
  readonly improvementWindowMs: number;
  readonly openHeights: number;
  readonly earlyAttestations: number;
  readonly catchUpBlocks: number;
  readonly gatherMs: number;
  readonly tickMs: number;
}

/** What a node is told, checked and frozen. `schema.ts` says what each field means. */
export interface NodeConfig {
  readonly dataDir: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly network: { readonly chainId: bigint; readonly registry: Hex };
  readonly database?: string | undefined;
  readonly l1: L1Config;
  readonly operator?: OperatorConfig | undefined;
  readonly payer?: PayerConfig | undefined;
  readonly rollups: readonly RollupConfig[];
  readonly gossip: GossipConfig;
  readonly api?: ApiConfig | undefined;
  readonly engine: EngineConfig;
  readonly settlement: SettlementConfig;
  readonly retention: RetentionConfig;
  readonly metrics?: MetricsConfig | undefined;
  readonly lifelinePort?: number | undefined;
}

const HTTP = ["http:", "https:"];
const WEBSOCKET = ["ws:", "wss:"];
const DAY_MS = 86_400_000;

/** The fields that L1 and each rollup share: where blocks are read, and how many must agree. */
const sources = {
  rpcUrls: urls("The JSON-RPC endpoints, each of an independent source.", {
    schemes: HTTP,
    min: 1,
    max: 16,
  }),
  agree: integer("How many hosts of endpoints have to give the same answer before it counts.", {
    min: 1,
    max: 16,
  }).default(1),
  pollMs: integer("How often new blocks are asked for, in milliseconds.", {
    min: 50,
    max: 60_000,
  }).default(500),
  timeoutMs: integer("How long one answer may take, in milliseconds.", {
    min: 100,
    max: 60_000,
  }).default(3_000),
};

const AGREE = {
  ...ALWAYS,
  path: ["agree"],
  error: "asks for more sources than rpcUrls names hosts",
};

function canAgree(value: { readonly rpcUrls: unknown; readonly agree: unknown }): boolean {
  if (!Array.isArray(value?.rpcUrls) || !Number.isInteger(value.agree)) return true;
  const hosts = value.rpcUrls.map((url) => (URL.canParse(url) ? new URL(url).host : url));
  return hosts.length === 0 || Number(value.agree) <= new Set(hosts).size;
}

const PLACES = {
  ...ALWAYS,
  path: ["opNodeUrls"],
  error: "names more op-nodes than rpcUrls names nodes",
};

function havePlaces(value: { readonly rpcUrls: unknown; readonly opNodeUrls?: unknown }): boolean {
  if (!Array.isArray(value?.rpcUrls) || !Array.isArray(value.opNodeUrls)) return true;
  return value.opNodeUrls.length <= value.rpcUrls.length;
}

const network = z
  .strictObject({
    chainId: bigInteger("The EIP-155 chain id of the L1 that the registry is on.", 64, {
      example: "1",
    }),
    registry: address("The registry's address on the L1; with chainId it is the EIP-712 domain."),
  })
  .meta({
    description:
      "The network: its name (such as local), the path of its file (ending in .yaml or .json), or " +
      "these two fields. A network's file names its boot nodes too.",
    // Names and files become these two fields before the schema is asked: see `networks.ts`.
    orText: "a network's name, or the path of its file",
  });

const l1 = z
  .strictObject(sources)
  .refine(canAgree, AGREE)
  .describe("Where the L1 is read, at finalized blocks alone.");

const payer = z
  .strictObject({
    privateKeyFile: text("The file that holds the L1 account's private key: 32 bytes of hex.", {
      example: "payer.key",
    }),
    minBalanceWei: bigInteger(
      "An alert is raised when less than this is left, in wei.",
      256,
    ).default(10n ** 16n),
    stepMs: integer(
      "The pause between two payers' turns to fix an epoch, in milliseconds, so that one pays.",
      { min: 100, max: 600_000 },
    ).default(4_000),
  })
  .describe("The L1 account that pays for fixing epochs. Without it this node fixes none.");

const rollup = z
  .strictObject({
    rollupId: bigInteger("The rollup's EIP-155 chain id, as the registry lists it.", 64, {
      example: "901",
    }),
    ...sources,
    wsUrls: urls("Where new heads are announced by WebSocket; polled where there is none.", {
      schemes: WEBSOCKET,
      min: 0,
      max: 16,
    }).default([]),
    opNodeUrls: urls("The op-node beside each of rpcUrls, in their order: it tells the heads.", {
      schemes: HTTP,
      min: 1,
      max: 16,
    }).optional(),
    execution: execution.optional(),
    rpc: rpc.optional(),
    settlementContract: address(
      "The L1 contract that settles the rollup, where the registry names no adapter: op " +
        "AnchorStateRegistry, orbit Rollup, cdk RollupManager, zk diamond proxy.",
    ).optional(),
  })
  .refine(canAgree, AGREE)
  .refine(havePlaces, PLACES);

const gossip = z
  .strictObject({
    host: text("The address on which peers connect.").default("0.0.0.0"),
    port: integer("The TCP port on which peers connect; 0 takes a free one.", {
      min: 0,
      max: 65_535,
    }).default(4600),
    announce: texts(
      "The multiaddrs told to peers, where they differ from host and port.",
      MULTIADDR,
    ).default([]),
    bootNodes: texts(
      "The multiaddrs of peers to connect to first, and again when lost.",
      MULTIADDR,
    ).default([]),
    maxMessageBytes: integer("The largest gossip message that is read, in bytes.", {
      min: 16_384,
      max: 4_194_304,
    }).default(262_144),
    maxConnections: integer(
      "How many peers that speak for no operator may be connected; operators come on top.",
      {
        min: 4,
        max: 1_000,
      },
    ).default(100),
    tickMs: integer("How long attestations wait to share one message, in milliseconds.", {
      min: 0,
      max: 1_000,
    }).default(0),
    heartbeatMs: integer("The pause between two gossipsub heartbeats, in milliseconds.", {
      min: 100,
      max: 10_000,
    }).default(700),
    syncIntervalMs: integer("How often peers are asked for what was missed, in milliseconds.", {
      min: 200,
      max: 600_000,
    }).default(2_000),
    requestTimeoutMs: integer("How long a peer's answer may take, in milliseconds.", {
      min: 100,
      max: 60_000,
    }).default(5_000),
    bindingLifetimeMs: integer("How long a PeerBinding of this node is valid, in milliseconds.", {
      min: 60_000,
      max: 30 * DAY_MS,
    }).default(DAY_MS),
  })
  .describe("How the node and its peers reach each other, and its bounds.");

const engine = z
  .strictObject({
    improvementWindowMs: integer(
      "How long a certificate goes on improving after it stood, in milliseconds.",
      { min: 0, max: 60_000 },
    ).default(2_000),
    openHeights: integer("How many heights of a rollup are held open at once.", {
      min: 8,
      max: 65_536,
    }).default(256),
    earlyAttestations: integer(
      "How many attestations for blocks not yet verified here are kept, per rollup.",
      { min: 16, max: 1_000_000 },
    ).default(8_192),
    catchUpBlocks: integer(
      "How many missed blocks are fetched when a node comes back, per rollup.",
      {
        min: 1,
        max: 100_000,
      },
    ).default(512),
    gatherMs: integer(
      "How long an attestation waits for others to be checked with it, in milliseconds.",
      { min: 0, max: 1_000 },
    ).default(10),
    tickMs: integer("The pause between two ticks of the engine's clock, in milliseconds.", {
      min: 5,
      max: 10_000,
    }).default(100),
  })
  .describe("The bounds and clocks of the protocol in this node.");

const DISTINCT = { ...ALWAYS, error: "names one rollup twice" };

function haveDistinctIds(rollups: readonly RollupConfig[]): boolean {
  if (!Array.isArray(rollups)) return true;
  const ids = rollups.map((each) => String(each?.rollupId));
  return new Set(ids).size === ids.length;
}

/** The one schema of a node's configuration: each field's sentence, unit, default and limit. */
export const configSchema: z.ZodType<NodeConfig, unknown> = z.strictObject({
  dataDir: text("The folder that this node alone writes to; relative to the config file.", {
    example: "data",
  }),
  logLevel: z
    .enum(LOG_LEVELS, { error: `expected one of ${LOG_LEVELS.join(", ")}` })
    .describe("The least severe level that is logged.")
    .default("info"),
  network,
  database: url(
    "The PostgreSQL that `mach api` serves readers from; the password may stand in a file instead " +
      "(PGPASSFILE). Without it readers are served by the node alone.",
    { schemes: ["postgres:", "postgresql:"], example: "postgres://mach@10.0.0.9/mach" },
  ).optional(),
  l1,
  operator: operator.optional(),
  payer: payer.optional(),
  rollups: z
    .array(rollup, { error: "expected a list of rollups" })
    .min(1, "expected at least one rollup")
    .max(64, "expected at most 64 rollups")
    .refine(haveDistinctIds, DISTINCT)
    .describe("The rollups to follow; stack and parameters come from the registry."),
  gossip: gossip.prefault({}),
  api: api.optional(),
  engine: engine.prefault({}),
  settlement: settlement.prefault({}),
  retention: retention.prefault({}),
  metrics: metrics.optional(),
  lifelinePort: integer("Stop when the connection to this loopback port closes.", {
    min: 1,
    max: 65_535,
  }).optional(),
});
