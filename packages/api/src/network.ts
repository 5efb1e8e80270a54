import { type Domain, type Hex, type RollupParameters, type SetUpdate, STACKS } from "@mach/core";
import * as z from "zod/mini";
import { domainSchema, encodeDomain, encodeSetUpdate, setUpdateSchema } from "./documents.ts";
import {
  address,
  code,
  count,
  type Document,
  type DocumentSchema,
  hash,
  uint64,
} from "./scalars.ts";

/** The network that a node serves; times in seconds. */
export interface Network {
  readonly domain: Domain;
  readonly genesisTime: bigint;
  readonly epochSeconds: bigint;
  /** Null before genesisTime. */
  readonly currentEpoch: bigint | null;
  readonly versions: { readonly protocol: 1; readonly api: 1; readonly software: string };
}

/** A rollup's parameters in the epoch that it names. */
export interface EpochRollup extends RollupParameters {
  readonly epoch: bigint;
}

/** An RPC endpoint as the node that asks it sees it; its label holds no credentials. */
export interface RollupSource {
  /** Host and port. */
  readonly label: string;
  readonly transport: "http" | "websocket";
  /** `faulty` is connected and asked, but its last word was wrong; `down` is asked again later. */
  readonly status: "starting" | "ready" | "faulty" | "down";
  /** Why it is faulty or down; null where it is neither. */
  readonly code: string | null;
  /** Seconds; when it came to this status and code. */
  readonly since: bigint;
  readonly headBlockNumber: bigint | null;
  /** The finalized head that it tells of, and why it tells of none; both null until it is asked. */
  readonly finalizedBlockNumber: bigint | null;
  readonly finalizedCode: string | null;
  /** Blocks behind those that the node has accepted; null while either is unknown. */
  readonly lagBlocks: bigint | null;
  /** How many of its blocks were agreed, and how many times it failed or was wrong. */
  readonly agreed: number;
  readonly failed: number;
}

/** What L1 has settled of a rollup, beside what is certified on this node. */
export interface RollupSettlement {
  /** Why it is not read or compared; null where it is. */
  readonly code: string | null;
  /** The L1 contract that settles the rollup; null where none is known. */
  readonly contract: Hex | null;
  /** The finalised L1 block through which it was read; null before any. */
  readonly l1BlockNumber: bigint | null;
  readonly newest: SettledRollupRoot | null;
  /** Settled roots by how they stand beside the certificates of this node, since its start. */
  readonly agreed: number;
  readonly contradicted: number;
  readonly uncertified: number;
  /** The rollup's sources are of another chain than L1 settled: what they call final is not. */
  readonly isDisputed: boolean;
}

/** A root that finalised L1 holds for a rollup block, and how it stands beside the certificates. */
export interface SettledRollupRoot {
  readonly verdict: "agrees" | "contradicts" | "uncertified";
  /** Null where the root's height is not known. */
  readonly blockNumber: bigint | null;
  /** In the terms of a claim: op and orbit the output root, cdk the state root, zk the batch's. */
  readonly root: Hex;
  readonly l1BlockNumber: bigint;
  readonly transactionHash: Hex;
}

/** A rollup that a node follows: its parameters, and what its blocks are read from. */
export interface FollowedRollup extends EpochRollup {
  /** How many sources must have a block by the same hash. */
  readonly agree: number;
  /** Why the node trusts no newer block now; null where it does. */
  readonly abstention: string | null;
  readonly sources: readonly RollupSource[];
  readonly settlement: RollupSettlement;
}

/** What an operator of a node has to know; `message` names what to do next. */
export interface Alert {
  readonly alertId: string;
  readonly code: string;
  readonly severity: "info" | "warning" | "critical";
  /** Null for an alert of the whole node. */
  readonly rollupId: bigint | null;
  readonly message: string;
  /** Seconds. */
  readonly raisedAt: bigint;
  /** Seconds; null while the alert stands. */
  readonly clearedAt: bigint | null;
}

/** One thing that a node's health rests on. */
export interface HealthCheck {
  readonly name: string;
  readonly status: HealthStatus;
  readonly rollupId: bigint | null;
  /** Why the check is not ok; null where it is. */
  readonly code: string | null;
  /** Milliseconds since it was last known to be ok; null where it never was. */
  readonly ageMs: number | null;
}

export type HealthStatus = "ok" | "degraded" | "down";

/** The health of a node: the worst of its checks. */
export interface Health {
  readonly status: HealthStatus;
  readonly role: "operator" | "observer";
  /** The operator's address; null for an observer. */
  readonly operator: Hex | null;
  readonly software: string;
  readonly uptimeMs: number;
  readonly peers: number;
  readonly checks: readonly HealthCheck[];
}

