import type { BenchContext } from "./bench-context.ts";
import { type BenchChild, startChild } from "./child.ts";
import { type RoundCounts, runRounds } from "./rounds.ts";
import { median, type Row, toRow } from "./row.ts";
import type { Lived, Memory, ScaleProcess } from "./scale-process.ts";
import type { Size } from "./scale-traffic.ts";
import { formatNumber } from "./table.ts";

export interface ScaleCounts extends RoundCounts {
  /** Of the network's time, in each round. */
  readonly seconds: number;
  /** Within how much of each second its messages come. */
  readonly spreadMs: number;
  /** Seconds after which a node's memory is looked at first, and last. */
  readonly hour: number;
  readonly day: number;
  /** One second in so many is lived with all its attestations. */
  readonly sampleEvery: number;
  /** When the memory of networks of several sizes is looked at, in seconds. */
  readonly settled: number;
  readonly sizes: readonly [Size, ...Size[]];
}

const SIZES = [
  { operators: 100, rollups: 10 },
  { operators: 1_000, rollups: 10 },
  { operators: 100, rollups: 100 },
] as const;

export const SCALE_COUNTS = {
  full: {
    ...{ warmUp: 2, rounds: 5, seconds: 4, spreadMs: 500 },
    ...{ hour: 3_600, day: 86_400, sampleEvery: 20, settled: 1_200, sizes: SIZES },
  },
  quick: {
    ...{ warmUp: 1, rounds: 3, seconds: 2, spreadMs: 500 },
    ...{ hour: 1_200, day: 7_200, sampleEvery: 20, settled: 1_200, sizes: SIZES },
  },
} as const;

const MEGABYTE = 1_048_576;
const SUPERLINEAR = { of: "ratio", atMost: 1.1 } as const;

interface Measured {
  readonly size: Size;
  readonly lived: readonly Lived[];
  readonly memory: Memory;
}

/**
 * What one node does and holds in a network with a block a second on every rollup, from the bytes of
 * its messages to certificates on its disk, and how that grows with operators and with rollups.
 */
export async function benchScale(
  context: BenchContext,
  counts: ScaleCounts,
): Promise<readonly Row[]> {
  const child = await startChild<ScaleProcess>(context, "scale-process", ["--expose-gc"]);
  const measured: Measured[] = [];
  for (const size of counts.sizes) measured.push(await measureSize(context, counts, child, size));
  const [base, ...larger] = measured;
  if (base === undefined) return [];
  return [
    ...measured.flatMap(costRows),
    ...larger.flatMap((each) => growthRows(base, each)),
    ...(await memoryRows(context, counts, child)),
  ];
}

async function measureSize(
  context: BenchContext,
  counts: ScaleCounts,
  child: BenchChild<ScaleProcess>,
  size: Size,
): Promise<Measured> {
  context.progress(`${nameOf(size)}: CPU time`);
  await child.call("open", { size, folder: context.makeFolder(), isChecked: true });
  const { seconds, spreadMs, settled, sampleEvery } = counts;
  const lived = await runRounds<Lived>(context, counts, () =>
    child.call("live", { seconds, spreadMs }),
  );
  context.progress(`${nameOf(size)}: memory`);
  await child.call("open", { size, folder: null, isChecked: false });
  const memory = await child.call("pass", { until: settled, sampleEvery });
  return { size, lived, memory };
}

function costRows({ size, lived, memory }: Measured): readonly Row[] {
  const last = lived.at(-1);
  if (last === undefined) return [];
  const { heights, stored, refused, certificateBytes } = last.counted;
  const perHeight = formatNumber(stored / heights);
  const lost = refused === 0 ? "" : `, ${refused} messages not taken: too much was waiting`;
  return [
    toRow(
      {
        ...{ group: "scale", unit: "ms", goal: { of: "nothing" } },
        name: `CPU for a second, ${nameOf(size)}`,
        boundIs: "blst: one batch a claim, sign",
        note: `${perHeight} certificates stored for each height${lost}`,
      },
      lived.map(({ micros, bareMicros }) => ({ figure: micros / 1e3, bound: bareMicros / 1e3 })),
    ),
    toRow(
      {
        ...{ group: "scale", unit: "B", goal: { of: "nothing" } },
        name: `messages for a certificate, ${nameOf(size)}`,
        boundIs: "192 bytes of each signature",
        note: `${formatNumber(memory.heap / MEGABYTE)} MB of heap; a certificate is ${certificateBytes} bytes`,
      },
      lived.map(({ bytes, attestations }) => ({ figure: bytes, bound: 192 * attestations })),
    ),
  ];
}

/** A figure is how many times as much, and its bound how many times as much there is to do. */
function growthRows(base: Measured, larger: Measured): readonly Row[] {
  const load = loadOf(larger.size) / loadOf(base.size);
  const cpu = (each: Measured): number => median(each.lived.map(({ micros }) => micros));
  const bytes = (each: Measured): number => each.lived.at(-1)?.counted.certificateBytes ?? 0;
  const head = { group: "scale", unit: "x", boundIs: "the attestations" } as const;
  const from = `${nameOf(base.size)} to ${nameOf(larger.size)}`;
  const row = (what: string, figure: number): Row => {
    const slope = Math.log(figure) / Math.log(load);
    const note = `slope ${slope.toFixed(2)}`;
    const name = `growth of ${what}, ${from}`;
    return toRow({ ...head, name, note, goal: SUPERLINEAR }, [{ figure, bound: load }]);
  };
  return [
    row("CPU time", cpu(larger) / cpu(base)),
    row("heap", larger.memory.heap / base.memory.heap),
    row("a certificate's bytes", bytes(larger) / bytes(base)),
  ];
}

async function memoryRows(
  context: BenchContext,
  counts: ScaleCounts,
  child: BenchChild<ScaleProcess>,
): Promise<readonly Row[]> {
  const [size] = counts.sizes;
  const { hour, day, sampleEvery } = counts;
  await child.call("open", { size, folder: null, isChecked: false });
  context.progress(`${nameOf(size)}: the first ${hour} s of ${day}`);
  const early = await child.call("pass", { until: hour, sampleEvery });
  context.progress(`${nameOf(size)}: all ${day} s, with attestations in one of ${sampleEvery}`);
  const late = await child.call("pass", { until: day, sampleEvery });
  const { heights } = await child.call("counted", undefined);
  const head = { group: "scale", unit: "MB", goal: SUPERLINEAR } as const;
  const place = { boundIs: `the same after ${hour} s` };
  const note = `${heights} certificates; all attestations in one second of ${sampleEvery}`;
  const name = (what: string): string => `${what} after ${day} s, ${nameOf(size)}`;
  const pair = (figure: number, bound: number): { figure: number; bound: number } => ({
    figure: figure / MEGABYTE,
    bound: bound / MEGABYTE,
  });
  return [
    toRow({ ...head, ...place, name: name("heap"), note }, [pair(late.heap, early.heap)]),
    toRow({ ...head, ...place, name: name("resident memory") }, [pair(late.rss, early.rss)]),
  ];
}

function loadOf({ operators, rollups }: Size): number {
  return operators * rollups;
}

function nameOf({ operators, rollups }: Size): string {
  return `${operators} x ${rollups}`;
}
