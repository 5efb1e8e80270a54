import { readFile, stat } from "node:fs/promises";
import { type Hex, isHex } from "@mach/core";
import { NodeError } from "./node-error.ts";

/** A file of 32 bytes in hex and a line's end is far below. */
const MAX_BYTES = 256;

/**
 * Reads a file that holds 32 bytes as hex and that its owner alone can read. `name` says in the
 * error whose it is. Throws a NodeError `secret-key-unusable`, which never quotes the file.
 */
export async function readSecretFile(file: string, name: string): Promise<Hex> {
  const text = await readOwnFile(file, name);
  const hex = text.startsWith("0x") ? text : `0x${text}`;
  if (isHex(hex, 32)) return hex;
  throw unusable(file, name, "does not hold 32 bytes of lower-case hex");
}

/** The error for a secret file that cannot be used; `why` completes the sentence. */
export function unusable(
  file: string,
  name: string,
  why: string,
  options?: ErrorOptions,
): NodeError {
  return new NodeError("secret-key-unusable", `The ${name} file ${file} ${why}.`, options);
}

async function readOwnFile(file: string, name: string): Promise<string> {
  try {
    const found = await stat(file);
    if (!found.isFile() || found.size > MAX_BYTES) throw unusable(file, name, "is no key file");
    if ((found.mode & 0o077) !== 0) {
      throw unusable(file, name, "can be read by others: chmod 600 it");
    }
    return (await readFile(file, "utf8")).trim();
  } catch (cause) {
    if (cause instanceof NodeError) throw cause;
    throw unusable(file, name, "cannot be read", { cause });
  }
}