/** An epoch that has begun, or is about to; the hash is null while its set is not known. */
export interface EpochStart {
  readonly epoch: bigint;
  readonly operatorSetHash: Hex | null;
  /** Seconds. */
  readonly startsAt: bigint;
  /** The set update into it; null while there is none. */
  readonly update: SetUpdate | null;
}

const name = z.string().check(z.minLength(1)).check(z.maxLength(128));
const healthStatus = z.enum(["ok", "degraded", "down"]);

export const networkSchema: DocumentSchema<Network> = z
  .strictObject({
    domain: domainSchema,
    genesisTime: uint64.check(z.meta({ description: "Seconds" })),
    epochSeconds: uint64,
    currentEpoch: uint64
      .apply(z.nullable)
      .check(z.meta({ description: "Null before genesisTime" })),
    versions: z.strictObject({ protocol: z.literal(1), api: z.literal(1), software: name }),
  })
  .check(z.meta({ id: "Network", description: "The network that a node serves" }));

const epochRollup = z.strictObject({
  rollupId: uint64.check(z.meta({ description: "EIP-155 chain id" })),
  stack: z.enum(STACKS),
  attestationInterval: uint64,
  thresholdBps: z.int().check(z.minimum(6667)).check(z.maximum(10_000)),
  verification: z.literal([1, 2]),
  epoch: uint64.check(z.meta({ description: "The epoch that these parameters are of" })),
});

export const epochRollupSchema: DocumentSchema<EpochRollup> = epochRollup.check(
  z.meta({
    id: "EpochRollup",
    description: "A rollup's parameters in an epoch",
  }),
);

const rollupSource = z
  .strictObject({
    label: z
      .string()
      .check(z.minLength(1))
      .check(z.maxLength(264))
      .check(z.meta({ description: "Host and port, no credentials" })),
    transport: z.enum(["http", "websocket"]),
    status: z.enum(["starting", "ready", "faulty", "down"]),
    code: code.apply(z.nullable).check(z.meta({ description: "Why it is faulty or down" })),
    since: uint64.check(z.meta({ description: "Seconds; when it came to this status and code" })),
    headBlockNumber: uint64.apply(z.nullable),
    finalizedBlockNumber: uint64.apply(z.nullable),
    finalizedCode: code
      .apply(z.nullable)
      .check(z.meta({ description: "Why it tells of no finalized head" })),
    lagBlocks: uint64
      .apply(z.nullable)
      .check(z.meta({ description: "Blocks behind the newest accepted one" })),
    agreed: count,
    failed: count,
  })
  .check(
    z.meta({ id: "RollupSource", description: "An RPC endpoint as the node that asks it sees it" }),
  );

const rollupSettlement = z
  .strictObject({
    code: code.apply(z.nullable).check(z.meta({ description: "Why it is not read or compared" })),
    contract: address.apply(z.nullable).check(z.meta({ description: "The L1 contract" })),
    l1BlockNumber: uint64
      .apply(z.nullable)
      .check(z.meta({ description: "The finalised L1 block through which it was read" })),
    newest: z
      .strictObject({
        verdict: z.enum(["agrees", "contradicts", "uncertified"]),
        blockNumber: uint64.apply(z.nullable),
        root: hash,
        l1BlockNumber: uint64,
        transactionHash: hash,
      })
      .apply(z.nullable),
    agreed: count.check(z.meta({ description: "Settled as certified here, since the start" })),
    contradicted: count,
    uncertified: count,
    isDisputed: z
      .boolean()
      .check(z.meta({ description: "The sources are of another chain than L1 settled" })),
  })
  .check(
    z.meta({ id: "RollupSettlement", description: "What L1 has settled, beside the certificates" }),
  );

export const rollupSchema: DocumentSchema<FollowedRollup> = z
  .extend(epochRollup, {
    agree: count.check(
      z.meta({ description: "How many sources must have a block by the same hash" }),
    ),
    abstention: code
      .apply(z.nullable)
      .check(z.meta({ description: "Why the node trusts no newer block now, or signs none" })),
    sources: z.array(rollupSource).check(z.maxLength(64)),
    settlement: rollupSettlement,
  })
  .check(z.meta({ id: "Rollup", description: "A rollup that the node follows" }));

export const alertSchema: DocumentSchema<Alert> = z
  .strictObject({
    alertId: name,
    code,
    severity: z.enum(["info", "warning", "critical"]),
    rollupId: uint64.apply(z.nullable),
    message: z.string().check(z.maxLength(1024)),
    raisedAt: uint64.check(z.meta({ description: "Seconds" })),
    clearedAt: uint64
      .apply(z.nullable)
      .check(z.meta({ description: "Seconds; null while the alert stands" })),
  })
  .check(z.meta({ id: "Alert", description: "What the operator of the node has to know" }));

