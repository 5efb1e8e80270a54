/** What one metric is: dashboards, alert rules and the exporter are all made from it. */
export interface MetricDefinition {
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence: what is counted or measured, and from when to when. */
  readonly help: string;
  readonly labels: readonly string[];
  readonly unit: "seconds" | "bytes" | "ratio" | "blocks" | "epochs" | "count" | "flag";
}

// A label `rollup` has at most 64 values, by the configuration; `operator` as many as a set has;
// `code` and `reason` are this project's own words; `source` is a configured host. The exporter
// bounds the series of each metric all the same.

const METRICS = {
  mach_node_info: {
    type: "gauge",
    help: "Always 1; the version and the role of this node.",
    labels: ["version", "role"],
    unit: "flag",
  },
  mach_rollup_head_block: {
    type: "gauge",
    help: "The height of a head of a rollup: observed, fast-final, safe or finalized.",
    labels: ["rollup", "head"],
    unit: "blocks",
  },
  mach_rollup_head_age_seconds: {
    type: "gauge",
    help: "The time since the timestamp of a head's block.",
    labels: ["rollup", "head"],
    unit: "seconds",
  },
  mach_rollup_participation_ratio: {
    type: "gauge",
    help: "The weight behind the newest height that has had its time, of the set's weight.",
    labels: ["rollup"],
    unit: "ratio",
  },
  mach_rollup_threshold_ratio: {
    type: "gauge",
    help: "The weight that a certificate of the rollup takes, of the set's weight.",
    labels: ["rollup"],
    unit: "ratio",
  },
  mach_rollup_not_final: {
    type: "gauge",
    help: "1 for the reason for which the newest height that has had its time is not fast-final.",
    labels: ["rollup", "reason"],
    unit: "flag",
  },
  mach_rollup_abstaining: {
    type: "gauge",
    help: "1 for the reason for which this node trusts no newer block of a rollup, or signs none.",
    labels: ["rollup", "reason"],
    unit: "flag",
  },
  mach_certificates_total: {
    type: "counter",
    help: "Heights of a rollup that came to have a certificate on this node.",
    labels: ["rollup"],
    unit: "count",
  },
  mach_certificate_latency_seconds: {
    type: "histogram",
    help: "From this node's first sight of a block to its certificate, stored.",
    labels: ["rollup"],
    unit: "seconds",
  },
  mach_threshold_latency_seconds: {
    type: "histogram",
    help: "From this node's first sight of a block to attributed weight of the threshold.",
    labels: ["rollup"],
    unit: "seconds",
  },
  mach_own_attestation_latency_seconds: {
    type: "histogram",
    help: "From this node's first sight of a block to its operator's own attestation.",
    labels: ["rollup"],
    unit: "seconds",
  },
  mach_own_attestations_total: {
    type: "counter",
    help: "Attestations that this node's operator has made.",
    labels: ["rollup"],
    unit: "count",
  },
  mach_abstentions_total: {
    type: "counter",
    help: "Blocks that this node's operator did not sign, by reason; refusals of the signer too.",
    labels: ["rollup", "reason"],
    unit: "count",
  },
  mach_signer_seconds: {
    type: "histogram",
    help: "How long the signer took for one claim: its record, the signature, and the way there.",
    labels: ["result"],
    unit: "seconds",
  },
  mach_operator_attestations_total: {
    type: "counter",
    help: "Attestations of an operator that were found valid on this node.",
    labels: ["rollup", "operator"],
    unit: "count",
  },
  mach_operator_disagreements_total: {
    type: "counter",
    help: "Attestations of an operator to another claim than this node's own.",
    labels: ["rollup", "operator"],
    unit: "count",
  },
  mach_operator_heights: {
    type: "gauge",
    help: "Closed heights of the current epoch by what became of an operator's attestation.",
    labels: ["rollup", "operator", "outcome"],
    unit: "count",
  },
  mach_operator_weight_ratio: {
    type: "gauge",
    help: "An operator's share of the weight of the current epoch's set.",
    labels: ["operator"],
    unit: "ratio",
  },
  mach_contradictions_total: {
    type: "counter",
    help: "Contradictions that were stored since the start.",
    labels: ["rollup"],
    unit: "count",
  },
  mach_evidence_total: {
    type: "counter",
    help: "Pieces of evidence that were kept since the start.",
    labels: ["kind"],
    unit: "count",
  },
  mach_alerts: {
    type: "gauge",
    help: "The node's own alerts that stand now; see /v1/alerts and the runbook.",
    labels: ["code", "severity"],
    unit: "count",
  },
  mach_epoch: {
    type: "gauge",
    help: "The current epoch by this node's clock.",
    labels: [],
    unit: "epochs",
  },
  mach_operator_set_known: {
    type: "gauge",
    help: "1 where the operator set of the current or the next epoch is known here.",
    labels: ["epoch"],
    unit: "flag",
  },
  mach_l1_answer_age_seconds: {
    type: "gauge",
    help: "The time since the L1 last answered; since the start where it never has.",
    labels: [],
    unit: "seconds",
  },
  mach_settlement_l1_block: {
    type: "gauge",
    help: "The finalised L1 block through which a rollup's settlement was read.",
    labels: ["rollup"],
    unit: "blocks",
  },
  mach_settlement_roots: {
    type: "gauge",
    help: "Roots that L1 has settled since the start, by how they stand beside the certificates.",
    labels: ["rollup", "verdict"],
    unit: "count",
  },
  mach_settlement_unread: {
    type: "gauge",
    help: "1 for the reason for which a rollup's settlement is not read or compared.",
    labels: ["rollup", "reason"],
    unit: "flag",
  },
  mach_settlement_disputed: {
    type: "gauge",
    help: "1 while the rollup's sources are of another chain than L1 has settled.",
    labels: ["rollup"],
    unit: "flag",
  },
  mach_source_ready: {
    type: "gauge",
    help: "1 where a rollup's RPC source answers soundly, else 0.",
    labels: ["rollup", "source", "transport"],
    unit: "flag",
  },
  mach_source_fault: {
    type: "gauge",
    help: "1 for the code for which a rollup's RPC source is faulty or down.",
    labels: ["rollup", "source", "transport", "code"],
    unit: "flag",
  },
  mach_source_lag_blocks: {
    type: "gauge",
    help: "How far a rollup's RPC source is behind the blocks that this node has accepted.",
    labels: ["rollup", "source", "transport"],
    unit: "blocks",
  },
  mach_source_failures_total: {
    type: "counter",
    help: "How many times a rollup's RPC source failed or was wrong.",
    labels: ["rollup", "source", "transport"],
    unit: "count",
  },
  mach_peers: {
    type: "gauge",
    help: "Connected peers that said hello: bound to an operator, or to nobody.",
    labels: ["bound"],
    unit: "count",
  },
  mach_gossip_accepted_total: {
    type: "counter",
    help: "Gossip messages that were accepted and passed on, by topic.",
    labels: ["topic"],
    unit: "count",
  },
  mach_gossip_published_total: {
    type: "counter",
    help: "Gossip messages that this node published, by topic.",
    labels: ["topic"],
    unit: "count",
  },
  mach_gossip_refused_total: {
    type: "counter",
    help: "Gossip messages, requests and peers that were refused or failed, by code.",
    labels: ["code"],
    unit: "count",
  },
  mach_gossip_served_total: {
    type: "counter",
    help: "Requests of peers that this node answered.",
    labels: [],
    unit: "count",
  },
  mach_bls_checks_total: {
    type: "counter",
    help: "Signatures that the verifier's threads have checked: attestations, and sums.",
    labels: ["kind"],
    unit: "count",
  },
  mach_bls_batches_total: {
    type: "counter",
    help: "Batches that the verifier's threads have checked.",
    labels: [],
    unit: "count",
  },
  mach_bls_threads: {
    type: "gauge",
    help: "Verifier threads that live.",
    labels: [],
    unit: "count",
  },
  mach_queue_depth: {
    type: "gauge",
    help: "How much waits in a bounded queue, or is held in a bounded table.",
    labels: ["queue"],
    unit: "count",
  },
  mach_queue_capacity: {
    type: "gauge",
    help: "The bound of a queue or table: what comes beyond it is dropped or refused.",
    labels: ["queue"],
    unit: "count",
  },
  mach_http_request_seconds: {
    type: "histogram",
    help: "From a request of the API to the end of its answer, by route and kind of status.",
    labels: ["route", "status"],
    unit: "seconds",
  },
  mach_store_bytes: {
    type: "gauge",
    help: "The size of a database of this node on disk.",
    labels: ["store"],
    unit: "bytes",
  },
  mach_store_forecast_bytes: {
    type: "gauge",
    help: "What the store comes to when it holds all that the configuration keeps.",
    labels: [],
    unit: "bytes",
  },
  mach_disk_free_bytes: {
    type: "gauge",
    help: "Free space where the data folder is.",
    labels: [],
    unit: "bytes",
  },
} as const;

/** The table with each metric's own type and labels. */
export type MetricTable = typeof METRICS;
export type MetricName = keyof MetricTable;

/** Every metric of a node that is its own, by name. */
export const DEFINITIONS: Readonly<Record<MetricName, MetricDefinition>> = METRICS;

/** The values of a metric's labels. */
export type MetricLabels<Name extends MetricName> = {
  readonly [Label in MetricTable[Name]["labels"][number]]: string;
};

/** Metrics of the process and of Node.js that prom-client adds, as far as dashboards name them. */
export const PROCESS_METRICS = [
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
  "process_open_fds",
  "process_max_fds",
  "process_start_time_seconds",
  "nodejs_eventloop_lag_p50_seconds",
  "nodejs_eventloop_lag_p99_seconds",
  "nodejs_eventloop_lag_max_seconds",
  "nodejs_heap_size_used_bytes",
  "nodejs_gc_duration_seconds",
] as const;

/** Seconds: from what a certificate takes on one machine to where a vote is lost. */
export const LATENCY_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
