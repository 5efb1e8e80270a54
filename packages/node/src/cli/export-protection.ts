import { parseArgs } from "node:util";
import { encodeInterchange, exportRecord } from "../signer/interchange.ts";
import { adviceOn, openProtection } from "../signer/open-protection.ts";
import { required } from "./arguments.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import { writeNewFile } from "./new-file.ts";
import { withOperatorFolder } from "./operator-folder.ts";

/** `mach protection export`: what another record has to know of this one, as a file. */
export const command: Command = {
  usage: `mach protection export --config FILE --out FILE [--json]

Writes what another signing record of the operator has to know of this one: of each rollup the
highest claim, the claims that left a branch with what let them, and the set updates. It holds no
secret. The node has to be stopped, and must not sign again from here: what it signs after this is
not in the file.

Exit code: 0 written, 1 not written (with the reason's code), 2 wrong configuration or usage.`,
  run: exportProtection,
};

async function exportProtection(args: readonly string[], context: CommandContext): Promise<Answer> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: "string" }, out: { type: "string" }, json: { type: "boolean" } },
  });
  const file = required(values.out, "out");
  return await withOperatorFolder(
    required(values.config, "config"),
    context,
    async (folder, identity) => {
      const opened = await openProtection(folder, identity);
      if (!opened.ok) return notWritten(opened.code, adviceOn(opened.code));
      const exported = exportRecord(opened.protection);
      await opened.protection.close();
      const text = `${JSON.stringify(encodeInterchange(exported), null, 1)}\n`;
      if (!writeNewFile(file, text)) return notWritten("file-exists", `${file} exists`);
      const { operator } = identity;
      const claims = exported.claims.length;
      const sentence = `the signing record of ${operator} is exported to ${file}: ${claims} claims`;
      return { exitCode: 0, json: { operator, file, claims }, sentence };
    },
  );
}

function notWritten(code: string, why: string): Answer {
  return { exitCode: 1, json: { code }, sentence: `not written (${code}): ${why}` };
}
