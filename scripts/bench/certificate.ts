import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createNativeBls } from "@mach/bls";
import { toHex } from "@mach/core";
import { attestationsLength } from "../../packages/node/src/gossip/wire.ts";
import { readCommand } from "../checks/run-command.ts";
import { type LocalNetwork, startLocalNetwork } from "../local-network/local-network.ts";
import { type BenchContext, ROOT } from "./bench-context.ts";
import { type Certified, readFinality } from "./finality-reader.ts";
import { median, quantile, type Row, toRow } from "./row.ts";
import { type StreamPair, startStreamPair } from "./stream-pair.ts";
import { formatNumber } from "./table.ts";

export interface CertificateCounts {
  readonly rounds: number;
  /** Of each of the two rollups, in each round. */
  readonly blocks: number;
  /** Certificates before the first round, while the code of the nodes gets warm. */
  readonly warmUp: number;
}

export const CERTIFICATE_COUNTS = {
  full: { rounds: 5, blocks: 12, warmUp: 20 },
  quick: { rounds: 2, blocks: 6, warmUp: 4 },
} as const;

const START_MS = 90_000;
const ROUND_MS = 60_000;
/** Of each primitive, in each round. */
const SAMPLES = 100;
const SIGNATURE_BYTES = 192;
const BLOCK_MS = 1_000;
/** Certificates of blocks that came while the bound was measured are out by then. */
const SETTLE_MS = 250;
/** Certificates that are remembered, those that every operator has told of included. */
const MAX_OPEN = 16;
/** Linux counts in hundredths of a second wherever Node runs. */
const MILLIS_PER_TICK = 10;

/**
 * From the sight of a new block to its certificate at the median of four operators, each a process
 * with everything on: two rollups, durable records, validators, stores, logs and a reader each.
 * Blocks are checked by their headers: executing them has rows of its own.
 */
export async function benchCertificate(
  context: BenchContext,
  counts: CertificateCounts,
): Promise<readonly Row[]> {
  const { progress } = context;
  await build();
  const network = await startNetwork(context);
  const pair = await startStreamPair(context);
  const { operators, rollups } = network;
  const apiUrls = operators.map((node) => node.apiUrl);
  await untilAnswered(apiUrls);
  const latencies = await collectLatencies(context, apiUrls);
  const perRound = counts.blocks * rollups.length;
  progress("waiting for the first certificates");
  await latencies.next(counts.warmUp, START_MS);
  // Those that stood while the streams were being opened.
  const missedBefore = latencies.incomplete();
  const rounds: Round[] = [];
  const pids = operators.map((node) => node.entry().pid);
  const cpuBefore = cpuMillisOf(pids);
  const startedAt = performance.now();
  for (let round = 1; round <= counts.rounds; round++) {
    progress(`round ${round} of ${counts.rounds}: ${perRound} certificates`);
    const bound = await measureBound(pair);
    await sleep(SETTLE_MS);
    rounds.push({ bound, latencies: await latencies.next(perRound, ROUND_MS) });
  }
  // Of every rollup's block in that time, the ones between the rounds too.
  const blocks = ((performance.now() - startedAt) / BLOCK_MS) * rollups.length;
  const cpuMs = cpuMillisOf(pids) - cpuBefore;
  return rowsOf(rounds, {
    cpuMs: cpuMs / operators.length / blocks,
    incomplete: latencies.incomplete() - missedBefore,
  });
}

interface Round {
  readonly bound: number;
  /** Of each certificate, at the median of the operators. */
  readonly latencies: readonly number[];
}

function rowsOf(
  rounds: readonly Round[],
  found: { readonly cpuMs: number; readonly incomplete: number },
): readonly Row[] {
  const all = rounds.flatMap(({ latencies }) => latencies);
  const bound = median(rounds.map((round) => round.bound));
  const head = { group: "certificate", unit: "ms", boundIs: "2 x (sign + verify) + hop" } as const;
  const name = "new block to certificate, 4 operators";
  const notes = [
    `${all.length} certificates`,
    `an operator's CPU ${formatNumber(found.cpuMs)} ms for each`,
    ...(found.incomplete > 0 ? [`${found.incomplete} were not seen at every operator`] : []),
  ];
  return [
    toRow(
      { ...head, name: `${name}, p50`, goal: { of: "ratio", atMost: 6 }, note: notes.join(", ") },
      rounds.map(({ latencies, bound }) => ({ figure: median(latencies), bound })),
    ),
    // Too few certificates for one of each round.
    toRow({ ...head, name: `${name}, p99`, goal: { of: "ratio", atMost: 25 } }, [
      { figure: quantile(all, 0.99), bound },
    ]),
  ];
}

