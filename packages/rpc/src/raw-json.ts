/*
 * Parts of a JSON text as they were written: what is only passed on must not lose the digits of a
 * number that no double holds, nor the form of an id. The texts are JSON, which the parser has said.
 */

const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The source text of each member of a JSON object, by its name; of two of a name, the last. */
export function memberTexts(object: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let at = skipSpace(object, 0) + 1;
  for (;;) {
    at = skipSpace(object, at);
    if (object[at] !== '"') return members;
    const nameEnd = endOfValue(object, at);
    const name: unknown = JSON.parse(object.slice(at, nameEnd));
    const start = skipSpace(object, skipSpace(object, nameEnd) + 1);
    const end = endOfValue(object, start);
    members.set(String(name), object.slice(start, end));
    at = skipSpace(object, end) + 1;
  }
}

/** The source text of each element of a JSON array. */
export function elementTexts(array: string): readonly string[] {
  const elements: string[] = [];
  let at = skipSpace(array, skipSpace(array, 0) + 1);
  while (at < array.length && array[at] !== "]") {
    const end = endOfValue(array, at);
    elements.push(array.slice(at, end));
    at = skipSpace(array, skipSpace(array, end) + 1);
  }
  return elements;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Where the value that begins here ends. */
function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return endOfString(text, start) + 1;
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return endOfScalar(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

function endOfScalar(text: string, start: number): number {
  let at = start;
  while (at < text.length && !/[\s,\]}]/.test(text[at] ?? "")) at++;
  return at;
}

/** The quote that ends the string that begins with the quote at `start`; the length where none. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((end - first) % 2 === 0) return end;
  }
  return text.length;
}
