import type { FaultKind } from "@mach/simulator";

/** One change of a text. */
export interface Edit {
  /** Below `packages`. */
  readonly file: string;
  /** It must occur in the file exactly once. */
  readonly text: string;
  readonly replacement: string;
}

/** One deliberate break: what takes the place of what, and how soon it must be found. */
export interface Mutation extends Edit {
  /** What is broken, in words. */
  readonly name: string;
  /** What has to change with it, where a second check would hide the break. */
  readonly also?: readonly Edit[];
  /** It is found within so many seeds, counted from 1. */
  readonly seeds: number;
  /** Kinds of faults that play no part in it. */
  readonly without?: readonly FaultKind[];
}

/** All texts that a break changes. */
export function editsOf(mutation: Mutation): readonly Edit[] {
  return [mutation, ...(mutation.also ?? [])];
}

/** The file's text with the edit made. Throws an Error where the text is gone, or is not unique. */
export function applyEdit(source: string, { text, replacement, file }: Edit): string {
  const count = source.split(text).length - 1;
  if (count === 1) return source.replace(text, () => replacement);
  throw new Error(`${file} has ${count} places that read ${JSON.stringify(text)}`);
}
