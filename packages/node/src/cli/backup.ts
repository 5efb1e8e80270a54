import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, open, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import type { NodeConfig } from "../config.ts";
import { type DataFolder, openDataFolder } from "../data-folder.ts";
import { encodeBackup, exportRecord } from "../signer/interchange.ts";
import { adviceOn, openProtection, type ProtectionFailure } from "../signer/open-protection.ts";
import { required } from "./arguments.ts";
import { type Answer, type Command, type CommandContext, UsageError } from "./command.ts";
import { CONFIG_OPTIONS, requireConfig } from "./config-options.ts";
import { writeNewFile } from "./new-file.ts";

/** `mach backup`: what of a data folder can be restored without a risk. */
export const command: Command = {
  usage: `mach backup --config FILE --out FOLDER [--set PATH=VALUE ...] [--no-env] [--json]

Copies into a new folder of mode 0700 what can be restored without a risk: the configuration, the
store, the peer key and the blocks that were found invalid. The signing record is never copied: an old
one that looks whole lets an operator sign twice. In its place is an export that says of itself that
the record was lost, signing-record.json, so that whoever imports it waits before the first signature.
No BLS key, password or payer's key is in the backup. The node has to be stopped.

  --config FILE      the configuration file
  --out FOLDER       made by this command, and not there before
  --set PATH=VALUE   one field; may be repeated
  --no-env           read no MACH_* variables
  --json             one JSON object instead of a sentence

Exit code: 0 copied, 1 nothing was (with the reason's code), 2 wrong configuration or usage.`,
  run: backUp,
};

const STORE_FILE = "data.mdb";
const RECORD_FILE = "signing-record.json";
const README = `A backup of a MACH node's data folder, by \`mach backup\`.

To restore it, with the old node stopped for good and its data folder out of reach:

1. Make an empty data folder of mode 0700 and copy store, peer.key and invalid-blocks into it, as far
   as they are here.
2. Of an operator: \`mach protection import ${RECORD_FILE} --config node.yaml\`. The record counts as
   lost. On each rollup nothing is signed until L1 has finalised some 4,096 blocks above the newest
   at the first request. Never use \`mach protection init --new\` in its place.
3. Put the keystore and its password back from where you keep them, run \`mach doctor\`, and start.

To move a node that runs well, do not restore a backup: copy its whole folder while it is stopped.
`;

async function backUp(args: readonly string[], context: CommandContext): Promise<Answer> {
  const options = {
    ...CONFIG_OPTIONS,
    out: { type: "string" },
    json: { type: "boolean" },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const configFile = required(values.config, "config");
  const out = required(values.out, "out");
  const config = requireConfig(values, context);
  const { dataDir } = config;
  if (!existsSync(dataDir)) return refused("no-data-folder", `${dataDir} does not exist`);
  const opened = await openDataFolder(dataDir);
  if (!opened.ok) return refused(opened.code, `${dataDir} cannot be used now: stop the node`);
  try {
    return await copyInto(out, { folder: opened.folder, config, configFile });
  } finally {
    await opened.folder.release();
  }
}

interface Source {
  readonly folder: DataFolder;
  readonly config: NodeConfig;
  readonly configFile: string;
}

/** All of it or nothing: a folder that is half of a backup is removed. */
async function copyInto(out: string, source: Source): Promise<Answer> {
  const record = await readRecord(source);
  if (!record.ok) return refused(record.code, adviceOn(record.code));
  if (!(await makeFolder(out))) return refused("folder-exists", `${out} exists`);
  try {
    const copied = await copyParts(out, source);
    if (record.text !== null) writeNewFile(join(out, RECORD_FILE), record.text);
    writeNewFile(join(out, "README.txt"), README);
    const files = [...copied, ...(record.text === null ? [] : [RECORD_FILE]), "README.txt"];
    return {
      exitCode: 0,
      json: { folder: out, files },
      sentence: `copied to ${out}: ${files.join(", ")}`,
      detail: "Keys and passwords are not in it: keep them elsewhere.",
    };
  } catch (error) {
    await rm(out, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    return refused("not-copied", `the disk says ${code}`);
  }
}

type RecordText =
  | { readonly ok: true; readonly text: string | null }
  | { readonly ok: false; readonly code: ProtectionFailure };

/** Null where this folder has no record: an observer's, or one that is a signer's. */
async function readRecord({ folder, config }: Source): Promise<RecordText> {
  const { operator, network } = config;
  if (operator === undefined || operator.signer !== undefined) return { ok: true, text: null };
  const domain = { chainId: network.chainId, verifyingContract: network.registry };
  const opened = await openProtection(folder, { domain, operator: operator.address });
  if (!opened.ok) {
    const isNone = opened.code === "protection-not-initialised";
    return isNone ? { ok: true, text: null } : { ok: false, code: opened.code };
  }
  const exported = exportRecord(opened.protection);
  await opened.protection.close();
  return { ok: true, text: `${JSON.stringify(encodeBackup(exported), null, 1)}\n` };
}

async function copyParts(out: string, { folder, configFile }: Source): Promise<readonly string[]> {
  const name = basename(configFile);
  await copyFile(configFile, join(out, name));
  // It may hold a database's password.
  await chmod(join(out, name), 0o600);
  const copied = [name];
  if (existsSync(join(folder.storePath, STORE_FILE))) {
    await mkdir(join(out, "store"), { mode: 0o700 });
    await copySynced(join(folder.storePath, STORE_FILE), join(out, "store", STORE_FILE));
    copied.push("store");
  }
  for (const part of ["peer.key", "invalid-blocks"]) {
    const from = join(folder.path, part);
    if (!existsSync(from)) continue;
    await cp(from, join(out, part), { recursive: true });
    copied.push(part);
  }
  return copied;
}

async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** False where something is there already. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    if (code === "EEXIST") return false;
    throw new UsageError(`${path} cannot be made (${code})`);
  }
}

function refused(code: string, why: string): Answer {
  return { exitCode: 1, json: { code }, sentence: `nothing copied (${code}): ${why}` };
}