export const healthSchema: DocumentSchema<Health> = z
  .strictObject({
    status: healthStatus,
    role: z.enum(["operator", "observer"]),
    operator: address.apply(z.nullable),
    software: name,
    uptimeMs: count,
    peers: count,
    checks: z
      .array(
        z.strictObject({
          name,
          status: healthStatus,
          rollupId: uint64.apply(z.nullable),
          code: code.apply(z.nullable),
          ageMs: count.apply(z.nullable),
        }),
      )
      .check(z.maxLength(1024)),
  })
  .check(z.meta({ id: "Health", description: "The health of a node: the worst of its checks" }));

export const epochStartSchema: DocumentSchema<EpochStart> = z
  .strictObject({
    epoch: uint64,
    operatorSetHash: hash.apply(z.nullable),
    startsAt: uint64.check(z.meta({ description: "Seconds" })),
    update: setUpdateSchema
      .apply(z.nullable)
      .check(z.meta({ description: "Null while there is none" })),
  })
  .check(z.meta({ id: "EpochStart", description: "An epoch that has begun, or is about to" }));

/** The JSON of a network. */
export function encodeNetwork(network: Network): Document<Network> {
  const { protocol, api, software } = network.versions;
  return {
    domain: encodeDomain(network.domain),
    genesisTime: network.genesisTime.toString(),
    epochSeconds: network.epochSeconds.toString(),
    currentEpoch: network.currentEpoch?.toString() ?? null,
    versions: { protocol, api, software },
  };
}

/** The JSON of a rollup that is followed. */
export function encodeRollup(rollup: FollowedRollup): Document<FollowedRollup> {
  const { agree, abstention, sources } = rollup;
  return {
    ...encodeEpochRollup(rollup),
    agree,
    abstention,
    sources: sources.map((source) => ({
      label: source.label,
      transport: source.transport,
      status: source.status,
      code: source.code,
      since: source.since.toString(),
      headBlockNumber: source.headBlockNumber?.toString() ?? null,
      finalizedBlockNumber: source.finalizedBlockNumber?.toString() ?? null,
      finalizedCode: source.finalizedCode,
      lagBlocks: source.lagBlocks?.toString() ?? null,
      agreed: source.agreed,
      failed: source.failed,
    })),
    settlement: encodeSettlement(rollup.settlement),
  };
}

function encodeSettlement(settlement: RollupSettlement): Document<RollupSettlement> {
  const { code, contract, l1BlockNumber, newest, isDisputed } = settlement;
  const { agreed, contradicted, uncertified } = settlement;
  return {
    code,
    contract,
    l1BlockNumber: l1BlockNumber?.toString() ?? null,
    newest: newest && {
      verdict: newest.verdict,
      blockNumber: newest.blockNumber?.toString() ?? null,
      root: newest.root,
      l1BlockNumber: newest.l1BlockNumber.toString(),
      transactionHash: newest.transactionHash,
    },
    agreed,
    contradicted,
    uncertified,
    isDisputed,
  };
}

/** The JSON of a rollup's parameters in an epoch. */
export function encodeEpochRollup(rollup: EpochRollup): Document<EpochRollup> {
  return {
    rollupId: rollup.rollupId.toString(),
    stack: rollup.stack,
    attestationInterval: rollup.attestationInterval.toString(),
    thresholdBps: rollup.thresholdBps,
    verification: rollup.verification,
    epoch: rollup.epoch.toString(),
  };
}

/** The JSON of an alert. */
export function encodeAlert(alert: Alert): Document<Alert> {
  return {
    alertId: alert.alertId,
    code: alert.code,
    severity: alert.severity,
    rollupId: alert.rollupId?.toString() ?? null,
    message: alert.message,
    raisedAt: alert.raisedAt.toString(),
    clearedAt: alert.clearedAt?.toString() ?? null,
  };
}

/** The JSON of a node's health. */
export function encodeHealth(health: Health): Document<Health> {
  return {
    status: health.status,
    role: health.role,
    operator: health.operator,
    software: health.software,
    uptimeMs: health.uptimeMs,
    peers: health.peers,
    checks: health.checks.map((check) => ({
      name: check.name,
      status: check.status,
      rollupId: check.rollupId?.toString() ?? null,
      code: check.code,
      ageMs: check.ageMs,
    })),
  };
}

/** The JSON of an epoch that has begun, or is about to. */
export function encodeEpochStart(start: EpochStart): Document<EpochStart> {
  return {
    epoch: start.epoch.toString(),
    operatorSetHash: start.operatorSetHash,
    startsAt: start.startsAt.toString(),
    update: start.update && encodeSetUpdate(start.update),
  };
}
