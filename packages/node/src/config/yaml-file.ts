import { readFileSync, statSync } from "node:fs";
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type ScalarTag,
} from "yaml";

/** What a YAML file holds, and where in it. */
export type YamlFile =
  | { readonly ok: true; readonly value: unknown; lineOf(path: readonly PropertyKey[]): number }
  | { readonly ok: false; readonly problems: readonly string[] };

const MAX_FILE_BYTES = 1_048_576;
const MAX_ALIASES = 16;

/** Reads a YAML file, of which JSON is a part. Its problems say nothing of what it holds. */
export function readYamlFile(file: string): YamlFile {
  let source: string;
  try {
    if (statSync(file).size > MAX_FILE_BYTES) return refuse(`is larger than 1 MiB`);
    source = readFileSync(file, "utf8");
  } catch (error) {
    return refuse(`cannot be read (${(error as NodeJS.ErrnoException).code ?? "unreadable"})`);
  }
  const lines = new LineCounter();
  const document = parseDocument(source, {
    schema: "failsafe",
    customTags: [NULL, BOOLEAN, NUMBER],
    uniqueKeys: true,
    lineCounter: lines,
  });
  if (document.errors.length > 0) {
    return refuse(...document.errors.map((error) => error.message.split("\n")[0] ?? "is no YAML"));
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { ok: true, value, lineOf: (path) => findLine(document, { path, lines }) };
  } catch {
    // The parser's guard against a few lines of aliases that stand for gigabytes.
    return refuse("uses too many aliases");
  }
}

function refuse(...problems: readonly string[]): YamlFile {
  return { ok: false, problems };
}

/*
 * Plain words have the types that they have in YAML, so that `dataDir: 5` or `host: true` is a
 * mistake that is seen; except that what a double cannot hold, and an address, stay texts.
 */
const NULL: ScalarTag = {
  tag: "tag:yaml.org,2002:null",
  default: true,
  test: /^(?:~|[Nn]ull|NULL)?$/,
  resolve: () => null,
};
const BOOLEAN: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: /^(?:[Tt]rue|TRUE|[Ff]alse|FALSE)$/,
  resolve: (text) => /^t/i.test(text),
};
const NUMBER: ScalarTag = {
  tag: "tag:yaml.org,2002:float",
  default: true,
  test: /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/,
  resolve: (text) => {
    const isExact = !/^[-+]?\d+$/.test(text) || Number.isSafeInteger(Number(text));
    return isExact ? Number(text) : text;
  },
};

/** The line of the key at a path; where the file does not have it, of the last one on the way. */
function findLine(
  document: Document,
  place: { readonly path: readonly PropertyKey[]; readonly lines: LineCounter },
): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const key of place.path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    } else {
      break;
    }
  }
  return place.lines.linePos(offset).line;
}
