import { STACKS, type Stack } from "@mach/core";
import { stackOf } from "./stacks.ts";

/** What a follower follows, and its bounds. Times in milliseconds. */
export interface RollupFollowerOptions {
  readonly rollupId: bigint;
  readonly stack: Stack;
  /** RPC endpoints: http(s) is polled, ws(s) subscribed to. Two of one host count as one. */
  readonly sources: readonly {
    readonly url: string;
    /** The op-node beside it, over http(s): it tells the safe and finalized heads of stack op. */
    readonly opNodeUrl?: string | undefined;
  }[];
  /** How many sources must have a block by the same hash; choose more than half of them. */
  readonly agree: number;
  /** How often each source is asked for its head. Default 250. */
  readonly pollMs?: number;
  /** How often each source is asked for its chain id again. Default 10000. */
  readonly chainMs?: number;
  /** How often the safe and finalized heads are asked for. Default 1000. */
  readonly headsMs?: number;
  /** Bound of one RPC call. Default 2000. */
  readonly timeoutMs?: number;
  /** Blocks behind the head beyond which older ones are skipped. Default 512. */
  readonly maxCatchUp?: number;
  /** Blocks that a reorg may replace before following begins afresh. Default 64. */
  readonly maxReorgDepth?: number;
  /** Heights fetched at once while catching up. Default 8. */
  readonly concurrency?: number;
  /** Bound of one RPC response. Default 4 MiB. */
  readonly maxResponseBytes?: number;
  /** How long a height may be missing at some sources before it is reported. Default 500. */
  readonly lagGraceMs?: number;
  /** How long no new block may come before it is reported. Default 30000; 1800000 for batches. */
  readonly staleAfterMs?: number;
  /** The first pause after a source failed, doubled up to maxBackoffMs. Default 250. */
  readonly minBackoffMs?: number;
  /** Default 10000. */
  readonly maxBackoffMs?: number;
  /** Wall clock. Default Date.now. */
  readonly now?: () => number;
}

export type FollowerSettings = Required<RollupFollowerOptions>;

/** A batch is sealed when it is full or after long, and is followed as a whole. */
const BATCH_STALE_AFTER_MS = 1_800_000;

const DEFAULTS = {
  pollMs: 250,
  chainMs: 10_000,
  headsMs: 1000,
  timeoutMs: 2000,
  maxCatchUp: 512,
  maxReorgDepth: 64,
  concurrency: 8,
  maxResponseBytes: 4 * 1024 * 1024,
  lagGraceMs: 500,
  staleAfterMs: 30_000,
  minBackoffMs: 250,
  maxBackoffMs: 10_000,
} as const;

/** Fills in the defaults. Throws a RangeError for options that cannot be followed safely. */
export function followerSettings(options: RollupFollowerOptions): FollowerSettings {
  if (!STACKS.includes(options.stack)) throw new RangeError("unknown stack");
  const { followsBlocks } = stackOf(options.stack);
  const staleAfterMs = followsBlocks ? DEFAULTS.staleAfterMs : BATCH_STALE_AFTER_MS;
  const settings = { ...DEFAULTS, staleAfterMs, now: () => Date.now(), ...options };
  if (options.rollupId <= 0n || options.rollupId >> 64n !== 0n) {
    throw new RangeError("rollupId must be a uint64 above zero");
  }
  for (const key of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    if (!Number.isSafeInteger(settings[key]) || settings[key] < 1) {
      throw new RangeError(`${key} must be a whole number above zero`);
    }
  }
  const urls = options.sources.map(({ url }) => (URL.canParse(url) ? new URL(url) : null));
  if (urls.some((url) => url?.hash !== "" || !/^(https?|wss?):$/.test(url.protocol))) {
    throw new RangeError("every source needs an http, https, ws or wss URL without a fragment");
  }
  for (const { opNodeUrl } of options.sources) {
    const isHttp = opNodeUrl === undefined || /^https?:\/\//i.test(opNodeUrl);
    if (!isHttp || (opNodeUrl !== undefined && !URL.canParse(opNodeUrl))) {
      throw new RangeError("an op-node needs an http or https URL");
    }
  }
  const hosts = new Set(urls.map((url) => url?.host));
  if (!Number.isSafeInteger(options.agree) || options.agree < 1 || options.agree > hosts.size) {
    throw new RangeError("agree must be between 1 and the number of distinct hosts of sources");
  }
  return settings;
}
