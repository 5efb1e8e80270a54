import { readFile, stat } from "node:fs/promises";
import { type Hex, isHex } from "@mach/core";
import { NodeError } from "./node-error.ts";

/** A file of 32 bytes in hex and a line's end is far below. */
const MAX_BYTES = 256;

export type OwnFileFailure =
  /** It is missing, or the system does not let this process read it. */
  | "unreadable"
  /** It is no file, or far larger than what it should hold. */
  | "no-such-kind"
  /** Its group, or everybody, can read or write it. */
  | "open-to-others";

export type OwnFileResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly code: OwnFileFailure; readonly cause?: unknown };

/** What to do about a file that is not used; each completes "the file X ...". */
export const OWN_FILE_WORDS: Readonly<Record<OwnFileFailure, string>> = {
  unreadable: "cannot be read: put it there, or name the right one",
  "no-such-kind": "is no key file",
  "open-to-others": "can be read by others: chmod 600 it",
};

/** Whether nothing is there at all: what is there and cannot be read is not missing. */
export async function isMissing(file: string): Promise<boolean> {
  return await stat(file).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );
}

/** Reads a text file that its owner alone can read. Never rejects. */
export async function readOwnFile(file: string, maxBytes: number): Promise<OwnFileResult> {
  try {
    const found = await stat(file);
    if (!found.isFile() || found.size > maxBytes) return { ok: false, code: "no-such-kind" };
    if ((found.mode & 0o077) !== 0) return { ok: false, code: "open-to-others" };
    return { ok: true, text: await readFile(file, "utf8") };
  } catch (cause) {
    return { ok: false, code: "unreadable", cause };
  }
}

/**
 * Reads a file that holds 32 bytes as hex and that its owner alone can read. `name` says in the
 * error whose it is. Throws a NodeError `secret-key-unusable`, which never quotes the file.
 */
export async function readSecretFile(file: string, name: string): Promise<Hex> {
  const read = await readOwnFile(file, MAX_BYTES);
  if (!read.ok) {
    const { cause } = read;
    throw unusable(file, name, OWN_FILE_WORDS[read.code], cause === undefined ? {} : { cause });
  }
  const text = read.text.trim();
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
