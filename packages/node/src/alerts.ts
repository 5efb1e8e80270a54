import type { Alert } from "@mach/api";
import type { Hex } from "@mach/core";
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
}

/** The alerts that stand, raised and cleared by cause. */
export interface Alerts {
  /** Raises an alert unless one of this cause stands. */
  raise(cause: AlertCause): void;
  /** Clears what stands of this cause. */
  clear(cause: Pick<AlertCause, "code" | "rollupId" | "subject">): void;
}

export interface AlertsPorts {
  /** Keeps and publishes an alert as it now stands; ids stay, so that a clearing replaces. */
  readonly publish: (alert: Alert) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

/** How many alerts may stand at once; the oldest gives way. */
const MAX_STANDING = 1_024;

/** Keeps count of what stands, so that a fault that lasts is one alert and not a stream. */
export function createAlerts(ports: AlertsPorts): Alerts {
  const standing = new Map<string, Alert>();
  const seconds = (): bigint => BigInt(Math.floor(ports.now() / 1_000));

  return {
    raise(cause) {
      const key = keyOf(cause);
      if (standing.has(key)) return;
      const { code, severity, rollupId, message } = cause;
      const raisedAt = seconds();
      const alertId = alertIdOf(key, ports.now());
      const alert = { alertId, code, severity, rollupId, message, raisedAt, clearedAt: null };
      const oldest = standing.keys().next();
      if (standing.size >= MAX_STANDING && !oldest.done) standing.delete(oldest.value);
      standing.set(key, alert);
      ports.publish(alert);
    },
    clear(cause) {
      const key = keyOf(cause);
      const alert = standing.get(key);
      if (alert === undefined) return;
      standing.delete(key);
      ports.publish({ ...alert, clearedAt: seconds() });
    },
  };
}

function keyOf(cause: Pick<AlertCause, "code" | "rollupId" | "subject">): string {
  return `${cause.code}/${cause.rollupId ?? ""}/${cause.subject ?? ""}`;
}

function alertIdOf(key: string, nowMs: number): Hex {
  return keccak256Text(`${key}/${nowMs}`);
}
