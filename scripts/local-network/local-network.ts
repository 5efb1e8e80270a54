import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createNativeBls } from "@mach/bls";
import type { Stack } from "@mach/core";
import { accountsFor } from "./accounts.ts";
import { type Chain, startAnvilChain } from "./chain.ts";
import type { Child } from "./child.ts";
import {
  type DeployedNetwork,
  deployNetwork,
  type OperatorToRegister,
  type RegisteredOperator,
} from "./deployment.ts";
import { LocalNetworkError } from "./errors.ts";
import { claimFolder } from "./folder.ts";
import { compileScripts, type Forge } from "./forge-script.ts";
import { startGuard } from "./guard.ts";
import { startLifelineServer } from "./lifeline-server.ts";
import { type DeployedLightClient, deployLightClients } from "./light-clients.ts";
import type { NodeProcess } from "./node-process.ts";
import { type Nodes, type NodesOptions, prepareNodes, ROOT } from "./nodes.ts";
import { requireFreePort } from "./ports.ts";
import { DEFAULT_STACKS, type Rollup, rollupIdOf, startRollup, verificationOf } from "./rollups.ts";
import { noParts, type Parts, tearDown, track } from "./teardown.ts";
import { startTrickle } from "./trickle.ts";

export interface LocalNetworkOptions {
  /** Where its files are, absolute: made at the start and removed at the end. */
  readonly folder: string;
  /** Of the observer; a free one where it is left out. */
  readonly apiPort?: number;
  readonly epochSeconds?: bigint;
  readonly attestationInterval?: bigint;
  /** One rollup for each; op and evm where it is left out. */
  readonly stacks?: readonly Stack[];
  /** The highest level of a rollup: 2, executed, where it is left out. */
  readonly maxVerification?: 1 | 2;
  /** Milliseconds between two blocks of a rollup on anvil: a second where it is left out. */
  readonly rollupBlockMs?: number;
  /** Stands between a node's gossip port and all who dial it; returns the port that they dial. */
  readonly gossipProxy?: NodesOptions["gossipProxy"];
  /** Where a node, `operator-1` for instance, reads a rollup; null for the rollup's own node. */
  readonly endpointsOf?: NodesOptions["endpointsOf"];
  /** Of the operators that run, each as a process. */
  readonly weights?: readonly bigint[];
  /** Operators that are registered, and whose keys the caller holds; nothing runs for them. */
  readonly extraOperators?: readonly OperatorToRegister[];
  readonly onProgress?: (step: string) => void;
  /** Stops the start; what was started is ended before the promise is rejected. */
  readonly signal?: AbortSignal;
}

/** A network that runs: chains, operators and an observer. */
export interface LocalNetwork extends Nodes {
  readonly folder: string;
  /** The observer's API. */
  readonly apiUrl: string;
  readonly l1: Chain;
  readonly rollups: readonly Rollup[];
  readonly deployment: DeployedNetwork;
  /** Registered, with keys that the caller holds. */
  readonly extraOperators: readonly RegisteredOperator[];
  /** Settles when they stand, some seconds after genesisTime; rejected where they could not. */
  readonly lightClients: Promise<readonly DeployedLightClient[]>;
  /** Starts a node again that has ended. */
  startAgain(node: NodeProcess): void;
  /** Ends every process within 5 s and removes every file. */
  stop(): Promise<void>;
}

const L1_CHAIN_ID = 31_337n;
const WEIGHTS = [22n, 24n, 26n, 28n];
const EPOCH_SECONDS = 60n;
const API_TIMEOUT_MS = 60_000;

/**
 * Starts a whole network on this machine and settles when its API answers; the first certificates
 * follow some seconds after genesisTime. Needs the packages to be built. Throws a
 * LocalNetworkError, and leaves nothing behind, where it cannot.
 */
export async function startLocalNetwork(options: LocalNetworkOptions): Promise<LocalNetwork> {
  if (!existsSync(join(ROOT, "packages/node/dist/cli.js"))) {
    throw new LocalNetworkError("start-failed", "the packages are not built; run: npm run build");
  }
  if (options.apiPort !== undefined) await requireFreePort(options.apiPort);
  const parts = noParts(options.folder);
  try {
    return await Promise.race([bringUp(options, parts), untilAborted(options.signal)]);
  } catch (error) {
    await tearDown(parts);
    throw error;
  }
}

