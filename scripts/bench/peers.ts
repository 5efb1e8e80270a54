import type { Claim, Hex } from "@mach/core";
import { type BenchContext, withContext } from "./bench-context.ts";
import { type BenchChild, startChild } from "./child.ts";
import { measureOwnParts } from "./latency-bound.ts";
import type { OlderAggregator } from "./older-aggregator.ts";
import type { OlderOperators } from "./older-operators.ts";
import { type RoundCounts, runRounds } from "./rounds.ts";
import { median, quantile, type Row, toRow } from "./row.ts";
import type { ScaleProcess } from "./scale-process.ts";
import { formatNumber } from "./table.ts";

export interface PeersCounts extends RoundCounts {
  /** In each round. */
  readonly certificates: number;
  readonly operators: readonly number[];
  /** In how many processes they are: as many as there are, at most this many. */
  readonly processes: number;
}

export const PEERS_COUNTS = {
  full: { warmUp: 1, rounds: 5, certificates: 12, operators: [4, 16, 100], processes: 4 },
  quick: { warmUp: 1, rounds: 3, certificates: 4, operators: [4, 100], processes: 4 },
} as const;

const EPOCH = 3n;
const ANSWER_MS = 60_000;
/** Within how much of a second the attestations of a node's peers come. */
const SPREAD_MS = 50;

/**
 * The same job the way that older services do it, as a model (see `older-aggregator.ts`): how long
 * a certificate takes there, and what it costs whoever makes it, beside a node of this project.
 */
export async function benchPeers(
  context: BenchContext,
  counts: PeersCounts,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const operators of counts.operators) {
    rows.push(...(await withContext(context, (own) => benchOperators(own, counts, operators))));
  }
  return rows;
}

interface Round {
  readonly latencies: readonly number[];
  /** Of the process that makes the certificates, for each, in milliseconds. */
  readonly olderMs: number;
  readonly nodeMs: number;
  readonly bound: number;
}

async function benchOperators(
  context: BenchContext,
  counts: PeersCounts,
  operators: number,
): Promise<readonly Row[]> {
  context.progress(`${operators} operators`);
  const older = await startOlder(context, operators, Math.min(operators, counts.processes));
  const folder = context.makeFolder();
  const node = await startChild<ScaleProcess>(context, "scale-process", ["--expose-gc"]);
  await node.call("open", { size: { operators, rollups: 1 }, folder, isChecked: true });
  let height = 0n;
  const rounds = await runRounds<Round>(context, counts, async () => {
    const { sign, verify } = measureOwnParts(folder);
    const bound = 2 * (sign + verify);
    const before = await older.aggregator.call("cpuMicros", undefined);
    const latencies: number[] = [];
    for (let i = 0; i < counts.certificates; i++) {
      height += 1n;
      latencies.push(await certifyOnce(older, claimAt(height)));
    }
    const used = (await older.aggregator.call("cpuMicros", undefined)) - before;
    const seconds = counts.certificates;
    const lived = await node.call("live", { seconds, spreadMs: SPREAD_MS });
    const olderMs = used / counts.certificates / 1e3;
    return { latencies, olderMs, nodeMs: lived.micros / 1e3, bound };
  });
  const all = rounds.flatMap(({ latencies }) => latencies);
  const title = `The older way (a model): a block to its certificate, ${operators} operators`;
  const series = [{ label: "one aggregator over HTTP, one by one", values: all }];
  context.chart({ name: `older-way-${operators}`, title, series });
  return [
    toRow(
      {
        ...{ group: "peers", unit: "ms", goal: { of: "nothing" } },
        name: `older way (a model): block to certificate at a reader, ${operators} operators, p50`,
        boundIs: "2 x (sign + verify)",
        note: `p99 ${formatNumber(quantile(all, 0.99))} ms; ${older.operators.length} processes`,
      },
      rounds.map(({ latencies, bound }) => ({ figure: median(latencies), bound })),
    ),
    toRow(
      {
        ...{ group: "peers", unit: "ms", goal: { of: "nothing" } },
        name: `CPU for a certificate, ${operators} operators: a node without its libp2p`,
        boundIs: "the older way's aggregator (a model)",
      },
      rounds.map(({ nodeMs, olderMs }) => ({ figure: nodeMs, bound: olderMs })),
    ),
  ];
}

interface Older {
  readonly aggregator: BenchChild<OlderAggregator>;
  readonly operators: readonly BenchChild<OlderOperators>[];
  readonly url: string;
}

async function startOlder(
  context: BenchContext,
  operators: number,
  processes: number,
): Promise<Older> {
  const aggregator = await startChild<OlderAggregator>(context, "older-aggregator");
  const children = await Promise.all(
    Array.from({ length: processes }, () => startChild<OlderOperators>(context, "older-operators")),
  );
  const members: Awaited<ReturnType<OlderOperators["start"]>>[number][] = [];
  for (const [index, child] of children.entries()) {
    const first = members.length;
    // What does not divide goes to the first of them.
    const count = Math.floor(operators / processes) + (index < operators % processes ? 1 : 0);
    members.push(...(await child.call("start", { first, count })));
  }
  const { url } = await aggregator.call("start", { epoch: EPOCH, operators: members });
  return { aggregator, operators: children, url };
}

/** From the moment at which the operators are told of a block to its certificate at a reader. */
async function certifyOnce({ url, operators }: Older, claim: Claim): Promise<number> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const reading = fetch(`${url}/${claim.blockNumber}`, { signal });
  const startedAt = performance.now();
  const posting = Promise.all(operators.map((child) => child.call("attest", { url, claim })));
  const response = await reading;
  await response.arrayBuffer();
  const latency = performance.now() - startedAt;
  await posting;
  return latency;
}

function claimAt(blockNumber: bigint): Claim {
  const hash = (fill: string): Hex => `0x${fill.repeat(32)}`;
  return {
    rollupId: 901n,
    blockNumber,
    blockHash: `0x${blockNumber.toString(16).padStart(64, "0")}`,
    stateRoot: hash("22"),
    outputRoot: hash("33"),
    timestamp: 1_700_000_000n + blockNumber,
    epoch: EPOCH,
    verification: 1,
  };
}
