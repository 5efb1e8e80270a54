import type { FaultKind } from "@mach/simulator";

/** One deliberate break: a text of one file, what takes its place, and how soon it must be found. */
export interface Mutation {
  /** What is broken, in words. */
  readonly name: string;
  /** Below `packages`. */
  readonly file: string;
  /** It must occur in the file exactly once. */
  readonly text: string;
  readonly replacement: string;
  /** It is found within so many seeds, counted from 1. */
  readonly seeds: number;
  /** Kinds of faults that play no part in it. */
  readonly without?: readonly FaultKind[];
}

/** The file's text with the break in it. Throws an Error where the text is gone, or is not unique. */
export function applyMutation(source: string, mutation: Mutation): string {
  const { text, replacement, name, file } = mutation;
  const count = source.split(text).length - 1;
  if (count === 1) return source.replace(text, () => replacement);
  throw new Error(`"${name}": ${file} has ${count} places that read ${JSON.stringify(text)}`);
}
