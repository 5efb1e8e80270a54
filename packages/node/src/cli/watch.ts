import { parseArgs } from "node:util";
import { STACKS, type Stack } from "@mach/core";
import { required } from "./arguments.ts";
import { type Command, type CommandContext, type ExitCode, UsageError } from "./command.ts";
import { countHosts, parseAgree, parseStack } from "./endpoints.ts";

/** What is watched, and how long. */
export interface WatchOptions {
  readonly stack: Stack;
  readonly urls: readonly string[];
  /** The op-node beside each of them, in their order. */
  readonly opNodeUrls: readonly string[];
  readonly agree: number;
  /** The id that the chain must have; what the endpoints say where it is null. */
  readonly chainId: bigint | null;
  /** The height to begin with; null for the newest. */
  readonly fromBlockNumber: bigint | null;
  /** Ends after so many claims; null for never. */
  readonly count: number | null;
  /** Ends after so long, a failure where there was no claim, or fewer than `count`. */
  readonly withinMs: number | null;
  readonly timeoutMs: number;
  readonly isJson: boolean;
}

/** `mach watch`: follows a rollup as a node does, and prints what an operator would sign. */
export const command: Command = {
  usage: `mach watch --stack ${STACKS.join("|")} --rpc URL [--rpc URL ...] [--json]

Follows a rollup by the rules that a node follows and prints the claim of each block (on zk of each
batch), until it is stopped. It signs nothing: this is how endpoints are tried before they are put
into a configuration.

  --stack NAME     the rollup's stack: ${STACKS.join(", ")}
  --rpc URL        an http(s) or ws(s) endpoint of the rollup; may be given several times
  --op-node URL    the op-node beside each --rpc, in their order: it tells safe and finalized
  --agree K        how many hosts must have a block by the same hash; more than half by default
  --chain-id N     the chain that it must be; by default the one that the endpoints name
  --from N         the height to begin with, decimal or 0x; the newest by default
  --count N        stop after N claims
  --within S       stop after S seconds, with exit code 1 if that was too soon for any claim, or for N
  --timeout MS     how long one answer may take, 3000 by default
  --json           each line is one JSON object

Claims go to stdout; what is wrong with an endpoint, why a block is not claimed, and at the end what is
to be said of each endpoint, to stderr.
Exit code: 0 stopped, or N claims printed; 1 not (with a code); 2 wrong usage.`,
  run: watch,
};

const UINT64 = /^(\d{1,20}|0x[0-9a-fA-F]{1,16})$/;

async function watch(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      stack: { type: "string" },
      rpc: { type: "string", multiple: true },
      "op-node": { type: "string", multiple: true },
      agree: { type: "string" },
      "chain-id": { type: "string" },
      from: { type: "string" },
      count: { type: "string" },
      within: { type: "string" },
      timeout: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const urls = required(values.rpc, "rpc");
  const hosts = countHosts(urls, "http, https, ws or wss");
  const opNodeUrls = values["op-node"] ?? [];
  countHosts(opNodeUrls, "http or https", "op-node");
  if (opNodeUrls.length > urls.length) throw new UsageError("--op-node goes with an --rpc each");
  const withinSeconds = parseCount(values.within, "within", 1_000_000);
  const options: WatchOptions = {
    stack: parseStack(required(values.stack, "stack")),
    urls,
    opNodeUrls,
    agree: parseAgree(values.agree, hosts),
    chainId: parseUint64(values["chain-id"], "chain-id"),
    fromBlockNumber: parseUint64(values.from, "from"),
    count: parseCount(values.count, "count", 1_000_000_000),
    withinMs: withinSeconds === null ? null : withinSeconds * 1_000,
    timeoutMs: parseCount(values.timeout, "timeout", 60_000) ?? 3_000,
    isJson: values.json === true,
  };
  // Loaded on demand: the help takes no network code.
  const { watchRollup } = await import("./watch-rollup.ts");
  return watchRollup(options, context.output);
}

function parseUint64(text: string | undefined, name: string): bigint | null {
  if (text === undefined) return null;
  const value = UINT64.test(text) ? BigInt(text) : -1n;
  if (value >= 0n && value >> 64n === 0n) return value;
  throw new UsageError(`--${name} is a whole number below 2^64, decimal or with 0x`);
}

function parseCount(text: string | undefined, name: string, max: number): number | null {
  if (text === undefined) return null;
  const count = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= max) return count;
  throw new UsageError(`--${name} is a whole number from 1 to ${max}`);
}
