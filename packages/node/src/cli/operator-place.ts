import type { Hex } from "@mach/core";
import { readNetwork } from "../config/networks.ts";
import { parseAddress, parseUrl } from "./arguments.ts";
import { type CommandContext, UsageError } from "./command.ts";
import { requireConfig } from "./config-options.ts";

/** The options by which a command is told a registry, and an endpoint of its L1. */
export const PLACE_OPTIONS = {
  config: { type: "string" },
  network: { type: "string" },
  l1: { type: "string" },
  registry: { type: "string" },
} as const;

/** How they are told in a command's usage. */
export const PLACE_USAGE = `\
  --config FILE                    a node's configuration: its network, its L1 endpoints,
                                   its operator
  --network NAME                   one with an L1 endpoint: local, or the path of its file
  --l1 URL                         an endpoint of the L1, and
  --registry 0x...                 the registry on it`;

/** What `parseArgs` makes of them. */
export interface PlaceValues {
  readonly config?: string | undefined;
  readonly network?: string | undefined;
  readonly l1?: string | undefined;
  readonly registry?: string | undefined;
}

/** A registry on an L1, and what a configuration says of the operator besides. */
export interface RegistryPlace {
  readonly rpcUrl: string;
  /** Other endpoints of the L1, and how many hosts of all have to say the same. */
  readonly others: readonly string[];
  readonly agree: number;
  readonly registry: Hex;
  /** Which L1 it has to be; null where the caller does not say. */
  readonly chainId: bigint | null;
  readonly operator: Hex | null;
  readonly keystoreFile: string | null;
  readonly passwordFile: string | null;
  readonly nextKeystoreFile: string | null;
}

const NO_KEYS = { keystoreFile: null, passwordFile: null, nextKeystoreFile: null };
const ALONE = { others: [], agree: 1, operator: null, ...NO_KEYS };

/** The place that one of the three ways names. Throws a UsageError for none, and for several. */
export function readRegistryPlace(values: PlaceValues, context: CommandContext): RegistryPlace {
  const { config, network, l1, registry } = values;
  const byHand = l1 !== undefined || registry !== undefined;
  if ([config !== undefined, network !== undefined, byHand].filter(Boolean).length !== 1) {
    throw new UsageError("one of --config, --network, and --l1 with --registry is expected");
  }
  if (config !== undefined) return fromConfig(config, context);
  if (network !== undefined) return fromNetwork(network);
  if (l1 === undefined || registry === undefined) {
    throw new UsageError("--l1 and --registry go together");
  }
  const rpcUrl = parseUrl(l1, "--l1");
  return { ...ALONE, rpcUrl, registry: parseAddress(registry, "--registry"), chainId: null };
}

function fromConfig(file: string, context: CommandContext): RegistryPlace {
  const { network, l1, operator } = requireConfig({ config: file }, context);
  const [rpcUrl = "", ...others] = l1.rpcUrls;
  return {
    ...{ rpcUrl, others, agree: l1.agree },
    ...{ registry: network.registry, chainId: network.chainId },
    operator: operator?.address ?? null,
    keystoreFile: operator?.keystoreFile ?? null,
    passwordFile: operator?.passwordFile ?? null,
    nextKeystoreFile: operator?.nextKey?.keystoreFile ?? null,
  };
}

function fromNetwork(nameOrFile: string): RegistryPlace {
  const read = readNetwork(nameOrFile, process.cwd());
  if (!read.ok) throw new UsageError(`--network ${nameOrFile}: ${read.message}`);
  const { registry, chainId, l1RpcUrl: rpcUrl } = read.network;
  if (rpcUrl !== undefined) return { ...ALONE, rpcUrl, registry, chainId };
  throw new UsageError(`--network ${nameOrFile} has no endpoint of the L1: give --config, or --l1`);
}
