import { FAULT_KINDS, type FaultKind, isFaultKind } from "@mach/simulator";

/** Which seeds are run, and with what left out. */
export interface SeedOptions {
  readonly from: number;
  readonly seeds: number;
  /** One seed in detail: the failure is made smaller, and told line by line. */
  readonly isReplay: boolean;
  readonly without: readonly FaultKind[];
  readonly workers: number;
}

export type ParsedOptions =
  | { readonly ok: true; readonly options: SeedOptions }
  | { readonly ok: false; readonly message: string };

const DEFAULT_SEEDS = 100;
const MAX_SEEDS = 10_000_000;
const USAGE = "npm run simulate -- [--seeds N] [--from S] [--seed S] [--without KIND[,KIND]]";

/** Reads the command line of `npm run simulate`. */
export function parseSeedOptions(args: readonly string[]): ParsedOptions {
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i += 2) {
    const [name = "", value = ""] = [args[i], args[i + 1]];
    if (!["--seeds", "--from", "--seed", "--without", "--workers"].includes(name)) {
      return fail(`unknown argument ${name}`);
    }
    values.set(name, value);
  }
  const number = (name: string, usual: number): number => Number(values.get(name) ?? usual);
  const isReplay = values.has("--seed");
  const from = isReplay ? number("--seed", 0) : number("--from", 1);
  const seeds = isReplay ? 1 : number("--seeds", DEFAULT_SEEDS);
  const workers = number("--workers", 2);
  if (!Number.isSafeInteger(from) || from < 0) return fail("a seed is a whole number from 0");
  if (!Number.isSafeInteger(seeds) || seeds < 1 || seeds > MAX_SEEDS) {
    return fail(`--seeds is from 1 to ${MAX_SEEDS}`);
  }
  if (!Number.isSafeInteger(workers) || workers < 1 || workers > 64) {
    return fail("--workers is from 1 to 64");
  }
  const words = (values.get("--without") ?? "").split(",").filter((word) => word !== "");
  const without = words.filter(isFaultKind);
  const unknown = words.find((word) => !isFaultKind(word));
  if (unknown !== undefined) {
    return fail(`unknown fault ${unknown}; there are ${FAULT_KINDS.join(", ")}`);
  }
  return { ok: true, options: { from, seeds, isReplay, without, workers } };
}

function fail(message: string): ParsedOptions {
  return { ok: false, message: `${message}\nUsage: ${USAGE}` };
}
