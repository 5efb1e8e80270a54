import { type ConfigProblem, type ConfigResult, loadConfig, type NodeConfig } from "../config.ts";
import { type Answer, type CommandContext, PlainUsageError, UsageError } from "./command.ts";

/** The options by which a command is told a node's configuration. */
export const CONFIG_OPTIONS = {
  config: { type: "string" },
  set: { type: "string", multiple: true },
  "no-env": { type: "boolean" },
} as const;

/** What `parseArgs` makes of them. */
export interface ConfigValues {
  readonly config?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly "no-env"?: boolean | undefined;
}

/** Reads the configuration: the file, the environment over it, `--set` over both. */
export function loadByOptions(values: ConfigValues, context: CommandContext): ConfigResult {
  const env = values["no-env"] === true ? {} : context.environment;
  const flags = parseSettings(values.set ?? []);
  if (values.config === undefined && isSilent(env, flags)) {
    throw new PlainUsageError(
      "no configuration is named: give --config FILE, and let " +
        "`mach config init --network NAME --out FILE` write one where there is none",
    );
  }
  return loadConfig({ file: values.config, env, flags });
}

/** As `loadByOptions`; throws a UsageError that names every wrong field where there is one. */
export function requireConfig(values: ConfigValues, context: CommandContext): NodeConfig {
  const result = loadByOptions(values, context);
  if (!result.ok) throw new PlainUsageError(describeProblems(result.problems));
  return result.config;
}

/** Every wrong field on a line of its own, with where it is written. */
function describeProblems(problems: readonly ConfigProblem[]): string {
  const lines = problems.map((problem) => `  ${describeProblem(problem)}`);
  const count = problems.length === 1 ? "one place" : `${problems.length} places`;
  return `the configuration is wrong in ${count}:\n${lines.join("\n")}`;
}

/** One wrong field, in one line. */
export function describeProblem({ path, message, at }: ConfigProblem): string {
  return at === undefined ? `${path}: ${message}` : `${path}: ${message} (${at})`;
}

/** The answer of a command that was asked about a configuration which is wrong. */
export function wrongConfig(problems: readonly ConfigProblem[]): Answer {
  const sentence = describeProblems(problems);
  return { exitCode: 1, json: { valid: false, problems }, sentence };
}

function isSilent(
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Record<string, string>>,
): boolean {
  const variables = Object.entries(env).filter(([, value]) => value !== undefined);
  return !variables.some(([name]) => name.startsWith("MACH_")) && Object.keys(flags).length === 0;
}

/** What `--set PATH=VALUE` says, by path. */
export function parseSettings(settings: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    settings.map((setting) => {
      const separator = setting.indexOf("=");
      if (separator < 1) throw new UsageError("--set takes PATH=VALUE, such as api.port=4501");
      return [setting.slice(0, separator), setting.slice(separator + 1)];
    }),
  );
}
