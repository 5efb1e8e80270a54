import { parseArgs } from "node:util";
import { createNativeBls } from "@mach/bls";
import { toHex } from "@mach/core";
import { required } from "./arguments.ts";
import type { Answer, Command } from "./command.ts";
import { writeNewFile } from "./new-file.ts";

/** `mach keys new`: a fresh BLS secret key in a file that only its owner can read. */
export const command: Command = {
  usage: `mach keys new --out FILE [--json]

Writes a new BLS secret key (32 bytes of hex) into a new file of mode 0600 and prints its public
key. A file that exists is never overwritten.

Exit code: 0 written, 1 the file exists, 2 wrong usage.`,
  run: (args) => Promise.resolve(newKey(args)),
};

function newKey(args: readonly string[]): Answer {
  const { values } = parseArgs({
    args: [...args],
    options: { out: { type: "string" }, json: { type: "boolean" } },
  });
  const path = required(values.out, "out");
  const bls = createNativeBls();
  const secretKey = bls.generateSecretKey();
  const publicKey = bls.publicKeyOf(secretKey);
  if (!writeNewFile(path, `${toHex(secretKey.toBytes())}\n`)) {
    const sentence = `nothing written (file-exists): ${path} exists`;
    return { exitCode: 1, json: { code: "file-exists", file: path }, sentence };
  }
  return { exitCode: 0, json: { publicKey, file: path }, sentence: `${publicKey}` };
}
