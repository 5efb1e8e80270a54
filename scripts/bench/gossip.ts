import { setTimeout as sleep } from "node:timers/promises";
import { attestationsLength } from "../../packages/node/src/gossip/wire.ts";
import type { BenchContext } from "./bench-context.ts";
import { type BenchChild, startChild } from "./child.ts";
import type { GossipNode } from "./gossip-node.ts";
import { type RoundCounts, runRounds } from "./rounds.ts";
import { median, type Pair, type Row, toRow } from "./row.ts";
import { type StreamPair, startStreamPair } from "./stream-pair.ts";
import { formatNumber } from "./table.ts";

export interface GossipCounts extends RoundCounts {
  /** How often each node publishes in a round. */
  readonly ticks: number;
}

export const GOSSIP_COUNTS = {
  full: { warmUp: 4, rounds: 7, ticks: 60 },
  quick: { warmUp: 2, rounds: 3, ticks: 30 },
} as const;

const NODES = 4;
/** Of one operator: one for each of as many rollups. */
const PER_TICK = 32;
const PAUSE_MS = 20;
const SIGNATURE_BYTES = 192;
const READY_MS = 60_000;
const DELIVERY_MS = 30_000;

interface Policy {
  readonly name: string;
  readonly isBatched: boolean;
  readonly perTick: number;
}

/** The traffic of a tick in one message, and in a message each (of fewer, for time). */
const POLICIES: readonly Policy[] = [
  { name: `${PER_TICK} to a message`, isBatched: true, perTick: PER_TICK },
  { name: "one to a message", isBatched: false, perTick: 8 },
];

/**
 * What an attestation costs each of four nodes in CPU time, whoever published it: to send, to
 * receive, to forward, with every check but that of the signature.
 */
export async function benchGossip(
  context: BenchContext,
  counts: GossipCounts,
): Promise<readonly Row[]> {
  context.progress(`starting ${NODES} nodes and a bare stream`);
  const pair = await startStreamPair(context);
  const nodes = await startNodes(context);
  const rows: Row[] = [];
  for (const policy of POLICIES) {
    context.progress(policy.name);
    const pairs = await runRounds<Pair>(context, counts, async () => ({
      figure: await cpuOfGossip(nodes, policy, counts.ticks),
      bound: await cpuOfStream(pair, policy, counts.ticks),
    }));
    rows.push(toRow(headOf(policy, pairs), pairs));
  }
  return rows;
}

function headOf(policy: Policy, pairs: readonly Pair[]): Parameters<typeof toRow>[0] {
  const perMessage = policy.isBatched ? policy.perTick : 1;
  const figure = median(pairs.map((pair) => pair.figure));
  return {
    group: "gossip",
    name: `gossip CPU per attestation and node, ${policy.name}`,
    unit: "µs",
    boundIs: "bare libp2p stream",
    goal: policy.isBatched ? { of: "figure", atMost: 40 } : { of: "nothing" },
    note: `${formatNumber(figure * perMessage)} µs per message`,
  };
}

async function startNodes(context: BenchContext): Promise<readonly BenchChild<GossipNode>[]> {
  const nodes = await Promise.all(
    Array.from({ length: NODES }, () => startChild<GossipNode>(context, "gossip-node")),
  );
  const bootNodes: string[] = [];
  for (const node of nodes) {
    const { addresses } = await node.call("start", { folder: context.makeFolder(), bootNodes });
    bootNodes.push(...addresses);
  }
  await until("every node to know the others", READY_MS, async () => {
    const peers = await callAll(nodes, "peers");
    return peers.every((count) => count === NODES - 1);
  });
  return nodes;
}

/** Microseconds per attestation and node. */
async function cpuOfGossip(
  nodes: readonly BenchChild<GossipNode>[],
  policy: Policy,
  ticks: number,
): Promise<number> {
  const { perTick, isBatched } = policy;
  const published = NODES * ticks * perTick;
  const expected = (await callAll(nodes, "received")).map((count) => count + (published * 3) / 4);
  const before = sum(await callAll(nodes, "cpuMicros"));
  const options = { ticks, perTick, isBatched, pauseMs: PAUSE_MS };
  await Promise.all(nodes.map((node) => node.call("publish", options)));
  await until("every attestation to arrive", DELIVERY_MS, async () => {
    const received = await callAll(nodes, "received");
    return received.every((count, index) => count >= (expected[index] ?? 0));
  });
  const used = sum(await callAll(nodes, "cpuMicros")) - before;
  return used / published / NODES;
}

/**
 * The same bytes on bare streams: a message published once goes to each of the other nodes once,
 * so that a node's share is three quarters of sending it and of receiving it.
 */
async function cpuOfStream(pair: StreamPair, policy: Policy, ticks: number): Promise<number> {
  const { sender, receiver } = pair;
  const { perTick, isBatched } = policy;
  const perMessage = isBatched ? perTick : 1;
  const bytes = attestationsLength(perMessage, SIGNATURE_BYTES);
  const perPause = perTick / perMessage;
  const messages = NODES * ticks * perPause;
  const expected = (await receiver.call("receivedBytes", undefined)) + messages * bytes;
  const before = await cpuOf(pair);
  await sender.call("send", { messages, bytes, perPause, pauseMs: PAUSE_MS / NODES });
  await until("every byte to arrive", DELIVERY_MS, async () => {
    return (await receiver.call("receivedBytes", undefined)) >= expected;
  });
  const used = (await cpuOf(pair)) - before;
  const share = (NODES - 1) / NODES;
  return (used * share) / (messages * perMessage);
}

async function cpuOf({ sender, receiver }: StreamPair): Promise<number> {
  return sum(
    await Promise.all([sender, receiver].map((node) => node.call("cpuMicros", undefined))),
  );
}

function callAll(
  nodes: readonly BenchChild<GossipNode>[],
  name: "peers" | "received" | "cpuMicros",
): Promise<readonly number[]> {
  return Promise.all(nodes.map((node) => node.call(name, undefined)));
}

/** Waits for a condition, and fails where it does not come true. */
async function until(what: string, ms: number, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`not in ${ms} ms: ${what}`);
    await sleep(20);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
