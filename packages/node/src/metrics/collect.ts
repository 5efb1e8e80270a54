import type { BatchVerifierStatistics } from "@mach/bls";
import { DEFAULT_BATCH_VERIFIER_OPTIONS } from "@mach/bls";
import {
  type EngineState,
  type Evidence,
  epochAt,
  type FinalityView,
  finalityOf,
  type Head,
  type Hex,
} from "@mach/core";
import type { SourceDescription } from "@mach/rollups";
import type { RollupSettlement } from "../engine/settled-claims-follower.ts";
import type { GossipCounts } from "../gossip/counters.ts";
import type { GossipPeer, QueueLoad } from "../gossip/handlers.ts";
import type { ParticipationRecord } from "../store/store.ts";
import { VERSION } from "../version.ts";
import type { Metrics, Sample } from "./registry.ts";

/** What stands at the moment of a scrape. */
export interface NodeFacts {
  readonly state: EngineState;
  readonly operator: Hex | null;
  readonly startedAtMs: number;
  readonly now: number;
  readonly l1AnsweredAtMs: number | null;
  readonly sources: (rollupId: bigint) => readonly SourceDescription[];
  readonly abstention: (rollupId: bigint) => string | null;
  readonly settlement: (rollupId: bigint) => RollupSettlement;
  readonly peers: readonly Pick<GossipPeer, "operator">[];
  readonly gossip: Pick<GossipCounts, "total">;
  readonly verifier: BatchVerifierStatistics;
  /** Beside those of the engine and the verifier. */
  readonly queues: readonly QueueLoad[];
  readonly alerts: readonly Sample<"mach_alerts">[];
}

/** Sets every metric that is read rather than counted. */
export function collectFacts(metrics: Metrics, facts: NodeFacts): void {
  const { state, operator, now, l1AnsweredAtMs, startedAtMs } = facts;
  const role = operator === null ? "observer" : "operator";
  metrics.replace("mach_node_info", [{ labels: { version: VERSION, role }, value: 1 }]);
  const answered = l1AnsweredAtMs ?? startedAtMs;
  const age = Math.max(0, now - answered) / 1_000;
  metrics.replace("mach_l1_answer_age_seconds", [{ labels: {}, value: age }]);
  metrics.replace("mach_alerts", facts.alerts);
  startCounters(metrics, facts.state);
  collectEpoch(metrics, facts);
  collectRollups(metrics, facts);
  collectSettlement(metrics, facts);
  collectSources(metrics, facts);
  collectGossip(metrics, facts);
  collectVerifier(metrics, facts);
  const queues = [...facts.queues, ...engineQueues(state), ...verifierQueues(facts.verifier)];
  metrics.replace(
    "mach_queue_depth",
    queues.map(({ queue, depth }) => ({ labels: { queue }, value: depth })),
  );
  metrics.replace(
    "mach_queue_capacity",
    queues.map(({ queue, capacity }) => ({ labels: { queue }, value: capacity })),
  );
}

const EVIDENCE_KINDS: readonly Evidence["kind"][] = [
  "double-attestation",
  "attestation-against-certificate",
  "conflicting-certificates",
  "false-set-update",
];

/** A counter that first appears at 1 has not increased, as Prometheus sees it. */
function startCounters(metrics: Metrics, { rollups }: EngineState): void {
  for (const rollupId of rollups.keys()) {
    const labels = { rollup: `${rollupId}` };
    metrics.increment("mach_certificates_total", labels, 0);
    metrics.increment("mach_own_attestations_total", labels, 0);
    metrics.increment("mach_contradictions_total", labels, 0);
  }
  for (const kind of EVIDENCE_KINDS) metrics.increment("mach_evidence_total", { kind }, 0);
}

/** Sets what the store has counted of the operators in one epoch. */
export function collectParticipation(
  metrics: Metrics,
  records: readonly ParticipationRecord[],
): void {
  metrics.replace(
    "mach_operator_heights",
    records.flatMap(({ rollupId, operators }) =>
      operators.flatMap(({ operator, made, late, missed, disagreeing, unseen }) =>
        Object.entries({ made, late, missed, disagreeing, unseen }).map(([outcome, value]) => {
          return { labels: { rollup: `${rollupId}`, operator, outcome }, value };
        }),
      ),
    ),
  );
}

