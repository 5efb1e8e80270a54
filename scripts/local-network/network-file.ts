import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hex, Stack } from "@mach/core";

/** `.local/network.json`: what a program has to know to use the network. */
export interface NetworkFile {
  readonly apiUrl: string;
  readonly chainId: string;
  readonly registry: Hex;
  readonly vault: Hex;
  readonly asset: Hex;
  /** Seconds. */
  readonly genesisTime: string;
  /** Seconds. */
  readonly epochSeconds: string;
  readonly l1: { readonly chainId: string; readonly rpcUrl: string; readonly wsUrl: string };
  readonly rollups: readonly {
    readonly rollupId: string;
    readonly stack: Stack;
    readonly rpcUrl: string;
    readonly wsUrl: string;
  }[];
  readonly operators: readonly OperatorEntry[];
  readonly observer: NodeEntry;
  /** One multiaddr for each node, for a program that joins the gossip. */
  readonly bootNodes: readonly string[];
}

export interface NodeEntry {
  /** Of the process that runs, or that ran last. */
  readonly pid: number;
  readonly running: boolean;
  /** One shell line that starts the node again, from the root of the repository. */
  readonly command: string;
  readonly apiUrl: string;
  readonly logFile: string;
}

export interface OperatorEntry extends NodeEntry {
  readonly address: Hex;
  readonly weight: string;
}

/** Writes the file in one step, so that no reader sees half of it. */
export function writeNetworkFile(folder: string, file: NetworkFile): void {
  const path = join(folder, "network.json");
  writeFileSync(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
