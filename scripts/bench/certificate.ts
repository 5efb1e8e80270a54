import { setTimeout as sleep } from "node:timers/promises";
import type { LocalNetwork } from "../local-network/local-network.ts";
import { type BenchContext, withContext } from "./bench-context.ts";
import { startBenchNetwork } from "./bench-network.ts";
import {
  type CertificateTimes,
  type CertificateWatch,
  STAGES,
  type Stage,
  watchCertificates,
} from "./certificate-times.ts";
import { createDelayProxies } from "./delay-proxy.ts";
import { boundOf, measureParts, type Parts } from "./latency-bound.ts";
import { cpuMillisOf } from "./process-figures.ts";
import { median, quantile, type Row, type RowHead, toRow } from "./row.ts";
import { startStreamPair } from "./stream-pair.ts";
import { formatNumber } from "./table.ts";

export interface CertificateCounts {
  readonly rounds: number;
  /** Of each of the two rollups, in each round. */
  readonly blocks: number;
  /** Certificates before the first round, while the code of the nodes gets warm. */
  readonly warmUp: number;
  /** How many operators, each a process, the networks have. */
  readonly operators: readonly number[];
  /** By how much the way between any two of four operators is made longer, milliseconds. */
  readonly delaysMs: readonly number[];
}

export const CERTIFICATE_COUNTS = {
  full: { rounds: 5, blocks: 12, warmUp: 20, operators: [4, 8, 16], delaysMs: [20, 50, 100] },
  quick: { rounds: 2, blocks: 6, warmUp: 4, operators: [4], delaysMs: [50] },
} as const;

const START_MS = 180_000;
const ROUND_MS = 120_000;
const BLOCK_MS = 1_000;
/** Certificates of blocks that came while the bound was measured are out by then. */
const SETTLE_MS = 250;
/** None is more than a third, so that no single one is needed. */
const WEIGHTS = [22n, 24n, 26n, 28n];
const DELAYED_OPERATORS = 4;

/**
 * From the sight of a new block to its certificate at the median of the operators, each a process
 * with everything on: two rollups, durable records, validators, stores, logs and a reader each.
 * Blocks are checked by their headers: executing them has rows of its own.
 */
export async function benchCertificate(
  context: BenchContext,
  counts: CertificateCounts,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const operators of counts.operators) {
    // Each network ends before the next one starts.
    rows.push(...(await withContext(context, (own) => benchOperators(own, counts, operators))));
  }
  if (counts.delaysMs.length > 0) {
    rows.push(...(await withContext(context, (own) => benchDelays(own, counts))));
  }
  return rows;
}

interface Round {
  readonly parts: Parts;
  readonly times: readonly CertificateTimes[];
}

async function benchOperators(
  context: BenchContext,
  counts: CertificateCounts,
  operators: number,
): Promise<readonly Row[]> {
  const network = await startBenchNetwork(context, { weights: weightsOf(operators) });
  const pair = await startStreamPair(context);
  const folder = context.makeFolder();
  const watch = await warmUp(context, network, counts);
  const perRound = counts.blocks * network.rollups.length;
  // Those that stood while the streams were being opened.
  const missedBefore = watch.incomplete();
  const rounds: Round[] = [];
  const pids = network.operators.map((node) => node.entry().pid);
  const cpuBefore = cpuMillisOf(pids);
  const startedAt = performance.now();
  for (let round = 1; round <= counts.rounds; round++) {
    context.progress(`${operators} operators, round ${round}: ${perRound} certificates`);
    const parts = await measureParts(pair, folder);
    await sleep(SETTLE_MS);
    rounds.push({ parts, times: await watch.next(perRound, ROUND_MS) });
  }
  // Of every rollup's block in that time, the ones between the rounds too.
  const blocks = ((performance.now() - startedAt) / BLOCK_MS) * network.rollups.length;
  const cpuMs = (cpuMillisOf(pids) - cpuBefore) / operators / blocks;
  const times = rounds.flatMap((round) => round.times);
  const series = STAGES.map((stage) => ({ label: stage, values: times.map((at) => at[stage]) }));
  const title = `A block to its certificate: ${operators} operators, ${times.length} certificates`;
  context.chart({ name: `certificate-${operators}`, title, series });
  return rowsOf(operators, rounds, { cpuMs, incomplete: watch.incomplete() - missedBefore });
}

async function warmUp(
  context: BenchContext,
  network: LocalNetwork,
  counts: CertificateCounts,
): Promise<CertificateWatch> {
  const watch = await watchCertificates(context, network);
  context.progress("waiting for the first certificates");
  await watch.next(counts.warmUp, START_MS);
  return watch;
}

