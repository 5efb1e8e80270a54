import type { Hex } from "@mach/core";
import { z } from "zod";
import { parseAddress, parseUrl } from "./arguments.ts";
import { UsageError } from "./command.ts";
import { readJsonFile } from "./json-file.ts";

/** Where on which L1 evidence is brought to. */
export interface SlasherPlace {
  readonly rpcUrl: string;
  readonly slasher: Hex;
  /** Whose the Slasher has to be; null where the caller does not say. */
  readonly registry: Hex | null;
  /** A node to ask for operator sets; null for none. */
  readonly apiUrl: string | null;
}

/** What is needed of a network.json, which says more. */
const networkFileSchema = z.object({
  slasher: z.string(),
  registry: z.string(),
  apiUrl: z.string(),
  l1: z.object({ rpcUrl: z.string() }),
});

/** The place that --network, or --l1 and --slasher, name. Throws a UsageError for none. */
export function readSlasherPlace(options: {
  readonly network?: string | undefined;
  readonly l1?: string | undefined;
  readonly slasher?: string | undefined;
  readonly api?: string | undefined;
}): SlasherPlace {
  const { network, l1, slasher, api } = options;
  if (network !== undefined) {
    if (l1 !== undefined || slasher !== undefined) {
      throw new UsageError("--network says what --l1 and --slasher do: give one or the other");
    }
    return fromFile(network, api);
  }
  if (l1 === undefined || slasher === undefined) {
    throw new UsageError("--l1 and --slasher are missing, or --network in their place");
  }
  return {
    rpcUrl: parseUrl(l1, "--l1"),
    slasher: parseAddress(slasher, "--slasher"),
    registry: null,
    apiUrl: api === undefined ? null : parseUrl(api, "--api"),
  };
}

function fromFile(path: string, api: string | undefined): SlasherPlace {
  const file = readJsonFile(path);
  const parsed = file.ok ? networkFileSchema.safeParse(file.value) : { success: false as const };
  if (!parsed.success) throw new UsageError(`${path} is no network.json with a slasher`);
  const { slasher, registry, apiUrl, l1 } = parsed.data;
  return {
    rpcUrl: parseUrl(l1.rpcUrl, "l1.rpcUrl"),
    slasher: parseAddress(slasher, "slasher"),
    registry: parseAddress(registry, "registry"),
    apiUrl: parseUrl(api ?? apiUrl, api === undefined ? "apiUrl" : "--api"),
  };
}
