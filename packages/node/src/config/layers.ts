import { dirname, resolve } from "node:path";
import { type Network, readNetwork } from "./networks.ts";
import {
  type Override,
  overridesFromEnvironment,
  overridesFromFlags,
  withOverride,
} from "./overrides.ts";
import type { ConfigProblem } from "./problems.ts";
import { type ConfigField, dotted } from "./reference.ts";
import { readYamlFile, type YamlFile } from "./yaml-file.ts";

export interface ConfigSources {
  /** A YAML (or JSON) file. */
  readonly file?: string | undefined;
  /** Variables MACH_*: the path in capitals with underscores, `api.port` as MACH_API_PORT. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Values by dotted path, `{ "api.port": "4501" }`. */
  readonly flags?: Readonly<Record<string, string>> | undefined;
}

/** What the sources say together, not checked yet. */
export interface Layers {
  readonly values: unknown;
  readonly problems: readonly ConfigProblem[];
  /** The file cannot be read: what is missing because of that is not worth telling. */
  readonly isBroken: boolean;
  /** The folder that relative paths begin at. */
  readonly folder: string;
  readonly network: Network | undefined;
  /** Where the value at a path was said: `node.yaml:12`, `MACH_API_PORT`; undefined for nowhere. */
  originOf(path: readonly PropertyKey[]): string | undefined;
}

interface Draft {
  values: unknown;
  readonly problems: ConfigProblem[];
}

/** Lays the file, the environment and flags over each other, and a named network under them. */
export function layerSources(sources: ConfigSources, fields: readonly ConfigField[]): Layers {
  const file = sources.file === undefined ? EMPTY : readYamlFile(sources.file);
  const folder = sources.file === undefined ? process.cwd() : dirname(resolve(sources.file));
  const { overrides, unknown } = overridesFromEnvironment(sources.env ?? {}, fields);
  const all = [...overrides, ...overridesFromFlags(sources.flags ?? {})];
  const draft: Draft = {
    values: file.ok ? withoutSchema(file.value ?? {}) : {},
    problems: unknown.map(({ variable, meant }) => ({
      path: variable,
      message: `is no variable of this program${meant ? `; did you mean ${meant}?` : ""}`,
    })),
  };
  if (!file.ok) {
    const path = sources.file ?? "";
    draft.problems.push(...file.problems.map((message) => ({ path, message })));
  }
  for (const override of all) applyOverride(draft, override);
  const named = { sources: { file, name: sources.file, overrides: all } };
  const said = draft.values;
  const network = placeNetwork(draft, { folder, from: originIn(named.sources, ["network"], said) });
  return {
    values: draft.values,
    problems: draft.problems,
    isBroken: !file.ok,
    folder,
    network,
    originOf: (path) => {
      const own = originIn(named.sources, path, said);
      const isNetworks = network !== undefined && valueAt(draft.values, path) !== undefined;
      return own ?? (isNetworks ? `network ${network.name}` : undefined);
    },
  };
}

/** What stands at a path of values that were not checked. */
export function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  let value = values;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value;
}

const EMPTY: YamlFile = { ok: true, value: {}, lineOf: () => 1 };

/** JSON has no comments, so the editor's schema stands in a field of its own. */
function withoutSchema(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("$schema" in value)) return value;
  const { $schema: _schema, ...rest } = value;
  return rest;
}

function applyOverride(draft: Draft, { path, value, from }: Override): void {
  const [first, second] = path;
  const named = valueAt(draft.values, ["network"]);
  if (first === "network" && second !== undefined && typeof named === "string") {
    const message =
      `cannot be set beside network: ${named}, which says it already; leave one of them out, or ` +
      "write the network as chainId and registry";
    draft.problems.push({ path: dotted(path), message, at: from });
    return;
  }
  const parent = valueAt(draft.values, path.slice(0, 1));
  if (Array.isArray(parent) && second !== undefined && !Object.hasOwn(parent, second)) {
    const message = `has no place ${second} to change: the list has ${parent.length}, from 0 on`;
    draft.problems.push({ path: dotted(path), message, at: from });
    return;
  }
  draft.values = withOverride(draft.values, path, value);
}

/** Puts what a network's name or file stands for in its place. */
function placeNetwork(
  draft: Draft,
  { folder, from }: { readonly folder: string; readonly from: string | undefined },
): Network | undefined {
  const named = valueAt(draft.values, ["network"]);
  if (typeof named !== "string") return undefined;
  const at = from === undefined ? {} : { at: from };
  const read = readNetwork(named, folder);
  if (!read.ok) {
    draft.problems.push({ path: "network", message: `${named}: ${read.message}`, ...at });
    // Else the schema would say besides that a text is no section.
    draft.values = withOverride(draft.values, ["network"], SOME_NETWORK);
    return undefined;
  }
  const { chainId, registry, bootNodes, rollups } = read.network;
  draft.values = withOverride(draft.values, ["network"], { chainId, registry });
  const peers = ["gossip", "bootNodes"];
  const gossip = valueAt(draft.values, ["gossip"]) ?? {};
  if (typeof gossip === "object" && valueAt(draft.values, peers) === undefined) {
    draft.values = withOverride(draft.values, peers, bootNodes);
  }
  const ids = rollupIdsOf(draft.values);
  const known = rollups.map(({ rollupId }) => String(rollupId));
  if (known.length > 0 && ids.length > 0 && !ids.some((id) => known.includes(id))) {
    const message =
      `are another network's: the network ${read.network.name} has ${known.join(", ")}; write ` +
      "those, or name the network that these are of";
    draft.problems.push({ path: "rollups", message: `(${ids.join(", ")}) ${message}`, ...at });
  }
  return read.network;
}

const SOME_NETWORK = { chainId: 1n, registry: `0x${"00".repeat(20)}` };

function rollupIdsOf(values: unknown): readonly string[] {
  const rollups = valueAt(values, ["rollups"]);
  if (!Array.isArray(rollups)) return [];
  return rollups.map((each) => String(valueAt(each, ["rollupId"])));
}

interface NamedSources {
  readonly file: YamlFile;
  readonly name: string | undefined;
  readonly overrides: readonly Override[];
}

/** The last of the sources that says what stands at a path, or says that nothing does. */
function originIn(
  { file, name, overrides }: NamedSources,
  path: readonly PropertyKey[],
  said: unknown,
): string | undefined {
  const wanted = path.map(String);
  const override = overrides.findLast((each) => each.path.every((key, i) => wanted[i] === key));
  if (override !== undefined) {
    return valueAt(said, path) === undefined ? undefined : override.from;
  }
  if (!file.ok || name === undefined || valueAt(file.value, path) === undefined) return undefined;
  return `${name}:${file.lineOf(path)}`;
}
