import type { Health, HealthCheck, HealthStatus } from "@mach/api";
import { type EngineState, epochAt, finalityOf, type Hex } from "@mach/core";
import type { SourceDescription } from "@mach/rollups";
import { VERSION } from "./version.ts";

export interface HealthFacts {
  readonly state: EngineState;
  readonly operator: Hex | null;
  readonly startedAtMs: number;
  readonly peers: number;
  readonly l1AnsweredAtMs: number | null;
  readonly sources: (rollupId: bigint) => readonly SourceDescription[];
  readonly abstention: (rollupId: bigint) => string | null;
  readonly now: number;
}

/** An L1 that was silent for longer is down as far as new sets are concerned. */
const L1_SILENCE_MS = 30_000;

/** The health of a node: the worst of its checks, each with the reason where it is not ok. */
export function healthOf(facts: HealthFacts): Health {
  const checks = [checkL1(facts), checkSet(facts), checkPeers(facts), ...checkRollups(facts)];
  const status: HealthStatus = checks.some((check) => check.status === "down")
    ? "down"
    : checks.some((check) => check.status === "degraded")
      ? "degraded"
      : "ok";
  return {
    status,
    role: facts.operator === null ? "observer" : "operator",
    operator: facts.operator,
    software: VERSION,
    uptimeMs: Math.max(0, facts.now - facts.startedAtMs),
    peers: facts.peers,
    checks,
  };
}

function checkL1({ l1AnsweredAtMs, now }: HealthFacts): HealthCheck {
  const ageMs = l1AnsweredAtMs === null ? null : Math.max(0, now - l1AnsweredAtMs);
  const isSilent = ageMs === null || ageMs > L1_SILENCE_MS;
  const code = isSilent ? "l1-unavailable" : null;
  return { name: "l1", status: isSilent ? "degraded" : "ok", rollupId: null, code, ageMs };
}

function checkSet({ state, now }: HealthFacts): HealthCheck {
  const epoch = epochAt(state.options.schedule, BigInt(Math.floor(now / 1_000)));
  const isKnown = epoch !== null && state.epochs.has(epoch);
  return {
    name: "operator-set",
    status: isKnown ? "ok" : "down",
    rollupId: null,
    code: isKnown ? null : "unknown-operator-set",
    ageMs: null,
  };
}

function checkPeers({ peers }: HealthFacts): HealthCheck {
  const isAlone = peers === 0;
  const code = isAlone ? "no-peers" : null;
  return { name: "peers", status: isAlone ? "down" : "ok", rollupId: null, code, ageMs: null };
}

function checkRollups(facts: HealthFacts): readonly HealthCheck[] {
  return [...facts.state.rollups.values()].map(({ rollupId, tipObservedAtMs, lock }) => {
    const isFailing = facts.sources(rollupId).some((source) => source.status !== "ready");
    const down = facts.abstention(rollupId) ?? (tipObservedAtMs === null ? "no-block" : null);
    // Certificates that do not come are what this node is for: not well, whatever else is.
    const stalled = finalityOf(facts.state, rollupId, facts.now)?.reason?.code ?? null;
    const degraded = lock ?? stalled ?? (isFailing ? "source-failing" : null);
    return {
      name: "rollup",
      rollupId,
      status: down !== null ? "down" : degraded !== null ? "degraded" : "ok",
      code: down ?? degraded,
      ageMs: tipObservedAtMs === null ? null : Math.max(0, facts.now - tipObservedAtMs),
    };
  });
}