function rowsOf(
  operators: number,
  rounds: readonly Round[],
  found: { readonly cpuMs: number; readonly incomplete: number },
): readonly Row[] {
  const all = rounds.flatMap(({ times }) => times.map(({ threshold }) => threshold));
  const bound = median(rounds.map(({ parts }) => boundOf(parts)));
  const head = { group: "certificate", unit: "ms", boundIs: "2 x (sign + verify) + hop" } as const;
  const name = `new block to certificate, ${operators} operators`;
  // The design's goal is for as many operators as the machine has processes for.
  const goal = (atMost: number): RowHead["goal"] =>
    operators === DELAYED_OPERATORS ? { of: "ratio", atMost } : { of: "nothing" };
  const notes = [
    `${all.length} certificates`,
    `an operator's CPU ${formatNumber(found.cpuMs)} ms for each`,
    ...(found.incomplete > 0 ? [`${found.incomplete} were not seen at every operator`] : []),
  ];
  return [
    toRow(
      { ...head, name: `${name}, p50`, goal: goal(6), note: notes.join(", ") },
      rounds.map(({ times, parts }) => ({
        figure: median(times.map(({ threshold }) => threshold)),
        bound: boundOf(parts),
      })),
    ),
    // Too few certificates for one of each round.
    toRow({ ...head, name: `${name}, p99`, goal: goal(25) }, [
      { figure: quantile(all, 0.99), bound },
    ]),
    ...STAGES.map((stage) => stageRow(operators, rounds, stage)),
  ];
}

const STAGE_NAMES: Readonly<Record<Stage, string>> = {
  attested: "own attestation sent",
  threshold: "threshold reached",
  stored: "certificate stored",
  pushed: "event at a reader",
};

/** Beside the parts that lie on the way there, each measured alone, one after the other. */
function stageRow(operators: number, rounds: readonly Round[], stage: Stage): Row {
  const all = rounds.flatMap(({ times }) => times.map((at) => at[stage]));
  const isOwn = stage === "attested";
  const [p90, p99] = [quantile(all, 0.9), quantile(all, 0.99)].map(formatNumber);
  return toRow(
    {
      ...{ group: "certificate", unit: "ms", goal: { of: "nothing" } },
      name: `block visible to ${STAGE_NAMES[stage]}, ${operators} operators, p50`,
      boundIs: isOwn ? "record + sign" : "record + sign + hop + verify",
      note: `p90 ${p90} ms, p99 ${p99} ms`,
    },
    rounds.map(({ times, parts: { record, sign, hop, verify } }) => ({
      figure: median(times.map((at) => at[stage])),
      bound: record + sign + (isOwn ? 0 : hop + verify),
    })),
  );
}

/** With every way between two nodes made longer: each certificate may take that much longer once. */
async function benchDelays(
  context: BenchContext,
  counts: CertificateCounts,
): Promise<readonly Row[]> {
  const proxies = createDelayProxies();
  context.defer(() => proxies.close());
  const network = await startBenchNetwork(context, {
    weights: weightsOf(DELAYED_OPERATORS),
    gossipProxy: (port) => proxies.stand(port),
  });
  const watch = await warmUp(context, network, counts);
  const perDelay = counts.blocks * network.rollups.length;
  const measured: { delayMs: number; values: readonly number[] }[] = [];
  for (const delayMs of [0, ...counts.delaysMs]) {
    context.progress(`${delayMs} ms between any two operators: ${perDelay} certificates`);
    proxies.setDelay(delayMs);
    await sleep(SETTLE_MS + 4 * delayMs);
    const times = await watch.next(perDelay, ROUND_MS);
    measured.push({ delayMs, values: times.map(({ threshold }) => threshold) });
  }
  const series = measured.map(({ delayMs, values }) => ({ label: `${delayMs} ms`, values }));
  const title = "A block to its certificate: a longer way between the operators";
  context.chart({ name: "certificate-delays", title, series });
  const [near, ...far] = measured;
  const without = median(near?.values ?? []);
  return far.map(({ delayMs, values }) =>
    toRow(
      {
        ...{ group: "certificate", unit: "ms", goal: { of: "ratio", atMost: 1.25 } },
        name: `longer by, with ${delayMs} ms more one way, p50`,
        boundIs: "one hop's delay",
        note: `p50 ${formatNumber(without)} ms without, p99 ${formatNumber(quantile(values, 0.99))} ms with`,
      },
      [{ figure: median(values) - without, bound: delayMs }],
    ),
  );
}

function weightsOf(operators: number): readonly bigint[] {
  return Array.from({ length: operators }, (_, index) => WEIGHTS[index % WEIGHTS.length] ?? 1n);
}
