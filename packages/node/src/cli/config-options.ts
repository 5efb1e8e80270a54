import { type ConfigProblem, type ConfigResult, loadConfig } from "../config.ts";
import { type CommandContext, UsageError } from "./command.ts";

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
  return loadConfig({
    file: values.config,
    env: values["no-env"] === true ? {} : context.environment,
    flags: parseSettings(values.set ?? []),
  });
}

/** Every wrong field on a line of its own. */
export function describeProblems(problems: readonly ConfigProblem[]): string {
  const lines = problems.map(({ path, message }) => `  ${path}: ${message}`);
  return `The configuration is wrong in ${problems.length} place(s):\n${lines.join("\n")}\n`;
}

function parseSettings(settings: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    settings.map((setting) => {
      const separator = setting.indexOf("=");
      if (separator < 1) throw new UsageError("--set takes PATH=VALUE, such as api.port=4501");
      return [setting.slice(0, separator), setting.slice(separator + 1)];
    }),
  );
}