function collectEpoch(metrics: Metrics, { state, now }: NodeFacts): void {
  const epoch = epochAt(state.options.schedule, BigInt(Math.floor(now / 1_000)));
  const set = epoch === null ? undefined : state.epochs.get(epoch)?.operatorSet;
  metrics.replace("mach_epoch", epoch === null ? [] : [{ labels: {}, value: Number(epoch) }]);
  const known = (at: bigint | null): number => (at !== null && state.epochs.has(at) ? 1 : 0);
  metrics.replace("mach_operator_set_known", [
    { labels: { epoch: "current" }, value: known(epoch) },
    { labels: { epoch: "next" }, value: known(epoch === null ? null : epoch + 1n) },
  ]);
  const shares = (set?.operators ?? []).map(({ operator, weight }) => ({
    labels: { operator },
    value: ratio(weight, set?.totalWeight ?? 0n),
  }));
  metrics.replace("mach_operator_weight_ratio", shares);
}

function collectRollups(metrics: Metrics, facts: NodeFacts): void {
  const { state, now } = facts;
  const views = [...state.rollups.keys()].flatMap((id) => finalityOf(state, id, now) ?? []);
  const heads = views.flatMap((view) => headsOf(view));
  metrics.replace(
    "mach_rollup_head_block",
    heads.map(({ labels, head }) => ({ labels, value: Number(head.blockNumber) })),
  );
  metrics.replace(
    "mach_rollup_head_age_seconds",
    heads.map(({ labels, head }) => {
      return { labels, value: Math.max(0, now / 1_000 - Number(head.timestamp)) };
    }),
  );
  metrics.replace(
    "mach_rollup_participation_ratio",
    views.flatMap(({ rollupId, participation: { signed, total } }) =>
      total === 0n ? [] : [{ labels: { rollup: `${rollupId}` }, value: ratio(signed, total) }],
    ),
  );
  metrics.replace(
    "mach_rollup_not_final",
    views.flatMap(({ rollupId, reason }) =>
      reason === null ? [] : [flag({ rollup: `${rollupId}`, reason: reason.code })],
    ),
  );
  metrics.replace(
    "mach_rollup_abstaining",
    [...state.rollups.values()].flatMap(({ rollupId, lock }) => {
      const reasons = new Set([facts.abstention(rollupId), lock]);
      return [...reasons].flatMap((reason) =>
        reason === null ? [] : [flag({ rollup: `${rollupId}`, reason })],
      );
    }),
  );
  metrics.replace("mach_rollup_threshold_ratio", thresholds(facts));
}

function headsOf(view: FinalityView): readonly {
  readonly labels: { readonly rollup: string; readonly head: string };
  readonly head: Head;
}[] {
  const { rollupId, observed, fastFinal, safe, finalized } = view;
  const all = { observed, "fast-final": fastFinal, safe, finalized };
  return Object.entries(all).flatMap(([head, block]) =>
    block === null ? [] : [{ labels: { rollup: `${rollupId}`, head }, head: block }],
  );
}

function thresholds({ state, now }: NodeFacts): readonly Sample<"mach_rollup_threshold_ratio">[] {
  const epoch = epochAt(state.options.schedule, BigInt(Math.floor(now / 1_000)));
  const rollups = epoch === null ? undefined : state.epochs.get(epoch)?.rollups;
  return [...(rollups?.values() ?? [])]
    .filter(({ rollupId }) => state.rollups.has(rollupId))
    .map(({ rollupId, thresholdBps }) => {
      return { labels: { rollup: `${rollupId}` }, value: thresholdBps / 10_000 };
    });
}

function collectSettlement(metrics: Metrics, { state, settlement }: NodeFacts): void {
  const all = [...state.rollups.keys()].map((rollupId) => {
    return { rollup: `${rollupId}`, settled: settlement(rollupId) };
  });
  metrics.replace(
    "mach_settlement_l1_block",
    all.flatMap(({ rollup, settled: { l1BlockNumber } }) =>
      l1BlockNumber === null ? [] : [{ labels: { rollup }, value: Number(l1BlockNumber) }],
    ),
  );
  metrics.replace(
    "mach_settlement_roots",
    all.flatMap(({ rollup, settled: { agreed, contradicted, uncertified } }) => [
      { labels: { rollup, verdict: "agrees" }, value: agreed },
      { labels: { rollup, verdict: "contradicts" }, value: contradicted },
      { labels: { rollup, verdict: "uncertified" }, value: uncertified },
    ]),
  );
  metrics.replace(
    "mach_settlement_unread",
    all.flatMap(({ rollup, settled: { code } }) =>
      code === null ? [] : [flag({ rollup, reason: code })],
    ),
  );
  metrics.replace(
    "mach_settlement_disputed",
    all.map(({ rollup, settled }) => ({ labels: { rollup }, value: Number(settled.isDisputed) })),
  );
}

