import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { KEY_FAILURE_WORDS, type KeyFailure, readKeystoreFile } from "../keys/keystore-file.ts";
import { type Answer, type Command, UsageError } from "./command.ts";

/** `mach keys list`: the keystores of a folder. */
export const command: Command = {
  usage: `mach keys list [FOLDER] [--json]

Lists the keystores of a folder, the *.json in it: each one's public key, where it was derived, and
its file. No password is asked for, so that nothing here says that one opens.

  FOLDER  keys where it is left out
  --json  one JSON object instead of lines

  mach keys list keys

Exit code: 0 all of them can be used, 1 one is open to others or is no keystore, 2 wrong usage.`,
  run: listKeys,
};

const DEFAULT_FOLDER = "keys";
const MAX_FILES = 1_024;

type Listed =
  | { readonly file: string; readonly publicKey: string | null; readonly path: string }
  | { readonly file: string; readonly code: KeyFailure };

async function listKeys(args: readonly string[]): Promise<Answer> {
  const { values: _, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: "boolean" } },
  });
  if (positionals.length > 1) throw new UsageError("one FOLDER is expected");
  const folder = positionals[0] ?? DEFAULT_FOLDER;
  const files = readFolder(folder);
  const keys: Listed[] = [];
  for (const file of files) keys.push(await look(join(folder, file)));
  const lines = keys.map(describe);
  return {
    exitCode: keys.some((key) => "code" in key) ? 1 : 0,
    json: { folder, keys },
    sentence: lines.length === 0 ? `no keystore in ${folder}` : lines.join("\n"),
  };
}

async function look(file: string): Promise<Listed> {
  const read = await readKeystoreFile(file);
  if (!read.ok) return { file, code: read.code };
  const { pubkey, path } = read.keystore;
  return { file, publicKey: pubkey === undefined ? null : `0x${pubkey.toLowerCase()}`, path };
}

function describe(key: Listed): string {
  if ("code" in key) return `${key.file}: ${KEY_FAILURE_WORDS[key.code]} (${key.code})`;
  return [key.publicKey ?? "a key that it does not name", key.path || "random", key.file].join(
    "  ",
  );
}

function readFolder(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json") && !name.startsWith("."));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new UsageError(`the folder ${folder} cannot be read (${code})`);
  }
  if (names.length > MAX_FILES) throw new UsageError(`${folder} has more than ${MAX_FILES} files`);
  return names.toSorted();
}
