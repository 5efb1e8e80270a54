import type { Network, NetworkRollup } from "./networks.ts";
import { type ConfigField, configFields, dotted } from "./reference.ts";
import { comment, flow } from "./yaml-text.ts";

/** What a new configuration is for. */
export interface SampleOptions {
  readonly network: Network;
  /** How the file names the network. */
  readonly networkName: string;
  /** Who attests; absent for an observer. */
  readonly operator?: string | undefined;
  /** Values by dotted path, which go over what would be written. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where an editor finds the JSON schema, from the file's folder. */
  readonly schema: string;
}

/** Values by the dotted path of their field; the others are written as comments. */
type Values = ReadonlyMap<string, unknown>;

/** Of launchers, which write their own configurations. */
const NOT_SHOWN = ["lifelinePort"];

/**
 * A commented configuration of a network: every field with its sentence, as a comment where it has
 * a default or may be left out. What is to be filled in is empty, and no node starts with that.
 */
export function sampleFile(options: SampleOptions): string {
  const { network, networkName, operator, schema, settings } = options;
  const values = new Map<string, unknown>([
    ["dataDir", "data"],
    ["network", networkName],
    ["l1.rpcUrls", network.l1RpcUrl === undefined ? [] : [network.l1RpcUrl]],
    ["api.port", 4500],
  ]);
  if (operator !== undefined) {
    values.set("operator.address", operator);
    values.set("operator.keystoreFile", "keys/operator.json");
    values.set("operator.passwordFile", "password");
    values.set("operator.nextKey.keystoreFile", "keys/next.json");
    values.set("operator.nextKey.passwordFile", "password");
  }
  for (const [path, value] of Object.entries(settings)) values.set(path, value);
  const about =
    `A node of the network ${networkName}. What is commented out has the value that stands there ` +
    "by default, or is left out. `mach config check` names everything that is wrong here, `mach " +
    "config print` says what holds and why, and `mach config explain FIELD` more on a field.";
  const blocks = [
    [`# yaml-language-server: $schema=${schema}`, ...comment(about, "")],
    ...configFields()
      .filter(({ path }) => !NOT_SHOWN.includes(dotted(path)))
      .map((field) =>
        field.kind === "list" ? rollupList(field, network.rollups) : write(field, values, ""),
      ),
  ];
  return `${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** A field below its sentence: with a value, or as a comment. */
function write(field: ConfigField, values: Values, indent: string): readonly string[] {
  const key = field.path.at(-1) ?? "";
  const path = dotted(field.path);
  const docs = comment(field.description, indent);
  const value = values.get(path);
  if (value !== undefined) return [...docs, `${indent}${key}: ${flow(value)}`];
  if (field.kind === "value") {
    return [...docs, `${indent}# ${key}: ${flow(field.fallback ?? field.example)}`];
  }
  const isWritten = [...values.keys()].some((each) => each.startsWith(`${path}.`));
  if (isWritten) {
    const inside = field.fields.flatMap((each) => write(each, values, `${indent}  `));
    return [...docs, `${indent}${key}:`, ...inside];
  }
  const inside = field.fields.flatMap((each) => write(each, needed(field), `${indent}  `));
  return [...docs, ...[`${indent}${key}:`, ...inside].map((line) => commentOut(line, indent))];
}

/** What a section that is commented out shows as values: what it cannot be without. */
function needed(section: ConfigField): Values {
  const required = section.fields.filter(({ isRequired }) => isRequired);
  return new Map(required.map(({ path, example }) => [dotted(path), example]));
}

function commentOut(line: string, indent: string): string {
  return `${indent}# ${line.slice(indent.length)}`;
}

/** The first rollup with all that can be said of one, the others with what is said of them. */
function rollupList(list: ConfigField, rollups: readonly NetworkRollup[]): readonly string[] {
  const entries = rollups.length === 0 ? [undefined] : rollups;
  return [
    ...comment(list.description, ""),
    `${list.path.join(".")}:`,
    ...entries.flatMap((rollup, index) => {
      const values = rollupValues(rollup);
      return index === 0 ? firstEntry(list, values) : laterEntry(list, values);
    }),
  ];
}

const ENTRY_INDENT = "    ";

function firstEntry(list: ConfigField, values: Values): readonly string[] {
  const [first, ...rest] = list.fields;
  if (first === undefined) return [];
  const head = write(first, values, ENTRY_INDENT);
  return [
    ...head.slice(0, -1).map((line) => line.slice(2)),
    asItem(head.at(-1) ?? ""),
    ...rest.flatMap((field) => write(field, values, ENTRY_INDENT)),
  ];
}

function laterEntry(list: ConfigField, values: Values): readonly string[] {
  const lines = list.fields.flatMap((field) => write(field, values, ENTRY_INDENT));
  const said = lines.filter((line) => !line.trimStart().startsWith("#"));
  return said.map((line, index) => (index === 0 ? asItem(line) : line));
}

function asItem(line: string): string {
  return `  - ${line.trimStart()}`;
}

function rollupValues(rollup: NetworkRollup | undefined): Values {
  if (rollup === undefined) {
    return new Map<string, unknown>([
      ["rollups[].rollupId", ""],
      ["rollups[].rpcUrls", []],
    ]);
  }
  const { rollupId, rpcUrl, wsUrl, execution } = rollup;
  const urls = rpcUrl === undefined ? [] : [rpcUrl];
  return new Map<string, unknown>([
    ["rollups[].rollupId", rollupId],
    ["rollups[].rpcUrls", urls],
    ...(wsUrl === undefined ? [] : ([["rollups[].wsUrls", [wsUrl]]] as const)),
    ...(execution === undefined
      ? []
      : Object.entries({ urls, ...execution }).map(
          ([key, value]) => [`rollups[].execution.${key}`, value] as const,
        )),
  ]);
}
