import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isNetworkFile, networkNames, readNetwork } from "../config/networks.ts";
import { type ConfigField, configFields, fieldAt } from "../config/reference.ts";
import { sampleFile } from "../config/sample-file.ts";
import { loadConfig } from "../config.ts";
import { parseAddress, required } from "./arguments.ts";
import { type Answer, type Command, UsageError } from "./command.ts";
import { describeProblem, parseSettings } from "./config-options.ts";
import { makeFolder, writeNewFile } from "./new-file.ts";

/** `mach config init`: a first configuration, with everything that can be said in one. */
export const command: Command = {
  usage: `mach config init --network NAME [--out FILE] [--operator 0x...] [--set PATH=VALUE ...] [--json]

Writes a commented configuration for a network: its rollups, its endpoints where the network has some
of its own, and every other field as a comment with its default. What has to be filled in is empty,
and named. A file that exists is never overwritten; a folder that does not is made with mode 0700.

  --network NAME     ${networkNames().join(", ")}; or the path of a network's file (.yaml, .json)
  --out FILE         where to write it, mode 0600; on stdout without it
  --operator 0x...   who attests with the node; an observer without it
  --set PATH=VALUE   one field of it, such as api.port=4501; may be repeated

  mach config init --network local --out node.yaml

Exit code: 0 written, 1 not written (with a code), 2 wrong usage.`,
  run: initConfig,
};

const SCHEMA = fileURLToPath(new URL("../../config.schema.json", import.meta.url));

async function initConfig(args: readonly string[]): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      network: { type: "string" },
      out: { type: "string" },
      operator: { type: "string" },
      set: { type: "string", multiple: true },
      json: { type: "boolean" },
    },
  });
  const named = required(values.network, "network");
  const { out } = values;
  const folder = out === undefined ? process.cwd() : dirname(resolve(out));
  const operator =
    values.operator === undefined ? undefined : parseAddress(values.operator, "--operator");
  const settings = checkSettings(parseSettings(values.set ?? []));
  const read = readNetwork(named, process.cwd());
  if (!read.ok) {
    const sentence = `the network ${named}: ${read.message}`;
    return { exitCode: 1, json: { code: "no-network", message: sentence }, sentence };
  }
  const text = sampleFile({
    network: read.network,
    networkName: isNetworkFile(named) ? asPath(relative(folder, resolve(named))) : named,
    ...(operator !== undefined && { operator }),
    settings,
    schema: asPath(relative(folder, SCHEMA)),
  });
  if (out === undefined) return { exitCode: 0, json: { text }, sentence: text.trimEnd() };
  makeFolder(folder);
  if (existsSync(out) || !writeNewFile(out, text)) {
    const sentence = `${out} is there already, and is left as it is: name another file by --out`;
    return { exitCode: 1, json: { code: "file-exists", file: out }, sentence };
  }
  return written(out);
}

/** A file beside the configuration begins with a dot and a slash, unlike a network's name. */
function asPath(path: string): string {
  return path.startsWith(".") ? path : `.${join("/", path)}`;
}

function written(file: string): Answer {
  const result = loadConfig({ file });
  const left = result.ok ? [] : result.problems;
  const sentence =
    left.length === 0
      ? `${file} is written, and complete: \`mach run --config ${file}\``
      : `${file} is written; what is left to fill in:\n${left
          .map((problem) => `  ${describeProblem(problem)}`)
          .join("\n")}`;
  return { exitCode: 0, json: { file, left }, sentence };
}

/** Each is a field outside of lists; its value is checked with the others of the file. */
function checkSettings(
  settings: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const fields = configFields();
  const checked = Object.entries(settings).map(([path, value]) => {
    const field = fieldAt(fields, path.split("."));
    if (field?.kind === "value" && field.variable !== undefined)
      return [path, asTyped(value, field)];
    throw new UsageError(
      `--set ${path}: there is no such field outside of the rollups; those change in the file`,
    );
  });
  return Object.fromEntries(checked);
}

/** As the file's author would write it: a number without quotes, a list as one. */
function asTyped(value: string, { fallback, example }: ConfigField): unknown {
  const like = fallback ?? example;
  if (Array.isArray(like)) return value.split(",").map((each) => each.trim());
  const isNumber = typeof like === "number" && /^\d{1,15}$/.test(value);
  return isNumber ? Number(value) : value;
}
