import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import type { Domain, Hex } from "@mach/core";
import {
  type Outsider,
  type OutsiderOptions,
  startOutsider,
} from "../../packages/node/test/gossip/outsider.ts";
import { type RawPeer, startRawPeer } from "../../packages/node/test/gossip/raw-peer.ts";
import {
  type LocalNetwork,
  type LocalNetworkOptions,
  startLocalNetwork,
} from "../../scripts/local-network/local-network.ts";
import { read, until } from "../e2e/api.ts";

/*
 * A live network of real processes to attack: one for each test file, started in `beforeAll`. The
 * attacker is the test's own process. Figures are printed, one line each.
 */

/** A node under attack. */
export interface ArenaNode {
  readonly name: string;
  readonly apiUrl: string;
  readonly logFile: string;
  readonly pid: () => number;
  readonly isRunning: () => boolean;
  /** A multiaddr to dial. */
  readonly address: string;
  readonly peerId: string;
  /** What the kernel says of the process now. */
  usage(): ProcessUsage;
  /** What its metrics port says now. */
  metrics(): Promise<MetricValues>;
}

export interface ProcessUsage {
  readonly rssBytes: number;
  /** User and system time since the start of the process. */
  readonly cpuSeconds: number;
}

export interface MetricValues {
  /** The sum of a metric over all of its samples with these labels; 0 where there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** How often gossip has counted a code: `mach_gossip_refused_total`. */
  refused(code: string): number;
  /** Peers that said hello: operators' ones, and the others. */
  peers(bound: "operator" | "nobody"): number;
  /** The event loop's longest delay since the last scrape. */
  longestDelaySeconds(): number;
}

/** A registered operator of weight 1 whose node does not run: the attacker has its key. */
export interface Member {
  readonly operator: Hex;
  readonly secretKey: Uint8Array;
}

export interface Arena {
  readonly network: LocalNetwork;
  readonly domain: Domain;
  readonly rollupId: bigint;
  /** The operators that run, then the observer. */
  readonly nodes: readonly ArenaNode[];
  node(name: string): ArenaNode;
  member(index?: number): Member;
  /** A peer that speaks gossipsub, for what goes by topics. */
  rawPeer(...options: Parameters<typeof startRawPeer>): Promise<RawPeer>;
  /** A peer that only opens streams; `from` is the address that it comes from. */
  outsider(options?: Omit<OutsiderOptions, "domain">): Promise<Outsider>;
  /** The newest height that a node serves as fast-final, null before the first. */
  fastFinalHeight(node: ArenaNode): Promise<bigint | null>;
  /** Waits until a node serves a certificate this many heights above what it serves now. */
  untilProgress(node: ArenaNode, heights?: bigint): Promise<void>;
  stop(): Promise<void>;
}

export interface ArenaOptions extends Omit<LocalNetworkOptions, "folder" | "extraOperators"> {
  /** How many members there are; 1 where it is left out. */
  readonly members?: number;
}

/** The full count of an attack in `npm run test:long`, a small one in `npm test`. */
export function wholeOr(small: number, whole: number): number {
  return process.env["MACH_LONG"] === "1" ? whole : small;
}

/** Prints one line: what was done how often, what came of it, and what was allowed. */
export function printFigure(figure: {
  readonly attack: string;
  readonly count: number | string;
  readonly figure: string;
  readonly bound: string;
}): void {
  const { attack, count, bound } = figure;
  process.stdout.write(`hostile | ${attack} | ${count} | ${figure.figure} | bound: ${bound}\n`);
}

