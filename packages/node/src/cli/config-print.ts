import { parseArgs } from "node:util";
import { redact } from "../config/redaction.ts";
import { flow } from "../config/yaml-text.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import { CONFIG_OPTIONS, loadByOptions, wrongConfig } from "./config-options.ts";

/** `mach config print`: what a node would be told, and by what. */
export const command: Command = {
  usage: `mach config print --config FILE [--set PATH=VALUE ...] [--no-env] [--json]

Prints every value that a node would run with, and where each was said: the line of the file, a
variable, --set, the network, or nowhere (default). Of URLs it shows the host, not the user,
password, path or query. Files of secrets are named and not opened.

  --config FILE      the configuration file
  --set PATH=VALUE   one field, such as api.port=4501; may be repeated
  --no-env           read no MACH_* variables
  --json             a JSON list of { path, value, from } instead of YAML

Exit code: 0 printed, 1 the configuration is wrong, 2 wrong usage.`,
  run: printConfig,
};

/** One value that holds, and where it was said. */
interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly from: string;
}

async function printConfig(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: { ...CONFIG_OPTIONS, json: { type: "boolean" } },
  });
  const result = loadByOptions(values, context);
  if (!result.ok) return wrongConfig(result.problems);
  const settings = settingsIn(redact(result.config), [], result.originOf);
  return {
    exitCode: 0,
    json: {
      settings: settings.map(({ path, value, from }) => ({
        path: path.join("."),
        value: typeof value === "bigint" ? String(value) : value,
        from,
      })),
    },
    sentence: printAsYaml(settings),
  };
}

function settingsIn(
  value: unknown,
  path: readonly string[],
  originOf: (path: readonly PropertyKey[]) => string,
): readonly Setting[] {
  if (value === undefined) return [];
  const isSection = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  if (!isSection || isListOfValues(value)) return [{ path, value, from: originOf(path) }];
  return Object.entries(value).flatMap(([key, each]) => settingsIn(each, [...path, key], originOf));
}

function isListOfValues(value: object): boolean {
  return Array.isArray(value) && value.every((each) => typeof each !== "object");
}

/** The sections' names where they begin, each value with its source as a comment. */
function printAsYaml(settings: readonly Setting[]): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const { path, value, from } of settings) {
    const same = path.findIndex((key, i) => open[i] !== key);
    let item = "";
    for (let depth = same; depth < path.length; depth++) {
      const key = path[depth] ?? "";
      const indent = "  ".repeat(depth);
      if (/^\d+$/.test(key)) {
        // The first field of an entry stands on the line of its dash.
        item = `${"  ".repeat(depth)}- `;
        continue;
      }
      const start = item === "" ? indent : item;
      item = "";
      const isLast = depth === path.length - 1;
      lines.push(isLast ? `${start}${key}: ${flow(value)} # ${from}` : `${start}${key}:`);
    }
    open = path;
  }
  return lines.join("\n");
}
