/** A rule of Prometheus: when it fires, and what is written of it in docs/runbook.md. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: "warning" | "critical";
  readonly summary: string;
}

export interface AlertGroup {
  readonly name: string;
  readonly rules: readonly AlertRule[];
}

const critical = "critical" as const;
const warning = "warning" as const;

/** The job under which Prometheus scrapes nodes. */
const JOB = "mach";

const VOTES =
  "sum by (instance, rollup) (increase(mach_own_attestations_total[10m])) < 0.95 * " +
  "sum by (instance, rollup) (increase(mach_certificates_total[10m])) " +
  'and on (instance) mach_node_info{role="operator"} == 1';

/** Every rule, by what it is about. */
export const ALERT_GROUPS: readonly AlertGroup[] = [
  {
    name: "mach-finality",
    rules: [
      {
        ...{ alert: "MachFinalityStalled", for: "1m", severity: critical },
        expr: 'mach_rollup_not_final{reason!="no-block"} == 1',
        summary: "Rollup {{ $labels.rollup }} gets no certificates ({{ $labels.reason }})",
      },
      {
        ...{ alert: "MachThresholdNear", for: "10m", severity: warning },
        expr: "mach_rollup_participation_ratio < 1.1 * mach_rollup_threshold_ratio",
        summary: "Rollup {{ $labels.rollup }} is close to losing the weight of its certificates",
      },
      {
        ...{ alert: "MachCertificatesSlow", for: "10m", severity: warning },
        expr:
          "histogram_quantile(0.5, sum by (le, instance, rollup) " +
          "(rate(mach_certificate_latency_seconds_bucket[5m]))) > 2",
        summary: "Certificates of rollup {{ $labels.rollup }} take {{ $value }} s at the median",
      },
      {
        ...{ alert: "MachContradiction", for: "0m", severity: critical },
        expr: "increase(mach_contradictions_total[1h]) > 0",
        summary: "Certificates of rollup {{ $labels.rollup }} were contradicted",
      },
      {
        ...{ alert: "MachSettlementDisputed", for: "0m", severity: critical },
        expr: "mach_settlement_disputed == 1",
        summary: "L1 has settled another chain of rollup {{ $labels.rollup }} than its nodes have",
      },
      {
        ...{ alert: "MachSettlementUnread", for: "30m", severity: warning },
        expr: 'mach_settlement_unread{reason!~"no-settlement-source|starting"} == 1',
        summary: "Settlement of rollup {{ $labels.rollup }} is not compared ({{ $labels.reason }})",
      },
      {
        ...{ alert: "MachEvidence", for: "0m", severity: critical },
        expr: "increase(mach_evidence_total[1h]) > 0",
        summary: "An operator has broken the protocol ({{ $labels.kind }})",
      },
    ],
  },
  {
    name: "mach-operator",
    rules: [
      {
        ...{ alert: "MachVotesMissed", for: "10m", severity: warning, expr: VOTES },
        summary: "This operator misses votes on rollup {{ $labels.rollup }}",
      },
      {
        ...{ alert: "MachAbstaining", for: "2m", severity: warning },
        expr: "mach_rollup_abstaining == 1",
        summary: "No newer block of rollup {{ $labels.rollup }} is trusted ({{ $labels.reason }})",
      },
      {
        ...{ alert: "MachSignerSlow", for: "10m", severity: warning },
        expr:
          "histogram_quantile(0.99, sum by (le, instance) " +
          "(rate(mach_signer_seconds_bucket[5m]))) > 0.5",
        summary: "The signer takes {{ $value }} s",
      },
      {
        ...{ alert: "MachSourceNotReady", for: "5m", severity: warning },
        expr: "mach_source_ready == 0",
        summary: "The RPC {{ $labels.source }} of rollup {{ $labels.rollup }} is not sound",
      },
      {
        ...{ alert: "MachL1Silent", for: "1m", severity: critical },
        expr: "mach_l1_answer_age_seconds > 60",
        summary: "The L1 has not answered for {{ $value }} s",
      },
      {
        ...{ alert: "MachOperatorSetUnknown", for: "1m", severity: critical },
        expr: 'mach_operator_set_known{epoch="current"} == 0',
        summary: "The current epoch has no operator set that is known here",
      },
      {
        ...{ alert: "MachAlertCritical", for: "0m", severity: critical },
        expr: 'mach_alerts{severity="critical"} > 0',
        summary: "The node says {{ $labels.code }}: read /v1/alerts",
      },
      {
        ...{ alert: "MachAlertWarning", for: "10m", severity: warning },
        expr: 'mach_alerts{severity="warning"} > 0',
        summary: "The node says {{ $labels.code }}: read /v1/alerts",
      },
    ],
  },
  {
    name: "mach-node",
    rules: [
      {
        ...{ alert: "MachNodeDown", for: "2m", severity: critical },
        expr: `up{job="${JOB}"} == 0`,
        summary: "The node {{ $labels.instance }} does not answer",
      },
      {
        ...{ alert: "MachNodeRestarting", for: "0m", severity: warning },
        expr: `changes(process_start_time_seconds{job="${JOB}"}[30m]) > 2`,
        summary: "The node {{ $labels.instance }} starts again and again",
      },
      {
        ...{ alert: "MachNoPeers", for: "1m", severity: critical },
        expr: "sum by (instance) (mach_peers) == 0",
        summary: "The node has no peers",
      },
      {
        ...{ alert: "MachGossipBad", for: "10m", severity: warning },
        expr:
          "sum by (instance, code) (rate(mach_gossip_refused_total" +
          '{code=~"strike|too-many-messages"}[5m])) > 0.1',
        summary: "Peers send what no honest one does ({{ $labels.code }})",
      },
      {
        ...{ alert: "MachQueueNearBound", for: "2m", severity: warning },
        expr: "mach_queue_depth / mach_queue_capacity > 0.8",
        summary: "The queue {{ $labels.queue }} is close to its bound",
      },
      {
        ...{ alert: "MachVerifierDead", for: "1m", severity: critical },
        expr: "mach_bls_threads < 1",
        summary: "No thread checks signatures",
      },
      {
        ...{ alert: "MachEventLoopBlocked", for: "5m", severity: warning },
        expr: `nodejs_eventloop_lag_p99_seconds{job="${JOB}"} > 0.5`,
        summary: "The event loop is blocked for {{ $value }} s",
      },
      {
        ...{ alert: "MachDiskLow", for: "5m", severity: critical },
        expr: "mach_disk_free_bytes < 2e9",
        summary: "{{ $value | humanize1024 }}B are free for the data folder",
      },
      {
        ...{ alert: "MachFilesNearBound", for: "5m", severity: warning },
        expr: `process_open_fds{job="${JOB}"} / process_max_fds{job="${JOB}"} > 0.8`,
        summary: "The process is close to its bound on open files",
      },
      {
        ...{ alert: "MachApiFailing", for: "5m", severity: warning },
        expr:
          'sum by (instance) (rate(mach_http_request_seconds_count{status="5xx"}[5m])) / ' +
          "sum by (instance) (rate(mach_http_request_seconds_count[5m])) > 0.05",
        summary: "{{ $value | humanizePercentage }} of the API's answers are failures",
      },
    ],
  },
];

const RUNBOOK = "docs/runbook.md";
/** The rules whose place in the runbook is that of the node's own alert. */
const BY_CODE = new Set(["MachAlertCritical", "MachAlertWarning"]);

/** The rules as Prometheus reads them: YAML, in which every text is a JSON string. */
export function renderRules(groups: readonly AlertGroup[]): string {
  const lines = ["groups:"];
  for (const { name, rules } of groups) {
    lines.push(`  - name: ${name}`, "    rules:");
    for (const rule of rules) {
      const { alert, expr, severity, summary } = rule;
      const anchor = BY_CODE.has(alert) ? "{{ $labels.code }}" : alert.toLowerCase();
      lines.push(
        `      - alert: ${alert}`,
        `        expr: ${JSON.stringify(expr)}`,
        `        for: ${rule.for}`,
        "        labels:",
        `          severity: ${severity}`,
        "        annotations:",
        `          summary: ${JSON.stringify(summary)}`,
        `          runbook_url: ${JSON.stringify(`${RUNBOOK}#${anchor}`)}`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}