/** Starts the network, with one rollup and verification by header, and waits for a certificate. */
export async function startArena(options: ArenaOptions = {}): Promise<Arena> {
  const { members: memberCount = 1, ...rest } = options;
  const folder = mkdtempSync(join(tmpdir(), "mach-hostile-"));
  const bls = createNativeBls();
  const keys = Array.from({ length: memberCount }, () => ({
    secretKey: bls.generateSecretKey().toBytes(),
    weight: 1n,
  }));
  const network = await startLocalNetwork({
    ...{ stacks: ["evm"], maxVerification: 1, ...rest },
    folder: join(folder, "network"),
    extraOperators: keys,
  });
  const closers: (() => Promise<void>)[] = [
    async () => {
      await network.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  ];
  try {
    const arena = await describeArena(network, closers);
    await Promise.all(arena.nodes.map((node) => arena.untilProgress(node)));
    return arena;
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function describeArena(
  network: LocalNetwork,
  closers: (() => Promise<void>)[],
): Promise<Arena> {
  const [rollup] = network.rollups;
  if (rollup === undefined) throw new Error("no rollup");
  const { domain } = network.deployment;
  const { bootNodes } = network.describe();
  const nodes = await Promise.all(
    [...network.operators, network.observer].map((node, i) => describeNode(node, bootNodes[i])),
  );
  const fastFinalHeight = async ({ apiUrl }: ArenaNode): Promise<bigint | null> => {
    const { data } = await read(apiUrl, "finality", { rollupId: rollup.rollupId });
    return data.fastFinal?.blockNumber ?? null;
  };
  return {
    ...{ network, domain, rollupId: rollup.rollupId, nodes, fastFinalHeight },
    node(name): ArenaNode {
      const found = nodes.find((each) => each.name === name);
      if (found === undefined) throw new Error(`no node ${name}`);
      return found;
    },
    member(index = 0): Member {
      const registered = network.extraOperators[index];
      if (registered === undefined) throw new Error("no such member");
      return { operator: registered.address, secretKey: registered.secretKey };
    },
    async rawPeer(gossipsub = {}, of = domain): Promise<RawPeer> {
      const peer = await startRawPeer(gossipsub, of);
      closers.push(() => peer.stop());
      return peer;
    },
    async outsider(from = {}): Promise<Outsider> {
      const peer = await startOutsider({ domain, ...from });
      closers.push(() => peer.stop());
      return peer;
    },
    async untilProgress(node, heights = 1n): Promise<void> {
      const first = await until(`a height of ${node.name}`, () => fastFinalHeight(node));
      await until(`${heights} more certificates at ${node.name}`, async () => {
        const height = await fastFinalHeight(node);
        return height !== null && height >= first + heights ? true : null;
      });
    },
    stop: () => closeAll(closers),
  };
}

async function describeNode(
  node: LocalNetwork["observer"],
  address: string | undefined,
): Promise<ArenaNode> {
  if (address === undefined) throw new Error(`${node.name} has no address`);
  const { logFile } = node.entry();
  const found = async (field: string): Promise<string> =>
    await until(`${field} of ${node.name}`, async () => {
      const matches = [
        ...readFileSync(logFile, "utf8").matchAll(new RegExp(`"${field}":"([^"]+)"`, "g")),
      ];
      return matches.at(-1)?.[1] ?? null;
    });
  const pid = (): number => node.entry().pid;
  return {
    ...{ name: node.name, apiUrl: node.apiUrl, logFile, pid, address },
    isRunning: () => node.entry().running,
    peerId: await found("peerId"),
    usage: () => usageOf(pid()),
    // Looked up each time: a node that was started again has another port.
    async metrics(): Promise<MetricValues> {
      return parseMetrics(await (await fetch(await found("metrics"))).text());
    },
  };
}

/** Of any process, from /proc; the kernel counts in pages of 4 KiB and in hundredths of a second. */
export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold anything; what follows it starts with field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user = 0, system = 0, rss = 0] = [fields[11], fields[12], fields[21]].map(Number);
  return { rssBytes: rss * 4_096, cpuSeconds: (user + system) / 100 };
}

function parseMetrics(text: string): MetricValues {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const sum: MetricValues["sum"] = (name, labels = {}) => {
    const asked = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return lines
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .filter((line) => asked.every((label) => line.includes(label)))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  };
  return {
    sum,
    refused: (code) => sum("mach_gossip_refused_total", { code }),
    peers: (bound) => sum("mach_peers", { bound }),
    longestDelaySeconds: () => sum("nodejs_eventloop_lag_max_seconds"),
  };
}

/** In the reverse order, and all of them, also where one fails. */
async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const close of closers.splice(0).reverse()) {
    await close().catch((fault: unknown) => faults.push(fault));
  }
  if (faults.length > 0) throw new AggregateError(faults, "the arena did not close as it should");
}
