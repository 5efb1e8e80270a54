import { AT, latency, ON, type Panel } from "./panel.ts";

/** Finality of the rollups and participation of the operators. */
export const NETWORK: readonly Panel[] = [
  {
    title: "Heads",
    description: "Observed and fast-final go together; safe and finalized follow L1.",
    ...{ kind: "timeseries", unit: "short", width: 12 },
    queries: [{ expr: `mach_rollup_head_block{${AT}}`, legend: "{{rollup}} {{head}}" }],
  },
  {
    title: "Age of the heads",
    description: "How far behind real time each head is.",
    ...{ kind: "timeseries", unit: "s", width: 12 },
    queries: [{ expr: `mach_rollup_head_age_seconds{${AT}}`, legend: "{{rollup}} {{head}}" }],
  },
  {
    title: "Weight behind the newest height",
    description: "Below the threshold there is no certificate.",
    ...{ kind: "timeseries", unit: "percentunit", width: 8 },
    queries: [
      { expr: `mach_rollup_participation_ratio{${AT}}`, legend: "{{rollup}} present" },
      { expr: `mach_rollup_threshold_ratio{${AT}}`, legend: "{{rollup}} threshold" },
    ],
  },
  {
    title: "Why nothing is final",
    description: "1 for the reason while the newest height is not fast-final.",
    ...{ kind: "timeseries", unit: "short", width: 8 },
    queries: [{ expr: `mach_rollup_not_final{${AT}}`, legend: "{{rollup}} {{reason}}" }],
  },
  {
    title: "Certificates per second",
    description: "Heights that came to have a certificate.",
    ...{ kind: "timeseries", unit: "ops", width: 8 },
    queries: [
      { expr: `sum by (rollup) (rate(mach_certificates_total{${AT}}[5m]))`, legend: "{{rollup}}" },
    ],
  },
  latency(
    "Block to certificate",
    "mach_certificate_latency_seconds",
    "From the first sight of a block on this node to its certificate, stored.",
  ),
  latency(
    "Block to threshold",
    "mach_threshold_latency_seconds",
    "From the first sight of a block to attributed weight of the threshold.",
  ),
  {
    title: "Operators: attested of the epoch's heights",
    description: "Of the heights of this epoch that have closed and that this node could see.",
    ...{ kind: "timeseries", unit: "percentunit", width: 8 },
    queries: [
      {
        expr:
          `sum by (operator) (mach_operator_heights{${AT},outcome="made"}) / ` +
          `sum by (operator) (mach_operator_heights{${AT},outcome!="unseen"})`,
        legend: "{{operator}}",
      },
    ],
  },
  {
    title: "Operators: late, missed, disagreeing",
    description: "Heights of this epoch; /v1/operators has the reasons.",
    ...{ kind: "table", unit: "short", width: 12 },
    queries: [
      {
        expr:
          "sum by (operator, outcome) " +
          `(mach_operator_heights{${AT},outcome=~"late|missed|disagreeing"}) > 0`,
        legend: "{{operator}} {{outcome}}",
      },
    ],
  },
  {
    title: "Operators: attestations per second",
    description: "Valid attestations that reached this node.",
    ...{ kind: "timeseries", unit: "ops", width: 12 },
    queries: [
      {
        expr: `sum by (operator) (rate(mach_operator_attestations_total{${AT}}[5m]))`,
        legend: "{{operator}}",
      },
    ],
  },
  {
    title: "Weights",
    description: "Each operator's share of the current epoch's set.",
    ...{ kind: "table", unit: "percentunit", width: 8 },
    queries: [{ expr: `mach_operator_weight_ratio{${ON}}`, legend: "{{operator}}" }],
  },
  {
    title: "Disagreements, contradictions, evidence",
    description: "Each of these wants a person.",
    ...{ kind: "timeseries", unit: "short", width: 8 },
    queries: [
      {
        expr: `increase(mach_operator_disagreements_total{${AT}}[10m])`,
        legend: "{{rollup}} {{operator}}",
      },
      {
        expr: `increase(mach_contradictions_total{${AT}}[10m])`,
        legend: "{{rollup}} contradicted",
      },
      { expr: `increase(mach_evidence_total{${ON}}[10m])`, legend: "{{kind}}" },
    ],
  },
  {
    title: "Epoch and its sets",
    description: "Without the current set nothing new becomes final.",
    ...{ kind: "timeseries", unit: "short", width: 8 },
    queries: [
      { expr: `mach_epoch{${ON}}`, legend: "epoch" },
      { expr: `mach_operator_set_known{${ON}}`, legend: "{{epoch}} set known" },
    ],
  },
  {
    title: "What L1 has settled",
    description: "Beside the certificates of this node; a contradiction wants a person at once.",
    ...{ kind: "timeseries", unit: "short", width: 12 },
    queries: [
      { expr: `mach_settlement_roots{${AT}}`, legend: "{{rollup}} {{verdict}}" },
      { expr: `mach_settlement_disputed{${AT}}`, legend: "{{rollup}} disputed" },
    ],
  },
  {
    title: "Reading settlement",
    description: "The L1 block that it is read through, and why it is not.",
    ...{ kind: "timeseries", unit: "short", width: 12 },
    queries: [
      { expr: `mach_settlement_l1_block{${AT}}`, legend: "{{rollup}} L1 block" },
      { expr: `mach_settlement_unread{${AT}}`, legend: "{{rollup}} {{reason}}" },
    ],
  },
];
