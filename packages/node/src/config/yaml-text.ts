/** A value on one line of YAML, in words that the configuration reads back as they were. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, each]) => `${flow(key)}: ${flow(each)}`);
    return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
  }
  if (typeof value !== "string") return String(value);
  return isPlain(value) ? value : JSON.stringify(value);
}

/** Texts that need no quotes: paths and names, but no word or number that means something else. */
function isPlain(value: string): boolean {
  return /^[A-Za-z./][\w./-]*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value);
}

/** Text as comment lines of at most 100 characters. */
export function comment(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(/\s+/)) {
    if (line.length + 1 + word.length > WIDTH && line !== `${indent}#`) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

const WIDTH = 100;
