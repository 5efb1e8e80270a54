import type { Alert } from "@mach/api";
import { alertSchema, encodeAlert, parseDocument } from "@mach/api";
import { expect, it } from "vitest";
import { type AlertCause, type Alerts, createAlerts, MAX_STANDING } from "../src/alerts.ts";

interface Kept {
  readonly alerts: Alerts;
  readonly published: Alert[];
  readonly clock: { now: number };
  /** As a store that replaces by id would list them: what stands. */
  standing(): readonly Alert[];
}

function create(): Kept {
  const published: Alert[] = [];
  const clock = { now: 5_000 };
  const publish = (alert: Alert): void => {
    published.push(alert);
  };
  return {
    alerts: createAlerts({ publish, now: () => clock.now }),
    published,
    clock,
    standing: () =>
      [...new Map(published.map((each) => [each.alertId, each])).values()].filter(
        (each) => each.clearedAt === null,
      ),
  };
}

const CAUSE: AlertCause = {
  code: "source-failing",
  severity: "warning",
  rollupId: 902n,
  subject: "127.0.0.1:8545",
  message: "The RPC is down.",
};

it("a fault that lasts is one alert, until it is cleared", () => {
  const { alerts, published, clock } = create();
  for (let i = 0; i < 3; i++) alerts.raise(CAUSE);
  clock.now = 8_900;
  alerts.clear(CAUSE);
  alerts.clear(CAUSE);
  const { subject: _, ...told } = CAUSE;
  const alertId = published[0]?.alertId;
  expect(published).toEqual([
    { ...told, alertId, raisedAt: 5n, clearedAt: null },
    { ...told, alertId, raisedAt: 5n, clearedAt: 8n },
  ]);
});

it.each<[string, Partial<AlertCause>]>([
  ["code", { code: "reorg" }],
  ["rollup", { rollupId: 901n }],
  ["no rollup", { rollupId: null }],
  ["subject", { subject: "127.0.0.1:8546" }],
])("another %s is another cause", (_, change) => {
  const { alerts, standing } = create();
  alerts.raise(CAUSE);
  alerts.raise({ ...CAUSE, ...change });
  expect(standing()).toHaveLength(2);
  alerts.clear({ ...CAUSE, ...change });
  expect(standing().map((each) => each.code)).toEqual(["source-failing"]);
});

it("a cause that comes back is another alert, within the same millisecond too", () => {
  const { alerts, published } = create();
  alerts.raise(CAUSE);
  alerts.clear(CAUSE);
  alerts.raise(CAUSE);
  expect(new Set(published.map((each) => each.alertId)).size).toBe(2);
});

it("a fault that comes and goes is one alert, cleared once it has been gone for long", () => {
  const { alerts, published, standing, clock } = create();
  for (let i = 0; i < 20; i++) {
    alerts.raise(CAUSE);
    clock.now += 500;
    alerts.clearAfter(CAUSE, 1_000);
    alerts.expire();
    clock.now += 500;
    alerts.expire();
  }
  expect([published.length, standing().length]).toEqual([1, 1]);
  // That it is still gone does not put its end off.
  alerts.clearAfter(CAUSE, 1_000);
  clock.now += 500;
  alerts.expire();
  expect([published.length, standing().length]).toEqual([2, 0]);
  alerts.clearAfter(CAUSE, 1_000);
});

it("what happens rather than lasts is cleared so long after it last happened", () => {
  const { alerts, standing, clock } = create();
  const event = { ...CAUSE, lastsMs: 1_000 };
  alerts.raise(event);
  clock.now += 600;
  alerts.raise(event);
  clock.now += 999;
  alerts.expire();
  expect(standing()).toHaveLength(1);
  clock.now += 1;
  alerts.expire();
  expect(standing()).toEqual([]);
});

it("no more stand at once than the bound: the oldest is cleared for the next", () => {
  const { alerts, standing } = create();
  for (let i = 0; i <= MAX_STANDING; i++)
    alerts.raise({ ...CAUSE, message: `${i}`, subject: `${i}` });
  expect(standing()).toHaveLength(MAX_STANDING);
  expect(standing()[0]?.message).toBe("1");
});

it("what an earlier run left standing is cleared, and what it cleared is left alone", () => {
  const { alerts, published } = create();
  const { subject: _, ...told } = CAUSE;
  const earlier = { ...told, alertId: "0x01", raisedAt: 1n, clearedAt: null };
  alerts.clearEarlier([earlier, { ...earlier, alertId: "0x02", clearedAt: 2n }]);
  expect(published).toEqual([{ ...earlier, clearedAt: 5n }]);
});

it("an alert is a document of the API", () => {
  const { alerts, published } = create();
  alerts.raise(CAUSE);
  const [alert] = published;
  if (alert === undefined) throw new Error("no alert");
  expect(parseDocument(alertSchema, encodeAlert(alert))).toEqual({ ok: true, value: alert });
});
