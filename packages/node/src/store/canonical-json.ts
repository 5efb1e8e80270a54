/** JSON with the keys of every object in order and no spaces: the same text on every node. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`);
  return `{${fields.join(",")}}`;
}

/** The value of a JSON document's bytes; null where they are none, which no schema takes. */
export function parseJsonBytes(document: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(document).toString("utf8"));
  } catch {
    // What is no JSON is no document: the schema refuses null.
    return null;
  }
}
