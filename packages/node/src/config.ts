import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseDocument } from "yaml";
import type { z } from "zod";
import type { OperatorConfig } from "./config/operator.ts";
import { overridesFromEnvironment, overrideValue, withOverride } from "./config/overrides.ts";
import { configSchema, type NodeConfig } from "./config/schema.ts";

export type { OperatorConfig } from "./config/operator.ts";
export type {
  ApiConfig,
  EngineConfig,
  GossipConfig,
  L1Config,
  NodeConfig,
  PayerConfig,
  RollupConfig,
} from "./config/schema.ts";
export type { MetricsConfig } from "./config/metrics.ts";
export type { SettlementConfig } from "./config/settlement.ts";

/** One wrong field: its path in the file, dotted, and what was expected there. */
export interface ConfigProblem {
  readonly path: string;
  readonly message: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: NodeConfig }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

export interface ConfigSources {
  /** A YAML (or JSON) file. */
  readonly file?: string | undefined;
  /** Variables MACH_*: the path in capitals with underscores, `api.port` as MACH_API_PORT. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Values by dotted path, `{ "api.port": "4501" }`. */
  readonly flags?: Readonly<Record<string, string>>;
}

const MAX_FILE_BYTES = 1_048_576;

/**
 * Reads a node's configuration: the file, then the environment over it, then flags over both;
 * all problems at once. Paths in it become absolute, relative ones from the file's folder (from
 * the working directory without a file). The result is frozen.
 */
export function loadConfig(sources: ConfigSources): ConfigResult {
  const file = sources.file === undefined ? EMPTY : readFile(sources.file);
  const problems: ConfigProblem[] = [...file.problems];
  let values: unknown = file.value;
  const { overrides, unknown } = overridesFromEnvironment(sources.env ?? {});
  problems.push(...unknown.map((path) => ({ path, message: "is no variable of this program" })));
  for (const [path, value] of overrides) values = withOverride(values, path, value);
  for (const [path, value] of Object.entries(sources.flags ?? {})) {
    values = withOverride(values, path.split("."), overrideValue(value));
  }
  // A file that cannot be read would only add that each of its fields is missing.
  if (file.problems.length > 0) return { ok: false, problems };
  const parsed = configSchema.safeParse(values);
  if (!parsed.success) {
    problems.push(...parsed.error.issues.flatMap((issue) => toProblems(issue, values)));
    return { ok: false, problems };
  }
  if (problems.length > 0) return { ok: false, problems };
  const folder = sources.file === undefined ? process.cwd() : dirname(resolve(sources.file));
  return { ok: true, config: deepFreeze(withAbsolutePaths(parsed.data, folder)) };
}

interface FileContent {
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
}

const EMPTY: FileContent = { value: {}, problems: [] };

function readFile(file: string): FileContent {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    return { value: {}, problems: [{ path: file, message: `cannot be read (${code})` }] };
  }
  if (source.length > MAX_FILE_BYTES) {
    return { value: {}, problems: [{ path: file, message: "is larger than 1 MiB" }] };
  }
  // The failsafe schema leaves every scalar a text: YAML would read an address as a number.
  const document = parseDocument(source, { schema: "failsafe", uniqueKeys: true });
  if (document.errors.length > 0) {
    const messages = document.errors.map((error) => error.message.split("\n")[0] ?? "is no YAML");
    return { value: {}, problems: messages.map((message) => ({ path: file, message })) };
  }
  return { value: document.toJS({ maxAliasCount: 16 }) ?? {}, problems: [] };
}

function toProblems(issue: z.core.$ZodIssue, values: unknown): readonly ConfigProblem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: dotted([...issue.path, key]),
      message: "is not a field",
    }));
  }
  const isMissing = valueAt(values, issue.path) === undefined;
  const message = isMissing ? `is missing: ${issue.message}` : issue.message;
  return [{ path: dotted(issue.path), message }];
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  let value = values;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value;
}

function dotted(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "(root)" : path.map(String).join(".");
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
  const { keystoreFile, passwordFile, secretKeyFile, signer } = operator;
  return {
    ...operator,
    ...(keystoreFile && { keystoreFile: resolve(folder, keystoreFile) }),
    ...(passwordFile && { passwordFile: resolve(folder, passwordFile) }),
    ...(secretKeyFile && { secretKeyFile: resolve(folder, secretKeyFile) }),
    ...(signer && { signer: { ...signer, tokenFile: resolve(folder, signer.tokenFile) } }),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) deepFreeze(each);
  }
  return value;
}