function collectSources(metrics: Metrics, { state, sources }: NodeFacts): void {
  const all = [...state.rollups.keys()].flatMap((rollupId) =>
    sources(rollupId).map((source) => {
      const { host, transport } = source;
      return { labels: { rollup: `${rollupId}`, source: host, transport }, source };
    }),
  );
  metrics.replace(
    "mach_source_ready",
    all.map(({ labels, source: { status } }) => ({ labels, value: Number(status === "ready") })),
  );
  metrics.replace(
    "mach_source_fault",
    all.flatMap(({ labels, source: { code } }) =>
      code === null ? [] : [flag({ ...labels, code })],
    ),
  );
  metrics.replace(
    "mach_source_lag_blocks",
    all.flatMap(({ labels, source: { lagBlocks } }) =>
      lagBlocks === null ? [] : [{ labels, value: Number(lagBlocks) }],
    ),
  );
  metrics.replace(
    "mach_source_failures_total",
    all.map(({ labels, source: { failed } }) => ({ labels, value: failed })),
  );
}

const ACCEPTED = "accepted-";
const PUBLISHED = "published-";
const SERVED = "served-requests";
/** Failures to publish share the prefix, and are no topics. */
const PUBLISHED_TOPICS = new Set(["attestations", "certificates", "evidence", "set-updates"]);

function collectGossip(metrics: Metrics, { peers, gossip: { total } }: NodeFacts): void {
  const bound = peers.filter(({ operator }) => operator !== null).length;
  metrics.replace("mach_peers", [
    { labels: { bound: "operator" }, value: bound },
    { labels: { bound: "nobody" }, value: peers.length - bound },
  ]);
  const accepted: Sample<"mach_gossip_accepted_total">[] = [];
  const published: Sample<"mach_gossip_published_total">[] = [];
  const refused: Sample<"mach_gossip_refused_total">[] = [];
  for (const [code, value] of Object.entries(total)) {
    const topic = code.slice(PUBLISHED.length);
    if (code.startsWith(ACCEPTED)) {
      accepted.push({ labels: { topic: code.slice(ACCEPTED.length) }, value });
    } else if (code.startsWith(PUBLISHED) && PUBLISHED_TOPICS.has(topic)) {
      published.push({ labels: { topic }, value });
    } else if (code !== SERVED) refused.push({ labels: { code }, value });
  }
  metrics.replace("mach_gossip_accepted_total", accepted);
  metrics.replace("mach_gossip_published_total", published);
  metrics.replace("mach_gossip_refused_total", refused);
  metrics.replace("mach_gossip_served_total", [{ labels: {}, value: total[SERVED] ?? 0 }]);
}

function collectVerifier(metrics: Metrics, { verifier }: NodeFacts): void {
  const { attestations, sums, batches, threads } = verifier;
  metrics.replace("mach_bls_checks_total", [
    { labels: { kind: "attestation" }, value: attestations },
    { labels: { kind: "sum" }, value: sums },
  ]);
  metrics.replace("mach_bls_batches_total", [{ labels: {}, value: batches }]);
  metrics.replace("mach_bls_threads", [{ labels: {}, value: threads }]);
}

function verifierQueues(verifier: BatchVerifierStatistics): readonly QueueLoad[] {
  const { maxQueuedAttestations, maxQueuedSums } = DEFAULT_BATCH_VERIFIER_OPTIONS;
  const { queuedAttestations, queuedSums } = verifier;
  return [
    { queue: "bls-attestations", depth: queuedAttestations, capacity: maxQueuedAttestations },
    { queue: "bls-sums", depth: queuedSums, capacity: maxQueuedSums },
  ];
}

/** Of the rollup that has most of them. */
function engineQueues({ rollups, options }: EngineState): readonly QueueLoad[] {
  const counts = [...rollups.values()].map(({ early }) =>
    [...early.values()].reduce((sum, each) => sum + each, 0),
  );
  const depth = Math.max(0, ...counts);
  return [{ queue: "early-attestations", depth, capacity: options.earlyAttestations }];
}

function flag<Labels>(labels: Labels): { readonly labels: Labels; readonly value: 1 } {
  return { labels, value: 1 };
}

function ratio(part: bigint, whole: bigint): number {
  // Weights exceed 2^53: four digits of the ratio are as many as anyone reads.
  return whole === 0n ? 0 : Number((part * 10_000n) / whole) / 10_000;
}
