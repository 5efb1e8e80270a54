import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hex, Stack } from "@mach/core";
import type { RollupExecution } from "./node-files.ts";

/** `.local/network.json`: what a program has to know to use the network. */
export interface NetworkFile {
  readonly apiUrl: string;
  readonly chainId: string;
  readonly registry: Hex;
  readonly slasher: Hex;
  readonly vault: Hex;
  readonly asset: Hex;
  readonly weightedSources: Hex;
  readonly verifier: Hex;
  /** The owner of what has one; `governor` schedules what it does. */
  readonly timelock: Hex;
  readonly governor: Hex;
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
    /** By which rules its blocks are executed again, where that is part of its level. */
    readonly execution?: Omit<RollupExecution, "urls">;
  }[];
  /** None before the first operator set is final on L1, some seconds after genesisTime. */
  readonly lightClients: readonly LightClientEntry[];
  readonly operators: readonly OperatorEntry[];
  readonly observer: NodeEntry;
  /** One multiaddr for each node, for a program that joins the gossip. */
  readonly bootNodes: readonly string[];
}

/** A light client on a rollup's own chain, with the example payments there. */
export interface LightClientEntry {
  readonly rollupId: string;
  readonly timelock: Hex;
  readonly lightClient: Hex;
  /** The epoch whose set it trusted first. */
  readonly epoch: string;
  readonly operatorSetHash: Hex;
  readonly paymentSource: Hex;
  readonly fastPayments: Hex;
  /** The rollup whose payments `fastPayments` pays out. */
  readonly paymentsFrom: string;
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
