import { hash } from "node:crypto";
import { parseDocument } from "@mach/api";
import type { z } from "zod";
import { NodeError } from "../node-error.ts";

const SEAL_BYTES = 32;

/** A document as the bytes of a row: its JSON, sealed. */
export function sealRow(key: Uint8Array, document: unknown): Uint8Array {
  return sealBytes(key, Buffer.from(JSON.stringify(document)));
}

/** The document of a row, strictly parsed. Throws a NodeError `row-corrupt`. */
export function openRow<T>(
  schema: z.core.$ZodType<T, unknown>,
  row: { readonly key: Uint8Array; readonly bytes: Uint8Array },
): T {
  return openJson(schema, { key: row.key, body: openBytes(row.key, row.bytes) });
}

/** The document in a body whose seal was found whole. Throws a NodeError `row-corrupt`. */
export function openJson<T>(
  schema: z.core.$ZodType<T, unknown>,
  row: { readonly key: Uint8Array; readonly body: Uint8Array },
): T {
  const parsed = parseDocument(schema, parseJson(row.key, row.body));
  if (!parsed.ok) throw corruptRow(row.key, `at ${parsed.path}`);
  return parsed.value;
}

/**
 * sha256(key || body) || body, because LMDB notices neither a flipped byte nor a row under a
 * wrong key. It guards against a bad disk, not against someone who writes the file.
 */
export function sealBytes(key: Uint8Array, body: Uint8Array): Uint8Array {
  return Buffer.concat([seal(key, body), body]);
}

/** The sealed bytes. Throws a NodeError `row-corrupt`. */
export function openBytes(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(SEAL_BYTES);
  if (!seal(key, body).equals(bytes.subarray(0, SEAL_BYTES))) throw corruptRow(key);
  return body;
}

/** The error for a row that cannot be what was written. */
export function corruptRow(key: Uint8Array, detail = "its checksum differs"): NodeError {
  const name = Buffer.from(key).toString("hex");
  return new NodeError("row-corrupt", `The row ${name} is damaged (${detail}).`);
}

function seal(key: Uint8Array, body: Uint8Array): Buffer {
  return hash("sha256", Buffer.concat([key, body]), "buffer");
}

function parseJson(key: Uint8Array, body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch (cause) {
    throw new NodeError("row-corrupt", `The row ${Buffer.from(key).toString("hex")} is no JSON.`, {
      cause,
    });
  }
}
