import {
  type Domain,
  type Hex,
  isHex,
  isThresholdBps,
  MAX_THRESHOLD_BPS,
  MIN_THRESHOLD_BPS,
} from "@mach/core";
import { UsageError } from "./command.ts";

/** The one positional argument that a command takes. */
export function onlyPositional(positionals: readonly string[], name: string): string {
  const [value, ...rest] = positionals;
  if (value === undefined) throw new UsageError(`${name} is missing`);
  if (rest.length > 0) throw new UsageError(`one ${name} is expected, got ${positionals.length}`);
  return value;
}

/** An option that cannot be left out. */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new UsageError(`--${name} is missing`);
  return value;
}

/** A threshold in basis points: the least that means more than two thirds, up to all of it. */
export function parseThreshold(value: string | undefined): number {
  if (value === undefined) return MIN_THRESHOLD_BPS;
  const thresholdBps = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (isThresholdBps(thresholdBps)) return thresholdBps;
  throw new UsageError(
    `--threshold-bps is a whole number from ${MIN_THRESHOLD_BPS} to ${MAX_THRESHOLD_BPS}`,
  );
}

/** The network that --chain-id and --contract name together; undefined without both. */
export function parseDomain(options: {
  readonly chainId: string | undefined;
  readonly contract: string | undefined;
}): Domain | undefined {
  const { chainId, contract } = options;
  if (chainId === undefined && contract === undefined) return undefined;
  if (chainId === undefined || contract === undefined) {
    throw new UsageError("--chain-id and --contract go together: they name one network");
  }
  const id = /^\d{1,78}$/.test(chainId) ? BigInt(chainId) : 0n;
  if (id <= 0n || id >= 2n ** 256n) throw new UsageError("--chain-id is a decimal whole number");
  return { chainId: id, verifyingContract: parseAddress(contract, "--contract") };
}

/** An address; capitals are lowered. `name` says in the error what it is of. */
export function parseAddress(text: string, name: string): Hex {
  const address = text.toLowerCase();
  if (isHex(address, 20)) return address;
  throw new UsageError(`${name} is an address: 0x and 40 hexadecimal digits`);
}

/** An http or https URL. `name` says in the error what it is of. */
export function parseUrl(text: string, name: string): string {
  if (URL.canParse(text) && /^https?:\/\//i.test(text)) return text;
  throw new UsageError(`${name} is an http or https URL`);
}
