/** How well one thing is: `fail` keeps the node from its work, `warn` may, or could not be told. */
export type Level = "ok" | "warn" | "fail";

/** What a check says of one thing that it looked at. */
export interface Verdict {
  /** Which of several of its kind, such as an endpoint's host; null where there is only one. */
  readonly about: string | null;
  readonly level: Level;
  /** Stable, for scripts; null where all is well. */
  readonly code: string | null;
  /** What was found, in a sentence without its full stop. */
  readonly found: string;
  /** What to do about it; null where nothing is to be done. */
  readonly next: string | null;
}

/** A verdict with the check that gave it. */
export interface Finding extends Verdict {
  readonly check: string;
}

interface Trouble {
  readonly about?: string | null;
  readonly code: string;
  readonly found: string;
  readonly next: string;
}

export function ok(found: string, about: string | null = null): Verdict {
  return { about, level: "ok", code: null, found, next: null };
}

export function warn({ about = null, ...trouble }: Trouble): Verdict {
  return { about, level: "warn", ...trouble };
}

export function fail({ about = null, ...trouble }: Trouble): Verdict {
  return { about, level: "fail", ...trouble };
}

/**
 * What could not be looked at because of what another check tells. It is no failure of its own,
 * and never looks as if all were well.
 */
export function notLookedAt(because: string, about: string | null = null): Verdict {
  const found = `not looked at: ${because}`;
  return { about, level: "warn", code: "not-looked-at", found, next: "mend that first" };
}
