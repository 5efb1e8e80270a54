import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Domain, type Hex, toHex } from "@mach/core";

/** The files of one node: its data folder holds its configuration, its keys and its log too. */
export interface NodeFiles {
  readonly folder: string;
  readonly configFile: string;
  readonly logFile: string;
}

/** Where a node reads a rollup. Times in milliseconds. */
export interface RollupEndpoints {
  readonly rpcUrls: readonly string[];
  readonly wsUrls: readonly string[];
  readonly agree?: number;
  readonly pollMs?: number;
  readonly timeoutMs?: number;
}

/** How a node executes a rollup's blocks again. */
export interface RollupExecution {
  readonly urls: readonly string[];
  readonly by: string;
  readonly profile: string;
  readonly forks: Readonly<Record<string, number>>;
}

export interface NodeFilesOptions {
  readonly folder: string;
  readonly domain: Domain;
  readonly l1RpcUrl: string;
  readonly rollups: readonly (RollupEndpoints & {
    readonly rollupId: bigint;
    readonly execution?: RollupExecution;
    /** Offers the rollup's RPC. */
    readonly rpc?: object;
  })[];
  readonly gossipPort: number;
  /** Where others reach it: another port where something stands between. */
  readonly dialledPort: number;
  /** The ports of the other nodes. */
  readonly peerPorts: readonly number[];
  readonly apiPort: number;
  readonly lifelinePort: number;
  /** Absent for an observer. */
  readonly operator?: {
    readonly address: Hex;
    readonly secretKey: Uint8Array;
    readonly accountKey: string;
  };
}

/** Writes a node's configuration and keys. */
export function writeNodeFiles(options: NodeFilesOptions): NodeFiles {
  const { folder, operator } = options;
  mkdirSync(folder, { mode: 0o700 });
  if (operator !== undefined) {
    writeSecret(join(folder, "bls.key"), toHex(operator.secretKey));
    writeSecret(join(folder, "payer.key"), operator.accountKey);
  }
  const configFile = join(folder, "node.yaml");
  writeFileSync(configFile, configOf(options), { mode: 0o600 });
  return { folder, configFile, logFile: join(folder, "node.log") };
}

function writeSecret(file: string, secret: string): void {
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: "wx" });
}

function configOf(options: NodeFilesOptions): string {
  const { domain, rollups, operator, peerPorts, gossipPort, dialledPort } = options;
  const bootNodes = peerPorts.map((port) => `    - /ip4/127.0.0.1/tcp/${port}`);
  const lines = [
    "dataDir: .",
    "logLevel: info",
    "network:",
    `  chainId: ${domain.chainId}`,
    `  registry: "${domain.verifyingContract}"`,
    "l1:",
    `  rpcUrls: ["${options.l1RpcUrl}"]`,
    ...(operator === undefined
      ? []
      : [
          ...["operator:", `  address: "${operator.address}"`, "  secretKeyFile: bls.key"],
          ...["payer:", "  privateKeyFile: payer.key"],
        ]),
    "rollups:",
    ...rollups.flatMap(({ rollupId, rpcUrls, wsUrls, ...rule }) => [
      `  - rollupId: ${rollupId}`,
      `    rpcUrls: ${JSON.stringify(rpcUrls)}`,
      `    wsUrls: ${JSON.stringify(wsUrls)}`,
      ...Object.entries(rule).map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`),
    ]),
    ...["gossip:", "  host: 127.0.0.1", `  port: ${gossipPort}`],
    // Else its peers would learn the port behind, and dial that.
    ...(dialledPort === gossipPort
      ? []
      : ["  announce:", `    - /ip4/127.0.0.1/tcp/${dialledPort}`]),
    ...["  bootNodes:", ...bootNodes],
    ...["api:", "  host: 127.0.0.1", `  port: ${options.apiPort}`],
    // Any free one: the node's first line in its log names it.
    ...["metrics:", "  port: 0"],
    `lifelinePort: ${options.lifelinePort}`,
  ];
  return `${lines.join("\n")}\n`;
}
