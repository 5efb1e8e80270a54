import { readFileSync, statSync } from "node:fs";
import { UsageError } from "./command.ts";

/** The largest document that is read: evidence with as many headers as it may have fits. */
const MAX_FILE_BYTES = 96 * 1024 * 1024;

export type JsonFile =
  | { readonly ok: true; readonly value: unknown }
  /** The file can be read and holds something else than JSON. */
  | { readonly ok: false };

/**
 * Reads a JSON document. What this project's API answers, `{ data: document }`, counts as the
 * document. Throws a UsageError for a file that is missing, unreadable or too large.
 */
export function readJsonFile(path: string): JsonFile {
  const text = readTextFile(path);
  try {
    return { ok: true, value: withoutEnvelope(JSON.parse(text)) };
  } catch {
    // Whatever the file holds, it is no JSON, and each command has its own answer to that.
    return { ok: false };
  }
}

function readTextFile(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw new UsageError(`${path} is larger than 96 MiB`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new UsageError(`${path} cannot be read (${code})`);
  }
}

function withoutEnvelope(value: unknown): unknown {
  const isEnvelope = typeof value === "object" && value !== null && "data" in value;
  return isEnvelope ? value.data : value;
}
