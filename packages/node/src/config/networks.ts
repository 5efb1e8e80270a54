import { readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Hex } from "@mach/core";
import { z } from "zod";
import { address, bigInteger, text, texts, url } from "./fields.ts";
import { MULTIADDR } from "./multiaddr.ts";
import { nearMiss } from "./near-miss.ts";
import { readYamlFile } from "./yaml-file.ts";

/** What a network's file says. Its endpoints are for a new configuration alone. */
export interface Network {
  readonly name: string;
  readonly chainId: bigint;
  readonly registry: Hex;
  readonly bootNodes: readonly string[];
  readonly l1RpcUrl?: string | undefined;
  /** Where evidence is brought to. */
  readonly slasher?: Hex | undefined;
  /** A node's API. */
  readonly apiUrl?: string | undefined;
  readonly rollups: readonly NetworkRollup[];
}

export interface NetworkRollup {
  readonly rollupId: bigint;
  readonly stack: string;
  readonly rpcUrl?: string | undefined;
  readonly wsUrl?: string | undefined;
  /** How its blocks are executed again, as the configuration's `execution` without `urls`. */
  readonly execution?: Readonly<Record<string, unknown>> | undefined;
}

export type NetworkResult =
  | { readonly ok: true; readonly network: Network }
  | { readonly ok: false; readonly message: string };

const HTTP = { schemes: ["http:", "https:"], example: "http://127.0.0.1:8545" };
const WEBSOCKET = { schemes: ["ws:", "wss:"], example: "ws://127.0.0.1:8545" };

/** Also reads the network.json of a local network, which says more. */
const networkSchema = z.object({
  chainId: bigInteger("The EIP-155 chain id of the L1.", 64),
  registry: address("The registry on it."),
  slasher: address("The Slasher on it.").optional(),
  apiUrl: url("The API of a node.", HTTP).optional(),
  bootNodes: texts("Peers to connect to first.", MULTIADDR).default([]),
  l1: z.object({ rpcUrl: url("An endpoint of the L1.", HTTP) }).optional(),
  rollups: z
    .array(
      z.object({
        rollupId: bigInteger("Its EIP-155 chain id.", 64),
        stack: text("Its stack."),
        rpcUrl: url("An endpoint of it.", HTTP).optional(),
        wsUrl: url("An endpoint of it for WebSockets.", WEBSOCKET).optional(),
        execution: z.record(z.string(), z.unknown()).optional(),
      }),
    )
    .max(64)
    .default([]),
});

/** A network that is deployed anew with each start: its file says where the rest is then. */
const deployedSchema = z.strictObject({
  name: text("Its name."),
  deployment: text("The file that its start writes, relative to this one."),
  start: text("The command that starts it."),
});

const FOLDER = fileURLToPath(new URL("../../networks/", import.meta.url));

/** The names of the networks that this program knows. */
export function networkNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => basename(file, ".yaml"))
    .toSorted();
}

/** Whether a network is named by its file, and not by its name. */
export function isNetworkFile(nameOrFile: string): boolean {
  return /[/\\]|\.(?:ya?ml|json)$/.test(nameOrFile);
}

/** The network of a name, or of a file (`.yaml`, `.yml`, `.json`) relative to a folder. */
export function readNetwork(nameOrFile: string, folder: string): NetworkResult {
  if (isNetworkFile(nameOrFile)) return readFile(resolve(folder, nameOrFile));
  const names = networkNames();
  if (names.includes(nameOrFile)) return readFile(join(FOLDER, `${nameOrFile}.yaml`), nameOrFile);
  const meant = nearMiss(nameOrFile, names);
  const advice = meant === undefined ? "" : `; did you mean ${meant}?`;
  return refuse(
    `there is no network of that name${advice} (known: ${names.join(", ")}; a file's path ends in ` +
      ".yaml or .json)",
  );
}

function readFile(path: string, name?: string): NetworkResult {
  const file = readYamlFile(path);
  if (!file.ok) return refuse(`its file ${path} ${file.problems.join("; ")}`);
  const deployed = deployedSchema.safeParse(file.value);
  if (!deployed.success) return parse(file.value, { path, name: name ?? path });
  const { deployment, start } = deployed.data;
  const written = isAbsolute(deployment) ? deployment : resolve(dirname(path), deployment);
  const content = readYamlFile(written);
  if (content.ok) return parse(content.value, { path: written, name: deployed.data.name });
  return refuse(
    `does not run: ${written} ${content.problems.join("; ")}; start it by \`${start}\``,
  );
}

function parse(
  value: unknown,
  { path, name }: { readonly path: string; readonly name: string },
): NetworkResult {
  const parsed = networkSchema.safeParse(value);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    return refuse(`its file ${path} is no network's: ${wrong.join("; ")}`);
  }
  const { l1, ...network } = parsed.data;
  return { ok: true, network: { ...network, name, l1RpcUrl: l1?.rpcUrl } };
}

function refuse(message: string): NetworkResult {
  return { ok: false, message };
}
