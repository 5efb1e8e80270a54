import { setTimeout as sleep } from "node:timers/promises";
import { attestationsLength } from "../../packages/node/src/gossip/wire.ts";
import { type BenchContext, withContext } from "./bench-context.ts";
import { type BenchChild, type Methods, startChild } from "./child.ts";
import type { GossipNode } from "./gossip-node.ts";
import { type RoundCounts, runRounds } from "./rounds.ts";
import { median, type Row, toRow } from "./row.ts";
import type { StreamNode } from "./stream-node.ts";
import type { StreamPair } from "./stream-pair.ts";
import { formatNumber } from "./table.ts";

export interface GossipCounts extends RoundCounts {
  /** How often each node publishes in a round. */
  readonly ticks: number;
  /** How many nodes there are, each a process. */
  readonly nodes: readonly number[];
}

export const GOSSIP_COUNTS = {
  full: { warmUp: 4, rounds: 7, ticks: 60, nodes: [4, 8, 16] },
  quick: { warmUp: 2, rounds: 3, ticks: 30, nodes: [4] },
} as const;

/** Of one operator: one for each of as many rollups. */
const PER_TICK = 32;
const PAUSE_MS = 20;
const SIGNATURE_BYTES = 192;
const READY_MS = 180_000;
const DELIVERY_MS = 120_000;

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

interface Nodes {
  readonly gossip: readonly BenchChild<GossipNode>[];
  /** As many with gossipsub alone. */
  readonly bare: readonly BenchChild<StreamNode>[];
  /** The first two of those, with a stream from one to the other. */
  readonly pair: StreamPair;
}

/**
 * What an attestation costs each node in CPU time, whoever published it: to send, to receive, to
 * forward, with every check but that of the signature. Beside bare streams and bare gossipsub.
 */
export async function benchGossip(
  context: BenchContext,
  counts: GossipCounts,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const count of counts.nodes) {
    // Each network ends before the next one starts.
    rows.push(...(await withContext(context, (own) => benchNodes(own, counts, count))));
  }
  return rows;
}

async function benchNodes(
  context: BenchContext,
  counts: GossipCounts,
  count: number,
): Promise<readonly Row[]> {
  context.progress(`starting ${count} nodes, and as many of libp2p alone`);
  const gossip = await startNodes(context, count);
  const nodes = { gossip, ...(await startBare(context, count)) };
  const rows: Row[] = [];
  for (const policy of POLICIES) {
    context.progress(`${count} nodes, ${policy.name}`);
    const rounds = await runRounds<Round>(context, counts, async () => ({
      figure: await cpuOfGossip(nodes.gossip, policy, counts.ticks),
      stream: await cpuOfStream(nodes, policy, counts.ticks),
      gossipsub: await cpuOfBare(nodes.bare, policy, counts.ticks),
    }));
    rows.push(...rowsOf(count, policy, rounds));
  }
  return rows;
}

/** Microseconds per attestation and node. */
interface Round {
  readonly figure: number;
  readonly stream: number;
  readonly gossipsub: number;
}

function rowsOf(count: number, policy: Policy, rounds: readonly Round[]): readonly Row[] {
  const perMessage = policy.isBatched ? policy.perTick : 1;
  const figure = median(rounds.map((round) => round.figure));
  const name = `gossip CPU per attestation and node, ${count} nodes, ${policy.name}`;
  const head = { group: "gossip", name, unit: "µs" } as const;
  return [
    toRow(
      {
        ...{ ...head, boundIs: "bare libp2p stream" },
        // The design's goal is for as many nodes as it was measured with.
        goal: policy.isBatched && count === 4 ? { of: "figure", atMost: 40 } : { of: "nothing" },
        note: `${formatNumber(figure * perMessage)} µs per message`,
      },
      rounds.map((round) => ({ figure: round.figure, bound: round.stream })),
    ),
    toRow(
      { ...head, boundIs: "gossipsub alone, the same bytes", goal: { of: "nothing" } },
      rounds.map((round) => ({ figure: round.figure, bound: round.gossipsub })),
    ),
  ];
}

async function startNodes(
  context: BenchContext,
  count: number,
): Promise<readonly BenchChild<GossipNode>[]> {
  const nodes = await startAll<GossipNode>(context, count, "gossip-node");
  const bootNodes: string[] = [];
  for (const node of nodes) {
    const { addresses } = await node.call("start", { folder: context.makeFolder(), bootNodes });
    bootNodes.push(...addresses);
  }
  await until("every node to know the others", READY_MS, async () => {
    const peers = await Promise.all(nodes.map((node) => node.call("peers", undefined)));
    return peers.every((known) => known === count - 1);
  });
  return nodes;
}

