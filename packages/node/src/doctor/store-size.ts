import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RollupConfig } from "../config.ts";
import { pathsIn } from "../data-folder.ts";
import { type CertificateRate, forecastBytes } from "../store/forecast.ts";
import { nearestFolder } from "./disk.ts";
import { readBlockAt, readEndpoint } from "./endpoints.ts";
import { notLookedAt, ok, type Verdict, warn } from "./finding.ts";
import type { Check, Patient } from "./patient.ts";

const MEBIBYTE = 1_048_576;
/** Enough blocks for the time between two of them, few enough that every node still has them. */
const SAMPLE_BLOCKS = 64n;

/** What the store takes beside what it comes to, and whether the disk has room for that. */
export const storeCheck: Check = {
  name: "store size",
  async run(patient) {
    const { config, surroundings } = patient;
    const size = bytesOf(pathsIn(config.dataDir).storePath);
    const takes = `the store takes ${inMebibytes(size)}`;
    const forecast = await forecastFor(patient);
    if (forecast === null) {
      return [notLookedAt(`${takes}; how fast certificates come to it is not known`)];
    }
    const { bytes } = await surroundings.freeSpace(nearestFolder(config.dataDir));
    return [judgeSize({ takes, missing: forecast - size, forecast, free: Number(bytes) })];
  },
};

/** Whether the disk has room for what the store does not take up yet; all in bytes. */
export function judgeSize(sizes: {
  readonly takes: string;
  readonly missing: number;
  readonly forecast: number;
  readonly free: number;
}): Verdict {
  const { takes, missing, forecast, free } = sizes;
  const found =
    `${takes}; with all that is to be kept it comes to about ${inMebibytes(forecast)}, and ` +
    `${inMebibytes(free)} are free`;
  if (missing <= free) return ok(found);
  const next = "take a larger disk, or keep fewer epochs: `retention` in the configuration";
  return warn({ code: "disk-too-small", found, next });
}

async function forecastFor({ config, l1 }: Patient): Promise<number | null> {
  const { network, epochSet } = await l1();
  if (!network.ok || epochSet === null || !epochSet.ok) return null;
  const rollups: CertificateRate[] = [];
  for (const rollup of config.rollups) {
    const parameters = epochSet.rollups.find(({ rollupId }) => rollupId === rollup.rollupId);
    if (parameters === undefined) continue;
    const blockSeconds = await blockSecondsOf(rollup);
    if (blockSeconds === null) return null;
    const attestationInterval = Number(parameters.attestationInterval);
    rollups.push({ blockSeconds, attestationInterval });
  }
  return forecastBytes({
    retention: config.retention,
    epochSeconds: Number(network.network.schedule.epochSeconds),
    operators: epochSet.operatorSet.operators.length,
    rollups,
  });
}

/** By the first endpoint that tells; zk certifies batches, of which there are fewer than blocks. */
async function blockSecondsOf({ rpcUrls, timeoutMs }: RollupConfig): Promise<number | null> {
  for (const url of rpcUrls) {
    const { latest } = await readEndpoint(url, { timeoutMs });
    if (latest === null) continue;
    const below = latest.number < SAMPLE_BLOCKS ? latest.number : SAMPLE_BLOCKS;
    const earlier = await readBlockAt(url, latest.number - below, { timeoutMs });
    const seconds = earlier === null ? 0n : latest.timestamp - earlier.timestamp;
    if (seconds > 0n && below > 0n) return Number(seconds) / Number(below);
  }
  return null;
}

function bytesOf(folder: string): number {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return 0;
  return readdirSync(folder).reduce((sum, name) => {
    return sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

function inMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / MEBIBYTE)} MiB`;
}