async function bringUp(options: LocalNetworkOptions, parts: Parts): Promise<LocalNetwork> {
  const { folder, epochSeconds = EPOCH_SECONDS, weights = WEIGHTS, apiPort } = options;
  const stacks = options.stacks ?? DEFAULT_STACKS;
  const levelOf = (stack: Stack): 1 | 2 => verificationOf(stack, options.maxVerification ?? 2);
  const extra = options.extraOperators ?? [];
  const progress = options.onProgress ?? (() => undefined);
  const lifeline = await startLifeline(parts);

  progress(`Starting the L1 and ${stacks.length} rollups`);
  const forge = forgeIn(parts);
  const [[l1, rollups]] = await Promise.all([
    startChains(parts, {
      ...{ stacks, levelOf, blockMs: options.rollupBlockMs },
      operatorCount: weights.length + extra.length,
    }),
    compileScripts(forge),
  ]);

  progress("Deploying the contracts and registering the operators");
  const bls = createNativeBls();
  const own = weights.map((weight) => ({ weight, secretKey: bls.generateSecretKey().toBytes() }));
  const deployment = await deployNetwork(forge, {
    rpcUrl: l1.rpcUrl,
    chainId: L1_CHAIN_ID,
    epochSeconds,
    operators: [...own, ...extra],
    rollups: stacks.map((stack) => ({
      rollupId: rollupIdOf(stack),
      stack,
      attestationInterval: options.attestationInterval ?? 1n,
      verification: levelOf(stack),
    })),
  });

  progress(`Starting ${weights.length} operators and an observer`);
  const running = deployment.operators.slice(0, weights.length);
  const chains = { l1, rollups, deployment, epochSeconds };
  const lifelinePort = lifeline.port;
  const { endpointsOf, gossipProxy } = options;
  const place = { folder, lifelinePort, apiPort };
  const nodes = await prepareNodes({ ...chains, ...place, running, endpointsOf, gossipProxy });
  const { operators, observer } = nodes;
  parts.nodes.push(...operators, observer);
  for (const node of parts.nodes) track(parts, parts.nodeChildren, node.start());
  const lightClients = startLightClients(forge, parts, { ...chains, nodes });
  await untilApiAnswers(observer);
  nodes.publish();
  for (const { rpcUrl, runsContracts } of rollups) {
    if (runsContracts) parts.trickles.push(startTrickle(rpcUrl));
  }
  let stopped: Promise<void> | undefined;
  return {
    ...nodes,
    folder,
    apiUrl: observer.apiUrl,
    l1,
    rollups,
    deployment,
    extraOperators: deployment.operators.slice(weights.length),
    lightClients,
    startAgain: (node) => track(parts, parts.nodeChildren, node.start()),
    stop() {
      stopped ??= tearDown(parts);
      return stopped;
    },
  };
}

function forgeIn(parts: Parts): Forge {
  return {
    root: ROOT,
    folder: join(parts.folder, "deployment"),
    track: (child) => track(parts, parts.chainChildren, child),
  };
}

/** Deploys the light clients beside what goes on: certificates do not wait for them. */
function startLightClients(
  forge: Forge,
  parts: Parts,
  network: {
    readonly l1: Chain;
    readonly rollups: readonly Rollup[];
    readonly deployment: DeployedNetwork;
    readonly epochSeconds: bigint;
    readonly nodes: Nodes;
  },
): Promise<readonly DeployedLightClient[]> {
  const { l1, rollups, deployment, epochSeconds, nodes } = network;
  const deployed = deployLightClients(forge, {
    l1: { rpcUrl: l1.rpcUrl, chainId: L1_CHAIN_ID },
    network: deployment,
    epochSeconds,
    rollups,
    signal: parts.ending.signal,
  }).then((lightClients) => {
    nodes.nameLightClients(lightClients);
    return lightClients;
  });
  // Who waits for them is told; a network that nobody asked for them runs on without.
  deployed.catch(() => undefined);
  return deployed;
}

async function startLifeline(parts: Parts): Promise<{ readonly port: number }> {
  const lifeline = await startLifelineServer(parts.folder, {
    onNode: (held) => void parts.nodes.some((node) => node.adopt(held)),
    onGone: (held) => {
      for (const node of parts.nodes) node.release(held.pid);
    },
  });
  parts.lifeline = lifeline;
  await claimFolder(parts.folder, lifeline.port);
  parts.ownsFolder = true;
  parts.guard = startGuard(parts.folder);
  return lifeline;
}

async function startChains(
  parts: Parts,
  of: {
    readonly stacks: readonly Stack[];
    readonly levelOf: (stack: Stack) => 1 | 2;
    readonly operatorCount: number;
    readonly blockMs: number | undefined;
  },
): Promise<readonly [l1: Chain, rollups: readonly Rollup[]]> {
  const { folder } = parts;
  const tracked = (child: Child): void => track(parts, parts.chainChildren, child);
  const l1 = {
    ...{ name: "l1", chainId: L1_CHAIN_ID, folder },
    flags: ["--hardfork", "osaka", "--slots-in-an-epoch", "1"],
    accounts: accountsFor(of.operatorCount),
  };
  return await Promise.all([
    startAnvilChain(l1, tracked),
    Promise.all(
      of.stacks.map((stack) => {
        const verification = of.levelOf(stack);
        return startRollup(stack, { folder, verification, blockMs: of.blockMs, track: tracked });
      }),
    ),
  ]);
}

async function untilApiAnswers(observer: NodeProcess): Promise<void> {
  const deadline = Date.now() + API_TIMEOUT_MS;
  while (Date.now() < deadline && observer.entry().running) {
    try {
      await fetch(`${observer.apiUrl}/v1/node/health`, { signal: AbortSignal.timeout(2_000) });
      return;
    } catch {
      // It does not listen yet.
      await sleep(100);
    }
  }
  const { logFile, running } = observer.entry();
  const log = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-5);
  const why = running ? "did not answer in time" : "ended";
  throw new LocalNetworkError("start-failed", `the observer ${why}:\n${log.join("\n")}`);
}

async function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return await new Promise((_, reject) => {
    const stop = (): void => reject(new LocalNetworkError("stopped", "stopped while starting"));
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
