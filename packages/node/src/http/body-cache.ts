import type { Body } from "./answer.ts";

/** Serialised answers that do not change, by key; the least recently used go first. */
export interface BodyCache {
  get(key: string): Body | undefined;
  set(key: string, body: Body): void;
}

/** A cache of at most so many bytes in all; a body of more than a quarter of them is not kept. */
export function createBodyCache(options: { readonly maxBytes: number }): BodyCache {
  const { maxBytes } = options;
  const bodies = new Map<string, Body>();
  let bytes = 0;
  let newest: string | undefined;
  return {
    get(key) {
      const found = bodies.get(key);
      if (found === undefined || key === newest) return found;
      newest = key;
      bodies.delete(key);
      bodies.set(key, found);
      return found;
    },
    set(key, added) {
      const size = sizeOf(key, added);
      if (size > maxBytes / 4) return;
      const replaced = bodies.get(key);
      if (replaced !== undefined) bytes -= sizeOf(key, replaced);
      bodies.delete(key);
      bodies.set(key, added);
      newest = key;
      bytes += size;
      for (const [oldestKey, oldest] of bodies) {
        if (bytes <= maxBytes) break;
        bodies.delete(oldestKey);
        bytes -= sizeOf(oldestKey, oldest);
      }
    },
  };
}

/** The body with its key, and what an entry of a map takes beside them. */
function sizeOf(key: string, body: Body): number {
  return body.byteLength + 2 * key.length + 256;
}
