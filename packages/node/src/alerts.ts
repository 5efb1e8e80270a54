import type { Alert } from "@mach/api";
import { keccak256Text } from "@mach/core";

/** What raises an alert: one stands at most for each code, rollup and subject. */
export interface AlertCause {
  readonly code: string;
  readonly severity: Alert["severity"];
  readonly rollupId: bigint | null;
  /** What it is about, where one code has several: an epoch, an operator, a source. */
  readonly subject?: string;
  /** What happened and what to do next. */
  readonly message: string;
  /** For what happens rather than lasts: cleared so long after it last happened. */
  readonly lastsMs?: number;
}

/** The alerts that stand, raised and cleared by cause. */
export interface Alerts {
  /** Raises an alert unless one of this cause stands. */
  raise(cause: AlertCause): void;
  /** Clears what stands of this cause. */
  clear(cause: Pick<AlertCause, "code" | "rollupId" | "subject">): void;
  /** Clears what stands of this cause in so long, unless it is raised again before. */
  clearAfter(cause: Pick<AlertCause, "code" | "rollupId" | "subject">, calmMs: number): void;
  /** Clears what has lasted its time. To be called from time to time. */
  expire(): void;
  /** Clears what an earlier run left standing: what still holds will be raised anew. */
  clearEarlier(earlier: readonly Alert[]): void;
}

export interface AlertsPorts {
  /** Keeps and publishes an alert as it now stands; ids stay, so that a clearing replaces. */
  readonly publish: (alert: Alert) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

/** How many alerts may stand at once; the oldest is cleared for one more. */
export const MAX_STANDING = 1_024;
/** How long what happens at a moment stands. */
export const EVENT_LASTS_MS = 3_600_000;
/** How long a fault that comes and goes has to be gone: else each time would be an alert. */
export const CALM_MS = 30_000;

interface Standing {
  readonly alert: Alert;
  /** Null where it stands until it is cleared. */
  expiresAtMs: number | null;
}

/** Keeps count of what stands, so that a fault that lasts is one alert and not a stream. */
export function createAlerts(ports: AlertsPorts): Alerts {
  const standing = new Map<string, Standing>();
  const seconds = (): bigint => BigInt(Math.floor(ports.now() / 1_000));
  let count = 0;

  function clearKey(key: string): void {
    const stood = standing.get(key);
    if (stood === undefined) return;
    standing.delete(key);
    ports.publish({ ...stood.alert, clearedAt: seconds() });
  }

  return {
    raise(cause) {
      const key = keyOf(cause);
      const { code, severity, rollupId, message, lastsMs } = cause;
      const expiresAtMs = lastsMs === undefined ? null : ports.now() + lastsMs;
      const stands = standing.get(key);
      if (stands !== undefined) {
        stands.expiresAtMs = expiresAtMs;
        return;
      }
      const oldest = standing.keys().next();
      if (standing.size >= MAX_STANDING && !oldest.done) clearKey(oldest.value);
      count += 1;
      const alertId = keccak256Text(`${key}/${ports.now()}/${count}`);
      const raisedAt = seconds();
      const alert = { alertId, code, severity, rollupId, message, raisedAt, clearedAt: null };
      standing.set(key, { alert, expiresAtMs });
      ports.publish(alert);
    },
    clear: (cause) => clearKey(keyOf(cause)),
    clearAfter(cause, calmMs) {
      const stood = standing.get(keyOf(cause));
      // Calm counts from its beginning.
      if (stood !== undefined) stood.expiresAtMs ??= ports.now() + calmMs;
    },
    expire() {
      for (const [key, { expiresAtMs }] of standing) {
        if (expiresAtMs !== null && expiresAtMs <= ports.now()) clearKey(key);
      }
    },
    clearEarlier(earlier) {
      for (const alert of earlier) {
        if (alert.clearedAt === null) ports.publish({ ...alert, clearedAt: seconds() });
      }
    },
  };
}

function keyOf(cause: Pick<AlertCause, "code" | "rollupId" | "subject">): string {
  return `${cause.code}/${cause.rollupId ?? ""}/${cause.subject ?? ""}`;
}
