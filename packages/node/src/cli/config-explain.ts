import { parseArgs } from "node:util";
import { nearMiss } from "../config/near-miss.ts";
import { type ConfigField, configFields, dotted, ENTRY, flatten } from "../config/reference.ts";
import { flow } from "../config/yaml-text.ts";
import { onlyPositional } from "./arguments.ts";
import { type Answer, type Command, UsageError } from "./command.ts";

/** `mach config explain`: what one field means. */
export const command: Command = {
  usage: `mach config explain FIELD [--json]

Says what a field or a section of the configuration means, what may be written there, what holds
where it is left out, and its variable.

  FIELD    the path, such as gossip.port, or rollups.rpcUrls for that of each rollup

Exit code: 0 explained, 2 there is no such field.`,
  run: explain,
};

async function explain(args: readonly string[]): Promise<Answer> {
  const { values: _values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: "boolean" } },
  });
  const wanted = onlyPositional(positionals, "FIELD");
  const fields = flatten(configFields());
  // `rollups[].agree`, `rollups.0.agree` and `rollups.agree` are one field.
  const bare = withoutEntries(wanted.replaceAll(/\[\d*\]/g, "").split("."));
  const field = fields.find(({ path }) => withoutEntries(path) === bare);
  if (field === undefined) throw new UsageError(describeUnknown(wanted, fields));
  return { exitCode: 0, json: asJson(field), sentence: describe(field) };
}

function withoutEntries(path: readonly string[]): string {
  return path.filter((key) => key !== ENTRY && !/^\d+$/.test(key)).join(".");
}

function describeUnknown(wanted: string, fields: readonly ConfigField[]): string {
  const last = wanted.split(".").at(-1);
  const ends = fields.filter(({ path }) => path.at(-1) === last).map(({ path }) => dotted(path));
  const near = nearMiss(
    wanted,
    fields.map(({ path }) => dotted(path)),
  );
  const meant = ends.length > 0 ? ends.slice(0, 3).join(" or ") : near;
  return `there is no field ${wanted}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

function describe(field: ConfigField): string {
  const { path, description, takes, fallback, example, isRequired, variable, fields } = field;
  const name = dotted(path);
  const lines = [
    `${name}: ${description}`,
    "",
    `  takes     ${takes}`,
    isRequired ? "  default   none: it cannot be left out" : null,
    fallback === undefined ? null : `  default   ${flow(fallback)}`,
    fallback !== undefined || example === undefined ? null : `  example   ${flow(example)}`,
    variable === undefined ? null : `  variable  ${variable}`,
    fields.length > 0 || path.includes(ENTRY) ? null : `  option    --set ${name}=VALUE`,
    ...(fields.length === 0 ? [] : ["", ...fields.map(summary)]),
  ];
  return lines.filter((line) => line !== null).join("\n");
}

function summary({ path, description }: ConfigField): string {
  return `  ${dotted(path)}: ${description}`;
}

function asJson(field: ConfigField): Readonly<Record<string, unknown>> {
  const { path, fields, ...rest } = field;
  return { path: dotted(path), ...rest, fields: fields.map((each) => dotted(each.path)) };
}
