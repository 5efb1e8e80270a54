import { parseArgs } from "node:util";
import type { DataFolder } from "../data-folder.ts";
import { NodeError } from "../node-error.ts";
import {
  checkImport,
  type ImportRefusal,
  type ImportResult,
  importRecord,
} from "../signer/import-record.ts";
import { type ProtectionInterchange, parseInterchange } from "../signer/interchange.ts";
import {
  adviceOn,
  initialiseProtection,
  openProtection,
  type ProtectionFailure,
} from "../signer/open-protection.ts";
import type { ProtectionIdentity } from "../signer/protection.ts";
import { onlyPositional, required } from "./arguments.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import { readJsonFile } from "./json-file.ts";
import { withOperatorFolder } from "./operator-folder.ts";

/** `mach protection import`: takes what another record knows into this one. */
export const command: Command = {
  usage: `mach protection import EXPORT.json --config FILE [--json]

Takes an export into the signing record in the data folder, and makes the record where there is
none. Of both the higher counts: nothing that is recorded is replaced or lowered. The node has to
be stopped. An export is as old as it is: import one only where nothing was signed after it.

Exit code: 0 imported, 1 not imported (with the reason's code), 2 wrong configuration or usage.`,
  run: importProtection,
};

async function importProtection(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { config: { type: "string" }, json: { type: "boolean" } },
    allowPositionals: true,
  });
  const file = onlyPositional(positionals, "EXPORT.json");
  const json = readJsonFile(file);
  const parsed = parseInterchange(json.ok ? json.value : null);
  const config = required(values.config, "config");
  if (!parsed.ok) {
    return notImported(
      "malformed-export",
      `${file} is no export (at ${parsed.path || "its start"})`,
    );
  }
  return await withOperatorFolder(config, context, async (folder, identity) => {
    const result = await importInto(folder, identity, parsed.value);
    if (!result.ok) return notImported(result.code, whyNot(result.code));
    const { claims, setUpdates, conflicts } = result.counts;
    return {
      exitCode: 0,
      json: { operator: identity.operator, ...result.counts },
      sentence: `imported ${claims} claims and ${setUpdates} set updates, ${conflicts} conflicts`,
      detail:
        conflicts === 0
          ? undefined
          : "Two records of this operator hold different signatures where there can be only one.",
    };
  });
}

type Outcome = ImportResult | { readonly ok: false; readonly code: ProtectionFailure };

async function importInto(
  folder: DataFolder,
  identity: ProtectionIdentity,
  exported: ProtectionInterchange,
): Promise<Outcome> {
  // Before anything is made.
  const refusal = checkImport(identity, exported);
  if (refusal !== null) return { ok: false, code: refusal };
  const opened = await openProtection(folder, identity);
  if (opened.ok) {
    try {
      const result = importRecord(opened.protection, exported);
      await opened.protection.covered();
      return result;
    } finally {
      await opened.protection.close();
    }
  }
  if (opened.code !== "protection-not-initialised") return opened;
  return await makeFrom(folder, identity, exported);
}

/** A record counts as made only once the import is in it. */
async function makeFrom(
  folder: DataFolder,
  identity: ProtectionIdentity,
  exported: ProtectionInterchange,
): Promise<Outcome> {
  const results: ImportResult[] = [];
  try {
    const made = await initialiseProtection(folder, identity, exported.origin, (record) => {
      const result = importRecord(record, exported);
      results.push(result);
      if (!result.ok) throw new NodeError("protection-unusable", `Not imported: ${result.code}.`);
    });
    if (!made.ok) return made;
  } catch (error) {
    // The refusal is the answer; anything else is the disk's.
    if (results[0]?.ok !== false) throw error;
  }
  return results[0] ?? { ok: false, code: "protection-missing" };
}

function whyNot(code: ImportRefusal | ProtectionFailure): string {
  switch (code) {
    case "wrong-domain":
    case "wrong-operator":
      return "the export is another network's or operator's than the configuration's";
    case "record-was-lost":
      return "the exported record was made after a loss: import it into an empty folder";
    case "epochs-cross":
      return "of the two highest claims on a rollup the higher has the lower epoch";
    default:
      return adviceOn(code);
  }
}

function notImported(code: string, why: string): Answer {
  return { exitCode: 1, json: { code }, sentence: `not imported (${code}): ${why}` };
}
