import { AT, latency, ON, type Panel, quantile } from "./panel.ts";

/** One node: its votes, what it reads from, and the machine. */
export const OPERATOR: readonly Panel[] = [
  {
    title: "Alerts that stand",
    description: "The node's own alerts; /v1/alerts says what to do, docs/runbook.md more.",
    ...{ kind: "table", unit: "none", width: 12 },
    queries: [{ expr: `mach_alerts{${ON}} > 0`, legend: "{{severity}} {{code}}" }],
  },
  {
    title: "Own attestations of certified heights",
    description: "Below 1 this operator misses votes: see the abstentions and their reasons.",
    ...{ kind: "timeseries", unit: "percentunit", width: 12 },
    queries: [
      {
        expr:
          `sum by (rollup) (increase(mach_own_attestations_total{${AT}}[10m])) / ` +
          `sum by (rollup) (increase(mach_certificates_total{${AT}}[10m]))`,
        legend: "{{rollup}}",
      },
    ],
  },
  latency(
    "Block to own attestation",
    "mach_own_attestation_latency_seconds",
    "From the first sight of a block to this operator's signature.",
  ),
  {
    title: "Abstentions by reason",
    description: "Blocks that were not signed, or that the signer refused.",
    ...{ kind: "timeseries", unit: "short", width: 8 },
    queries: [
      {
        expr: `sum by (rollup, reason) (increase(mach_abstentions_total{${AT}}[5m]))`,
        legend: "{{rollup}} {{reason}}",
      },
    ],
  },
  {
    title: "Signer",
    description: "How long one signature takes, with its durable record.",
    ...{ kind: "timeseries", unit: "s", width: 8 },
    queries: [0.5, 0.99].map((of) => ({
      expr: quantile(of, "mach_signer_seconds", "result", ON),
      legend: `{{result}} p${of * 100}`,
    })),
  },
  {
    title: "Why no newer block is trusted",
    description: "1 while this node trusts no newer block of a rollup, or signs none.",
    ...{ kind: "timeseries", unit: "short", width: 8 },
    queries: [{ expr: `mach_rollup_abstaining{${AT}}`, legend: "{{rollup}} {{reason}}" }],
  },
  {
    title: "RPC sources",
    description: "1 where a source answers soundly; its fault is named beside it.",
    ...{ kind: "timeseries", unit: "short", width: 8 },
    queries: [
      { expr: `mach_source_ready{${AT}}`, legend: "{{rollup}} {{source}} {{transport}}" },
      { expr: `mach_source_fault{${AT}}`, legend: "{{rollup}} {{source}} {{code}}" },
    ],
  },
  {
    title: "RPC sources: lag and failures",
    description: "Blocks behind what is accepted, and failures in five minutes.",
    ...{ kind: "timeseries", unit: "short", width: 8 },
    queries: [
      { expr: `mach_source_lag_blocks{${AT}}`, legend: "{{rollup}} {{source}} lag" },
      {
        expr: `increase(mach_source_failures_total{${AT}}[5m])`,
        legend: "{{rollup}} {{source}} failures",
      },
    ],
  },
  {
    title: "L1: time since it answered",
    description: "Sets and epochs come from L1: above half a minute the node is degraded.",
    ...{ kind: "timeseries", unit: "s", width: 6 },
    queries: [{ expr: `mach_l1_answer_age_seconds{${ON}}`, legend: "{{instance}}" }],
  },
  {
    title: "Event loop delay",
    description: "Above some 100 ms everything else is late.",
    ...{ kind: "timeseries", unit: "s", width: 6 },
    queries: [
      { expr: `nodejs_eventloop_lag_p50_seconds{${ON}}`, legend: "p50" },
      { expr: `nodejs_eventloop_lag_p99_seconds{${ON}}`, legend: "p99" },
      { expr: `nodejs_eventloop_lag_max_seconds{${ON}}`, legend: "max" },
    ],
  },
  {
    title: "Memory and CPU",
    description: "Memory is bounded by the configuration: it does not grow for days.",
    ...{ kind: "timeseries", unit: "bytes", width: 6 },
    queries: [
      { expr: `process_resident_memory_bytes{${ON}}`, legend: "resident" },
      { expr: `nodejs_heap_size_used_bytes{${ON}}`, legend: "heap" },
    ],
  },
  {
    title: "Disk",
    description:
      "What the databases take, what the store comes to as retention is configured, what is free.",
    ...{ kind: "timeseries", unit: "bytes", width: 6 },
    queries: [
      { expr: `mach_store_bytes{${ON}}`, legend: "{{store}}" },
      { expr: `mach_store_forecast_bytes{${ON}}`, legend: "store, forecast" },
      { expr: `mach_disk_free_bytes{${ON}}`, legend: "free" },
    ],
  },
  {
    title: "CPU, collections, files",
    description:
      "Cores in use, the share of time in garbage collection, open files of their bound.",
    ...{ kind: "timeseries", unit: "percentunit", width: 12 },
    queries: [
      { expr: `rate(process_cpu_seconds_total{${ON}}[5m])`, legend: "cores" },
      {
        expr: `sum by (instance) (rate(nodejs_gc_duration_seconds_sum{${ON}}[5m]))`,
        legend: "collection",
      },
      { expr: `process_open_fds{${ON}} / process_max_fds{${ON}}`, legend: "files" },
    ],
  },
  {
    title: "Version, role and start",
    description: "What runs where, and since when.",
    ...{ kind: "table", unit: "none", width: 12 },
    queries: [
      { expr: `mach_node_info{${ON}}`, legend: "{{version}} {{role}}" },
      { expr: `time() - process_start_time_seconds{${ON}}`, legend: "up for seconds" },
    ],
  },
];