async function startBare(
  context: BenchContext,
  count: number,
): Promise<Pick<Nodes, "bare" | "pair">> {
  const nodes = await startAll<StreamNode>(context, count, "stream-node");
  const known: string[] = [];
  for (const node of nodes) {
    const { addresses } = await node.call("start", { folder: context.makeFolder() });
    await node.call("join", { addresses: known });
    known.push(...addresses);
  }
  await until("every gossipsub to know the others", READY_MS, async () => {
    const others = await Promise.all(nodes.map((node) => node.call("subscribers", undefined)));
    return others.every((each) => each === count - 1);
  });
  const [receiver, sender] = nodes;
  if (receiver === undefined || sender === undefined) throw new RangeError("expected two nodes");
  await sender.call("dial", { address: known[0] ?? "" });
  return { bare: nodes, pair: { sender, receiver } };
}

function startAll<M extends Methods>(
  context: BenchContext,
  count: number,
  role: string,
): Promise<readonly BenchChild<M>[]> {
  return Promise.all(Array.from({ length: count }, () => startChild<M>(context, role)));
}

async function cpuOfGossip(
  nodes: readonly BenchChild<GossipNode>[],
  policy: Policy,
  ticks: number,
): Promise<number> {
  const { perTick, isBatched } = policy;
  const received = (): Promise<number[]> =>
    Promise.all(nodes.map((node) => node.call("received", undefined)));
  const ofOthers = (nodes.length - 1) * ticks * perTick;
  const expected = (await received()).map((count) => count + ofOthers);
  const before = await cpuOf(nodes);
  const options = { ticks, perTick, isBatched, pauseMs: PAUSE_MS };
  await Promise.all(nodes.map((node) => node.call("publish", options)));
  await until("every attestation to arrive", DELIVERY_MS, async () => {
    return (await received()).every((count, index) => count >= (expected[index] ?? 0));
  });
  const used = (await cpuOf(nodes)) - before;
  return used / (nodes.length * ticks * perTick) / nodes.length;
}

async function cpuOfBare(
  nodes: readonly BenchChild<StreamNode>[],
  policy: Policy,
  ticks: number,
): Promise<number> {
  const { perTick, isBatched } = policy;
  const perMessage = isBatched ? perTick : 1;
  const perPause = perTick / perMessage;
  const messages = ticks * perPause;
  const delivered = (): Promise<number[]> =>
    Promise.all(nodes.map((node) => node.call("delivered", undefined)));
  const expected = (await delivered()).map((count) => count + (nodes.length - 1) * messages);
  const before = await cpuOf(nodes);
  const bytes = attestationsLength(perMessage, SIGNATURE_BYTES);
  const options = { messages, bytes, perPause, pauseMs: PAUSE_MS };
  await Promise.all(nodes.map((node) => node.call("publish", options)));
  await until("every message to arrive", DELIVERY_MS, async () => {
    return (await delivered()).every((count, index) => count >= (expected[index] ?? 0));
  });
  const used = (await cpuOf(nodes)) - before;
  return used / (nodes.length * ticks * perTick) / nodes.length;
}

/**
 * The same bytes on bare streams: a message published once goes to each of the other nodes once,
 * so that a node's share of sending it and of receiving it is one less than the nodes are.
 */
async function cpuOfStream(nodes: Nodes, policy: Policy, ticks: number): Promise<number> {
  const { sender, receiver } = nodes.pair;
  const count = nodes.gossip.length;
  const { perTick, isBatched } = policy;
  const perMessage = isBatched ? perTick : 1;
  const bytes = attestationsLength(perMessage, SIGNATURE_BYTES);
  const perPause = perTick / perMessage;
  const messages = count * ticks * perPause;
  const expected = (await receiver.call("receivedBytes", undefined)) + messages * bytes;
  const before = await cpuOf([sender, receiver]);
  await sender.call("send", { messages, bytes, perPause, pauseMs: PAUSE_MS / count });
  await until("every byte to arrive", DELIVERY_MS, async () => {
    return (await receiver.call("receivedBytes", undefined)) >= expected;
  });
  const used = (await cpuOf([sender, receiver])) - before;
  const share = (count - 1) / count;
  return (used * share) / (messages * perMessage);
}

async function cpuOf(nodes: readonly Measured[]): Promise<number> {
  const used = await Promise.all(nodes.map((node) => node.call("cpuMicros", undefined)));
  return used.reduce((total, value) => total + value, 0);
}

type Measured = BenchChild<{ cpuMicros(): number }>;

/** Waits for a condition, and fails where it does not come true. */
async function until(what: string, ms: number, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`not in ${ms} ms: ${what}`);
    await sleep(20);
  }
}
