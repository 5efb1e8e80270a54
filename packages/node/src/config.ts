import { resolve } from "node:path";
import { type ConfigSources, layerSources } from "./config/layers.ts";
import type { OperatorConfig } from "./config/operator.ts";
import { type ConfigProblem, describeIssues } from "./config/problems.ts";
import { configFields } from "./config/reference.ts";
import { configSchema, type NodeConfig } from "./config/schema.ts";

export type { ApiConfig } from "./config/api.ts";
export type { ConfigSources } from "./config/layers.ts";
export type { MetricsConfig } from "./config/metrics.ts";
export type { OperatorConfig } from "./config/operator.ts";
export type { ConfigProblem } from "./config/problems.ts";
export type { RetentionConfig } from "./config/retention.ts";
export type {
  EngineConfig,
  GossipConfig,
  L1Config,
  NodeConfig,
  PayerConfig,
  RollupConfig,
} from "./config/schema.ts";
export type { SettlementConfig } from "./config/settlement.ts";

export type ConfigResult =
  | {
      readonly ok: true;
      readonly config: NodeConfig;
      /** Where a value was said: `node.yaml:12`, `MACH_API_PORT`, `network local`, `default`. */
      readonly originOf: (path: readonly PropertyKey[]) => string;
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/**
 * Reads a node's configuration: the file, then the environment over it, then flags over both;
 * all problems at once. A network by name or file is read too. Paths in it become absolute,
 * relative ones from the file's folder (from the working directory without a file). The result is
 * frozen.
 */
export function loadConfig(sources: ConfigSources): ConfigResult {
  const fields = configFields();
  const layers = layerSources(sources, fields);
  const problems = [...layers.problems];
  // A file that cannot be read would only add that each of its fields is missing.
  if (layers.isBroken) return { ok: false, problems };
  const parsed = configSchema.safeParse(layers.values);
  if (!parsed.success) {
    problems.push(...describeIssues(parsed.error.issues, layers, fields));
    return { ok: false, problems };
  }
  if (problems.length > 0) return { ok: false, problems };
  const config = deepFreeze(withAbsolutePaths(parsed.data, layers.folder));
  return { ok: true, config, originOf: (path) => layers.originOf(path) ?? "default" };
}

function withAbsolutePaths(config: NodeConfig, folder: string): NodeConfig {
  const { operator, payer } = config;
  return {
    ...config,
    dataDir: resolve(folder, config.dataDir),
    ...(operator && { operator: withAbsoluteSecrets(operator, folder) }),
    ...(payer && { payer: { ...payer, privateKeyFile: resolve(folder, payer.privateKeyFile) } }),
  };
}

function withAbsoluteSecrets(operator: OperatorConfig, folder: string): OperatorConfig {
  const { signer, nextKey } = operator;
  return {
    ...operator,
    ...withAbsoluteKey(operator, folder),
    ...(nextKey && { nextKey: withAbsoluteKey(nextKey, folder) }),
    ...(signer && { signer: { ...signer, tokenFile: resolve(folder, signer.tokenFile) } }),
  };
}

type KeyFiles = Pick<OperatorConfig, "keystoreFile" | "passwordFile" | "secretKeyFile">;

function withAbsoluteKey(key: KeyFiles, folder: string): KeyFiles {
  const { keystoreFile, passwordFile, secretKeyFile } = key;
  return {
    ...(keystoreFile && { keystoreFile: resolve(folder, keystoreFile) }),
    ...(passwordFile && { passwordFile: resolve(folder, passwordFile) }),
    ...(secretKeyFile && { secretKeyFile: resolve(folder, secretKeyFile) }),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) deepFreeze(each);
  }
  return value;
}