async function untilAnswered(apiUrls: readonly string[]): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (const apiUrl of apiUrls) {
    while (!(await answers(apiUrl))) {
      if (performance.now() > deadline) throw new Error(`${apiUrl} does not answer`);
      await sleep(100);
    }
  }
}

async function answers(apiUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${apiUrl}/v1/node/health`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    // It does not listen yet.
    return false;
  }
}

async function build(): Promise<void> {
  const command = ["node_modules/.bin/tsc", "--build"];
  const { exitCode, stdout } = await readCommand(command, { cwd: ROOT });
  if (exitCode !== 0) throw new Error(`the packages could not be built:\n${stdout}`);
}

/** The network ends with the benchmark, also while it is still starting. */
async function startNetwork(context: BenchContext): Promise<LocalNetwork> {
  const { signal, progress: onProgress } = context;
  const folder = join(context.makeFolder(), "network");
  const starting = startLocalNetwork({ folder, signal, onProgress, maxVerification: 1 });
  context.defer(async () => {
    const network = await starting.catch(() => null);
    await network?.stop();
  });
  return await starting;
}

/** Signs, checks and sends as one operator has to for one certificate, in milliseconds. */
async function measureBound(pair: StreamPair): Promise<number> {
  const bls = createNativeBls();
  const secretKey = bls.generateSecretKey();
  const publicKey = bls.publicKeyOf(secretKey);
  const times = { sign: [] as number[], verify: [] as number[] };
  for (let i = 0; i < SAMPLES; i++) {
    const message = toHex(randomBytes(32));
    const signedFrom = performance.now();
    const { uncompressed: signature } = bls.sign(secretKey, message);
    const verifiedFrom = performance.now();
    const [verdict] = bls.verifyBatch({ message, entries: [{ publicKey, signature }] });
    times.verify.push(performance.now() - verifiedFrom);
    times.sign.push(verifiedFrom - signedFrom);
    if (verdict?.ok !== true) throw new Error("a valid signature was refused");
  }
  const bytes = attestationsLength(1, SIGNATURE_BYTES);
  const hop = await pair.sender.call("hop", { times: SAMPLES, bytes });
  return 2 * (median(times.sign) + median(times.verify)) + hop;
}

interface Latencies {
  /** Those of the next certificates from now on; fails where they do not come in time. */
  next(count: number, timeoutMs: number): Promise<readonly number[]>;
  /** Certificates that some operator did not tell of before it told of the next. */
  incomplete(): number;
}

/** Reads every operator's stream and puts together what they say of each certificate. */
export async function collectLatencies(
  context: BenchContext,
  apiUrls: readonly string[],
): Promise<Latencies> {
  const open = new Map<string, Map<string, number>>();
  let complete: number[] = [];
  let incomplete = 0;
  const onCertified = (apiUrl: string, certified: Certified): void => {
    const { rollupId, blockNumber, latencyMs } = certified;
    const key = `${rollupId}/${blockNumber}`;
    const heard = open.get(key) ?? new Map<string, number>();
    if (heard.size === apiUrls.length || heard.has(apiUrl)) return;
    open.set(key, heard.set(apiUrl, latencyMs));
    if (heard.size === apiUrls.length) complete.push(median([...heard.values()]));
    const [oldest] = open;
    if (open.size <= MAX_OPEN || oldest === undefined) return;
    open.delete(oldest[0]);
    if (oldest[1].size < apiUrls.length) incomplete += 1;
  };
  for (const apiUrl of apiUrls) {
    const reader = await readFinality(apiUrl, (certified) => onCertified(apiUrl, certified));
    context.defer(() => reader.close());
  }
  return {
    async next(count, timeoutMs) {
      complete = [];
      const deadline = performance.now() + timeoutMs;
      while (complete.length < count) {
        context.signal.throwIfAborted();
        if (performance.now() > deadline) {
          throw new Error(`${complete.length} of ${count} certificates in ${timeoutMs} ms`);
        }
        await sleep(20);
      }
      return complete.slice(0, count);
    },
    incomplete: () => incomplete,
  };
}

/** The CPU time that processes have used, in milliseconds; NaN where there is no /proc. */
function cpuMillisOf(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + cpuMillis(pid), 0);
}

function cpuMillis(pid: number): number {
  try {
    // The name in parentheses may hold spaces: what follows it has fixed places.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
    const ticks = Number(fields[11]) + Number(fields[12]);
    return ticks * MILLIS_PER_TICK;
  } catch {
    // Not Linux, or the node has ended, which the missing certificates will tell.
    return Number.NaN;
  }
}
