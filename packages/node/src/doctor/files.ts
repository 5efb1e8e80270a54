import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { OWN_FILE_WORDS, readOwnFile } from "../secret-file.ts";
import { fail, ok, type Verdict, warn } from "./finding.ts";
import type { Check, Patient } from "./patient.ts";

const MAX_SECRET_BYTES = 16_384;

/** Whether the files that hold secrets are their owner's alone. */
export const filesCheck: Check = {
  name: "secret files",
  async run(patient) {
    const verdicts: Verdict[] = [];
    for (const [name, file] of secretFiles(patient)) {
      const read = await readOwnFile(file, MAX_SECRET_BYTES);
      if (read.ok) verdicts.push(ok(`${file} is its owner's alone`, name));
      else {
        // What to do about it follows the colon, and `next` says it better; a path may have colons.
        const [what = ""] = OWN_FILE_WORDS[read.code].split(":", 1);
        const found = `${file} ${what}`;
        const next =
          read.code === "open-to-others"
            ? `chmod 600 ${file}, and think of who could have read it`
            : "put the file there, or name the right one in the configuration";
        verdicts.push(fail({ about: name, code: read.code, found, next }));
      }
    }
    const told = judgeConfigFile(patient);
    return told === null ? verdicts : [...verdicts, told];
  },
};

/** Whether one of the files fails: what needs it is then not looked at. */
export async function hasUnusableFile(patient: Patient): Promise<boolean> {
  for (const [, file] of secretFiles(patient)) {
    if (!(await readOwnFile(file, MAX_SECRET_BYTES)).ok) return true;
  }
  return false;
}

function secretFiles({ config }: Patient): readonly (readonly [name: string, file: string])[] {
  const { operator, payer, dataDir } = config;
  const peerKey = join(dataDir, "peer.key");
  const named = [
    ["keystore", operator?.keystoreFile],
    ["password", operator?.passwordFile],
    ["BLS key", operator?.secretKeyFile],
    ...nextKeyFiles(operator?.nextKey),
    ["signer's token", operator?.signer?.tokenFile],
    ["payer's key", payer?.privateKeyFile],
    ["peer key", existsSync(peerKey) ? peerKey : undefined],
  ] as const satisfies readonly (readonly [string, string | undefined])[];
  return named.flatMap(([name, file]) => (file === undefined ? [] : [[name, file] as const]));
}

/** Those of the next key may be missing, and the keystore is what it is known by. */
function nextKeyFiles(
  nextKey: NonNullable<Patient["config"]["operator"]>["nextKey"],
): readonly (readonly [name: string, file: string | undefined])[] {
  const file = nextKey?.keystoreFile ?? nextKey?.secretKeyFile;
  if (file === undefined || !existsSync(file)) return [];
  return [
    ["next key", file],
    ["next key's password", nextKey?.passwordFile],
  ];
}

/** A configuration holds no secret, but for a database's password and keys within URLs. */
function judgeConfigFile({ config, configFile }: Patient): Verdict | null {
  if (configFile === null || !holdsPassword(config.database)) return null;
  const mode = statSync(configFile).mode & 0o777;
  if ((mode & 0o044) === 0) return null;
  return warn({
    about: "configuration",
    code: "open-to-others",
    found: `${configFile} holds the database's password and can be read by others`,
    next: `chmod 600 ${configFile}, or put the password into the file that PGPASSFILE names`,
  });
}

function holdsPassword(database: string | undefined): boolean {
  return database !== undefined && URL.canParse(database) && new URL(database).password !== "";
}
