import type { HealthCheck } from "@mach/api";
import type { VerifiedCertificate } from "@mach/core";
import type { SourceDescription } from "@mach/rollups";
import { describe, expect, it } from "vitest";
import { type HealthFacts, healthOf } from "../src/health.ts";
import {
  certify,
  claimAt,
  createEngineNode,
  operatorAt,
  ROLLUP_ID,
  SCHEDULE,
  useVerifier,
} from "./engine/engine-node.ts";
import { documentOf } from "./view/documents.ts";

const verifier = useVerifier();
const NOW = Number(SCHEDULE.genesisTime + 5n) * 1_000;

const SOURCE = {
  host: "127.0.0.1:8545",
  status: "ready",
  code: null,
} as unknown as SourceDescription;

const L1_SILENT = { name: "l1", status: "degraded", code: "l1-unavailable" } as const;
const SET_UNKNOWN = { name: "operator-set", status: "down", code: "unknown-operator-set" } as const;

/** A node of which everything is well. */
function facts(change: Partial<HealthFacts> = {}): HealthFacts {
  const node = createEngineNode({ verifier: verifier() });
  node.learn(0n);
  node.clock.now = NOW - 300;
  node.block(1n);
  const certificate = certify(claimAt(1n), [0, 1, 2, 3]) as VerifiedCertificate;
  node.shell.input({ type: "certificate-verified", certificate });
  return {
    state: node.shell.state(),
    operator: operatorAt(0),
    startedAtMs: NOW - 60_000,
    peers: 3,
    l1AnsweredAtMs: NOW - 1_000,
    sources: () => [SOURCE],
    abstention: () => null,
    now: NOW,
    ...change,
  };
}

function check(health: { checks: readonly HealthCheck[] }, name: string): HealthCheck | undefined {
  return health.checks.find((each) => each.name === name);
}

it("a node of which everything is well", () => {
  const health = healthOf(facts());
  documentOf("health", health);
  const ok = { status: "ok", code: null, rollupId: null, ageMs: null } as const;
  expect(health).toMatchObject({
    status: "ok",
    role: "operator",
    operator: operatorAt(0),
    uptimeMs: 60_000,
    peers: 3,
    checks: [
      { ...ok, name: "l1", ageMs: 1_000 },
      { ...ok, name: "operator-set" },
      { ...ok, name: "peers" },
      { ...ok, name: "rollup", rollupId: ROLLUP_ID, ageMs: 300 },
    ],
  });
});

it("without an operator it is an observer", () => {
  expect(healthOf(facts({ operator: null }))).toMatchObject({ role: "observer", operator: null });
});

it("a rollup whose blocks get no certificates is not well", () => {
  const stalled = facts();
  const { rollups } = stalled.state;
  const rollup = rollups.get(ROLLUP_ID);
  if (rollup === undefined) throw new Error("no rollup");
  rollup.certified.clear();
  rollup.newest = null;
  const health = healthOf({ ...stalled, now: NOW + 10_000 });
  expect(check(health, "rollup")).toMatchObject({ status: "degraded", code: "below-threshold" });
});

it("an operator whose fork lock holds is not well", () => {
  const locked = facts();
  const rollup = locked.state.rollups.get(ROLLUP_ID);
  if (rollup === undefined) throw new Error("no rollup");
  rollup.lock = "fork-locked";
  expect(check(healthOf(locked), "rollup")).toMatchObject({
    status: "degraded",
    code: "fork-locked",
  });
});

describe("what is not well", () => {
  it.each<[string, Partial<HealthFacts>, Pick<HealthCheck, "name" | "status" | "code">]>([
    ["an L1 that never answered", { l1AnsweredAtMs: null }, L1_SILENT],
    ["an L1 that is silent", { l1AnsweredAtMs: NOW - 30_001 }, L1_SILENT],
    ["an epoch without a set", { now: NOW + 60_000 }, SET_UNKNOWN],
    ["a time before genesis", { now: 0 }, SET_UNKNOWN],
    ["no peer", { peers: 0 }, { name: "peers", status: "down", code: "no-peers" }],
    [
      "sources that disagree",
      { abstention: () => "sources-disagree" },
      { name: "rollup", status: "down", code: "sources-disagree" },
    ],
    [
      "one source of several that is down",
      { sources: () => [SOURCE, { ...SOURCE, status: "down" }] },
      { name: "rollup", status: "degraded", code: "source-failing" },
    ],
  ])("%s", (_, change, expected) => {
    const health = healthOf(facts(change));
    documentOf("health", health);
    expect(check(health, expected.name)).toMatchObject(expected);
    expect(health.status).toBe(expected.status);
  });

  it("a rollup of which no block was seen", () => {
    const node = createEngineNode({ verifier: verifier() });
    node.learn(0n);
    const health = healthOf(facts({ state: node.shell.state() }));
    documentOf("health", health);
    expect(check(health, "rollup")).toMatchObject({
      status: "down",
      code: "no-block",
      ageMs: null,
    });
  });
});
