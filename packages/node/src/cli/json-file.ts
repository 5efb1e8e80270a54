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
  return parseJson(readTextFile(path));
}

function parseJson(text: string): JsonFile {
  try {
    return { ok: true, value: withoutEnvelope(JSON.parse(text)) };
  } catch {
    // Whatever the file holds, it is no JSON, and each command has its own answer to that.
    return { ok: false };
  }
}

/** As `readJsonFile`; `-` reads stdin. */
export async function readJsonInput(path: string): Promise<JsonFile> {
  return path === "-" ? parseJson(await readStdin()) : readJsonFile(path);
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_FILE_BYTES) throw new UsageError("stdin gives more than 96 MiB");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
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
