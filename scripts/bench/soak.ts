import { setTimeout as sleep } from "node:timers/promises";
import type { LocalNetwork } from "../local-network/local-network.ts";
import type { BenchContext } from "./bench-context.ts";
import { startBenchNetwork } from "./bench-network.ts";
import { type Certified, readFinality } from "./finality-reader.ts";
import { boundOf, measureParts } from "./latency-bound.ts";
import { residentBytes } from "./process-figures.ts";
import { quantile, type Row, toRow } from "./row.ts";
import { startStreamPair } from "./stream-pair.ts";

export interface SoakCounts {
  readonly seconds: number;
  /** At its beginning, how long the working set may still grow. */
  readonly settleSeconds: number;
  readonly blockMs: number;
}

export const SOAK_COUNTS = {
  full: { seconds: 600, settleSeconds: 60, blockMs: 250 },
  quick: { seconds: 30, settleSeconds: 10, blockMs: 250 },
} as const;

const FIRST_MS = 180_000;
const LOOK_MS = 1_000;
/** What the newest heights may still need at the nodes that are behind. */
const UNDER_WAY_MS = 3_000;
const PAGE = 100;
const REQUEST_MS = 10_000;
const MEGABYTE = 1_048_576;

type Node = LocalNetwork["operators"][number] | LocalNetwork["observer"];

/**
 * Four operators and an observer, two rollups with a block every quarter of a second: what they
 * miss, what they come to hold, and how long the slowest certificates take.
 */
export async function benchSoak(
  context: BenchContext,
  counts: SoakCounts,
): Promise<readonly Row[]> {
  const { progress, signal } = context;
  const network = await startBenchNetwork(context, { rollupBlockMs: counts.blockMs });
  const nodes: readonly Node[] = [...network.operators, network.observer];
  const rollupIds = network.rollups.map(({ rollupId }) => rollupId);
  const pair = await startStreamPair(context);
  const bound = boundOf(await measureParts(pair, context.makeFolder()));
  const seen = await watch(context, nodes);
  progress("waiting for the first certificates");
  const deadline = performance.now() + FIRST_MS;
  while (rollupIds.some((rollupId) => seen.newest(rollupId) === null)) {
    if (performance.now() > deadline) throw new Error(`no certificates in ${FIRST_MS} ms`);
    await sleep(LOOK_MS, undefined, { signal });
  }
  const from = rollupIds.map((rollupId) => seen.newest(rollupId) ?? 0n);
  seen.forget();
  progress(`${counts.seconds} s of blocks every ${counts.blockMs} ms`);
  const held = await watchMemory(context, nodes, counts);
  const to = rollupIds.map((rollupId) => seen.newest(rollupId) ?? 0n);
  const latencies = seen.latencies();
  await sleep(UNDER_WAY_MS, undefined, { signal });
  const heights = { wanted: 0, missed: 0 };
  for (const [index, rollupId] of rollupIds.entries()) {
    const range = { from: from[index] ?? 0n, to: to[index] ?? 0n };
    for (const { apiUrl } of nodes) {
      heights.wanted += Number(range.to - range.from + 1n);
      heights.missed += await countMissed(apiUrl, rollupId, range);
    }
  }
  const title = `Soak of ${counts.seconds} s, a block every ${counts.blockMs} ms`;
  context.chart({ name: "soak", title, series: [{ label: "certificates", values: latencies }] });
  return rowsOf({ counts, heights, held, bound, latencies });
}

interface Found {
  readonly counts: SoakCounts;
  readonly heights: { readonly wanted: number; readonly missed: number };
  readonly held: readonly Held[];
  readonly bound: number;
  /** One for each certificate and node. */
  readonly latencies: readonly number[];
}

