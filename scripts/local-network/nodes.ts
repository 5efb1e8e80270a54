import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Hex } from "@mach/core";
import { initialiseProtection, openDataFolder } from "@mach/node";
import type { Chain } from "./chain.ts";
import type { DeployedNetwork, RegisteredOperator } from "./deployment.ts";
import { LocalNetworkError } from "./errors.ts";
import type { DeployedLightClient } from "./light-clients.ts";
import { type NetworkFile, writeNetworkFile } from "./network-file.ts";
import { type RollupEndpoints, type RollupExecution, writeNodeFiles } from "./node-files.ts";
import { createNodeProcess, type NodeProcess } from "./node-process.ts";
import { freePorts } from "./ports.ts";
import type { Rollup } from "./rollups.ts";

export interface NodesOptions {
  readonly folder: string;
  readonly lifelinePort: number;
  readonly deployment: DeployedNetwork;
  readonly epochSeconds: bigint;
  readonly l1: Chain;
  readonly rollups: readonly Rollup[];
  /** Where the node of a name reads a rollup, if not from the rollup's own node. */
  readonly endpointsOf?: ((node: string, rollup: Rollup) => RollupEndpoints | null) | undefined;
  /** Stands before a gossip port: it returns the port that the other nodes dial. */
  readonly gossipProxy?: ((gossipPort: number) => Promise<number>) | undefined;
  /** Those of the deployment's operators that run. */
  readonly running: readonly RegisteredOperator[];
  /** Of the observer; a free one where it is undefined. */
  readonly apiPort: number | undefined;
}

/** The nodes of a network, not started yet. */
export interface Nodes {
  readonly operators: readonly (NodeProcess & { readonly registered: RegisteredOperator })[];
  readonly observer: NodeProcess;
  describe(): NetworkFile;
  /** Writes network.json, now and whenever what it says changes. */
  publish(): void;
  /** Has network.json say where the light clients stand. */
  nameLightClients(lightClients: readonly DeployedLightClient[]): void;
}

/** The repository's root. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Writes the files of every node, each of which knows the ports of all. */
export async function prepareNodes(options: NodesOptions): Promise<Nodes> {
  const { folder, running } = options;
  const count = running.length + 1;
  const ports = await freePorts(2 * count);
  const gossipPorts = ports.slice(0, count);
  const apiPorts = ports.slice(count);
  const dialled = await Promise.all(
    gossipPorts.map((port) => options.gossipProxy?.(port) ?? Promise.resolve(port)),
  );
  if (options.apiPort !== undefined) apiPorts[count - 1] = options.apiPort;

  function prepare(name: string, index: number, operator?: RegisteredOperator): NodeProcess {
    const gossipPort = gossipPorts[index] ?? 0;
    const apiPort = apiPorts[index] ?? 0;
    const files = writeNodeFiles({
      folder: join(folder, name),
      domain: options.deployment.domain,
      l1RpcUrl: options.l1.rpcUrl,
      rollups: options.rollups.map((rollup) => ({
        rollupId: rollup.rollupId,
        ...(options.endpointsOf?.(name, rollup) ?? ownEndpoints(rollup)),
        ...(rollup.verification === 2 && { execution: executionOn(rollup) }),
        ...(operator === undefined && { rpc: {} }),
      })),
      gossipPort,
      dialledPort: dialled[index] ?? gossipPort,
      peerPorts: dialled.filter((_, peer) => peer !== index),
      apiPort,
      lifelinePort: options.lifelinePort,
      ...(operator && { operator }),
    });
    return createNodeProcess({ name, root: ROOT, files, apiPort, onChange });
  }
  const operators = running.map((registered, index) => ({
    ...prepare(`operator-${index + 1}`, index, registered),
    registered,
  }));
  const observer = prepare("observer", count - 1);
  for (const { registered, entry } of operators) {
    await initialiseRecord(dirname(entry().logFile), { options, operator: registered.address });
  }

  let isPublished = false;
  let lightClients: readonly DeployedLightClient[] = [];
  function onChange(): void {
    // A node that ends while all of it is being removed changes nothing any more.
    if (isPublished && existsSync(folder)) writeNetworkFile(folder, describe());
  }
  function publish(): void {
    isPublished = true;
    onChange();
  }
  function nameLightClients(deployed: readonly DeployedLightClient[]): void {
    lightClients = deployed;
    onChange();
  }
  function describe(): NetworkFile {
    return {
      ...describeNetwork(options),
      lightClients: lightClients.map((client) => ({
        ...client,
        rollupId: String(client.rollupId),
        epoch: String(client.epoch),
        paymentsFrom: String(client.paymentsFrom),
      })),
      apiUrl: observer.apiUrl,
      operators: operators.map((node) => ({
        address: node.registered.address,
        weight: String(node.registered.weight),
        ...node.entry(),
      })),
      observer: observer.entry(),
      bootNodes: dialled.map((port) => `/ip4/127.0.0.1/tcp/${port}`),
    };
  }
  return { operators, observer, describe, publish, nameLightClients };
}

function ownEndpoints({ rpcUrl, wsUrl }: Rollup): RollupEndpoints {
  return { rpcUrls: [rpcUrl], wsUrls: [wsUrl] };
}

/** anvil serves no witness, and makes blocks of no other fork. */
const EXECUTION = { by: "proofs", profile: "anvil-op", forks: { isthmus: 0 } } as const;

function executionOn({ rpcUrl }: Rollup): RollupExecution {
  return { urls: [rpcUrl], ...EXECUTION };
}

/** Makes an operator's signing record, as `mach protection init --new` does. */
async function initialiseRecord(
  dataDir: string,
  identity: { readonly options: NodesOptions; readonly operator: Hex },
): Promise<void> {
  const { options, operator } = identity;
  const opened = await openDataFolder(dataDir);
  if (!opened.ok) throw new LocalNetworkError("start-failed", `${dataDir}: ${opened.code}`);
  const { domain } = options.deployment;
  const made = await initialiseProtection(opened.folder, { domain, operator }, "never-signed");
  await opened.folder.release();
  if (!made.ok) throw new LocalNetworkError("start-failed", `${dataDir}: ${made.code}`);
}

function describeNetwork(
  options: NodesOptions,
): Omit<NetworkFile, "apiUrl" | "lightClients" | "operators" | "observer" | "bootNodes"> {
  const { deployment, l1, rollups, epochSeconds } = options;
  const chainId = String(deployment.domain.chainId);
  return {
    chainId,
    registry: deployment.registry,
    slasher: deployment.slasher,
    vault: deployment.vault,
    asset: deployment.asset,
    weightedSources: deployment.weightedSources,
    verifier: deployment.verifier,
    timelock: deployment.timelock,
    governor: deployment.governor.address,
    genesisTime: String(deployment.genesisTime),
    epochSeconds: String(epochSeconds),
    l1: { chainId, rpcUrl: l1.rpcUrl, wsUrl: l1.wsUrl },
    rollups: rollups.map(({ rollupId, stack, rpcUrl, wsUrl, verification }) => ({
      rollupId: String(rollupId),
      stack,
      rpcUrl,
      wsUrl,
      ...(verification === 2 && { execution: EXECUTION }),
    })),
  };
}
