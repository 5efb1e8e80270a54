import type { Hex } from "@mach/core";
import { readNetwork } from "../config/networks.ts";
import { parseAddress, parseUrl } from "./arguments.ts";
import { type CommandContext, UsageError } from "./command.ts";
import { requireConfig } from "./config-options.ts";

/** The options by which a command is told a Slasher, and an endpoint of its L1. */
export const SLASHER_OPTIONS = {
  config: { type: "string" },
  network: { type: "string" },
  l1: { type: "string" },
  slasher: { type: "string" },
  api: { type: "string" },
} as const;

/** How they are told in a command's usage. */
export const SLASHER_USAGE = `\
  --config FILE                    a node's configuration: its network, its L1 endpoint
  --network NAME                   one with an L1 endpoint: local, or the path of its file
  --l1 URL                         an endpoint of the L1; what it says decides what is sent, so use
                                   your own
  --slasher 0x...                  the Slasher on the L1, where the network's file does not say
  --api URL                        a node that is asked for sets which the endpoint cannot list`;

/** What `parseArgs` makes of them. */
export interface SlasherValues {
  readonly config?: string | undefined;
  readonly network?: string | undefined;
  readonly l1?: string | undefined;
  readonly slasher?: string | undefined;
  readonly api?: string | undefined;
}

/** Where on which L1 evidence is brought to. */
export interface SlasherPlace {
  readonly rpcUrl: string;
  /** Which L1 it has to be; null where the caller does not say. */
  readonly chainId: bigint | null;
  readonly slasher: Hex;
  /** Whose the Slasher has to be; null where the caller does not say. */
  readonly registry: Hex | null;
  /** A node to ask for operator sets; null for none. */
  readonly apiUrl: string | null;
}

type Found = Omit<SlasherPlace, "slasher"> & { readonly slasher: Hex | null };

/** The place that one of the three ways names. Throws a UsageError for none, and for several. */
export function readSlasherPlace(values: SlasherValues, context: CommandContext): SlasherPlace {
  const { config, network, l1 } = values;
  if ([config, network, l1].filter((each) => each !== undefined).length !== 1) {
    throw new UsageError("one of --config, --network and --l1 is expected");
  }
  const found = findPlace(values, context);
  const api = values.api === undefined ? found.apiUrl : parseUrl(values.api, "--api");
  const named = values.slasher === undefined ? null : parseAddress(values.slasher, "--slasher");
  const slasher = named ?? found.slasher;
  if (slasher === null) throw new UsageError("--slasher is missing");
  return { ...found, slasher, apiUrl: api };
}

function findPlace({ config, network, l1 = "" }: SlasherValues, context: CommandContext): Found {
  if (config !== undefined) {
    const { network: on, l1: endpoints } = requireConfig({ config }, context);
    const { chainId, registry } = on;
    const [rpcUrl = ""] = endpoints.rpcUrls;
    return { rpcUrl, chainId, registry, slasher: null, apiUrl: null };
  }
  if (network === undefined) {
    const rpcUrl = parseUrl(l1, "--l1");
    return { rpcUrl, chainId: null, registry: null, slasher: null, apiUrl: null };
  }
  const read = readNetwork(network, process.cwd());
  if (!read.ok) throw new UsageError(`--network ${network}: ${read.message}`);
  const { l1RpcUrl: rpcUrl, chainId, registry, slasher = null, apiUrl = null } = read.network;
  if (rpcUrl === undefined) {
    throw new UsageError(`--network ${network} has no endpoint of the L1: give --config, or --l1`);
  }
  return { rpcUrl, chainId, registry, slasher, apiUrl };
}