function rowsOf({ counts, heights, held, bound, latencies }: Found): readonly Row[] {
  const { seconds, settleSeconds, blockMs } = counts;
  const name = `soak of ${seconds} s, a block every ${blockMs} ms`;
  const latency = {
    group: "soak",
    unit: "ms",
    goal: { of: "nothing" },
    boundIs: "2 x (sign + verify) + hop",
  } as const;
  const slowest = latencies.reduce((most, each) => Math.max(most, each), 0);
  return [
    toRow(
      {
        ...{ group: "soak", unit: "heights", name: `${name}: missed at some node` },
        ...{ boundIs: "the heights of all nodes", goal: { of: "figure", atMost: 0 } },
      },
      [{ figure: heights.missed, bound: heights.wanted }],
    ),
    toRow(
      {
        ...{ group: "soak", unit: "MB", goal: { of: "ratio", atMost: 1.1 } },
        name: `${name}: resident memory, its most at the end`,
        boundIs: `its most in the first ${settleSeconds} s`,
        note: "each of the nodes, without pages of files",
      },
      held.map(({ first, last }) => ({ figure: last / MEGABYTE, bound: first / MEGABYTE })),
    ),
    toRow({ ...latency, name: `${name}: block to certificate, p50` }, [
      { figure: quantile(latencies, 0.5), bound },
    ]),
    toRow(
      {
        ...{ ...latency, name: `${name}: block to certificate, p99` },
        note: `${latencies.length} certificates at their nodes, the slowest ${slowest} ms`,
      },
      [{ figure: quantile(latencies, 0.99), bound }],
    ),
  ];
}

interface Seen {
  newest(rollupId: bigint): bigint | null;
  latencies(): readonly number[];
  forget(): void;
}

async function watch(context: BenchContext, nodes: readonly Node[]): Promise<Seen> {
  const newest = new Map<string, bigint>();
  let latencies: number[] = [];
  for (const { apiUrl } of nodes) {
    const last = new Map<string, bigint>();
    const onCertified = ({ rollupId, blockNumber, latencyMs }: Certified): void => {
      const number = BigInt(blockNumber);
      // Told again with each improvement, and with each block above.
      if (number <= (last.get(rollupId) ?? -1n)) return;
      last.set(rollupId, number);
      latencies.push(latencyMs);
      if (number > (newest.get(rollupId) ?? -1n)) newest.set(rollupId, number);
    };
    const reader = await readFinality(apiUrl, onCertified);
    context.defer(() => reader.close());
  }
  return {
    newest: (rollupId) => newest.get(`${rollupId}`) ?? null,
    latencies: () => latencies,
    forget() {
      latencies = [];
    },
  };
}

interface Held {
  readonly first: number;
  readonly last: number;
}

/** The most that each process held in the first seconds, and in as many at the end. */
async function watchMemory(
  { signal }: BenchContext,
  nodes: readonly Node[],
  { seconds, settleSeconds }: SoakCounts,
): Promise<readonly Held[]> {
  const held = nodes.map(() => ({ first: 0, last: 0 }));
  const startedAt = performance.now();
  for (let at = 0; at < seconds; at = (performance.now() - startedAt) / 1_000) {
    await sleep(LOOK_MS, undefined, { signal });
    for (const [index, node] of nodes.entries()) {
      const { pid, running } = node.entry();
      if (!running) throw new Error(`${node.name} has ended`);
      const bytes = residentBytes(pid);
      const most = held[index];
      if (most === undefined) continue;
      if (at <= settleSeconds) most.first = Math.max(most.first, bytes);
      if (at >= seconds - settleSeconds) most.last = Math.max(most.last, bytes);
    }
  }
  return held;
}

/** Heights of a range that a node has no certificate of. */
async function countMissed(
  apiUrl: string,
  rollupId: bigint,
  range: { readonly from: bigint; readonly to: bigint },
): Promise<number> {
  let found = 0;
  for (let from = range.from; from <= range.to; ) {
    const url = `${apiUrl}/v1/rollups/${rollupId}/certificates?from=${from}&limit=${PAGE}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_MS) });
    if (!response.ok) throw new Error(`${url} answers ${response.status}`);
    const { data } = (await response.json()) as {
      readonly data: readonly { readonly claim: { readonly blockNumber: string } }[];
    };
    const numbers = data.map(({ claim }) => BigInt(claim.blockNumber));
    found += numbers.filter((number) => number <= range.to).length;
    const last = numbers.at(-1);
    if (last === undefined) break;
    from = last + 1n;
  }
  return Number(range.to - range.from + 1n) - found;
}
