import { NETWORK } from "./network-panels.ts";
import { OPERATOR } from "./operator-panels.ts";
import { type Dashboard, ON, type Panel, quantile } from "./panel.ts";

const API: readonly Panel[] = [
  {
    title: "Requests per second",
    description: "By route; what no route has is `unrouted`.",
    ...{ kind: "timeseries", unit: "ops", width: 12 },
    queries: [
      {
        expr: `sum by (route) (rate(mach_http_request_seconds_count{${ON}}[5m]))`,
        legend: "{{route}}",
      },
    ],
  },
  {
    title: "Share of failed requests",
    description: "5xx is this node's fault, 4xx the caller's; 404 with not-yet means keep polling.",
    ...{ kind: "timeseries", unit: "percentunit", width: 12 },
    queries: [
      {
        expr:
          `sum by (status) (rate(mach_http_request_seconds_count{${ON},status=~"4xx|5xx"}[5m])) ` +
          `/ ignoring (status) group_left ` +
          `sum(rate(mach_http_request_seconds_count{${ON}}[5m]))`,
        legend: "{{status}}",
      },
    ],
  },
  {
    title: "Time to answer",
    description: "Routes that wait, and the event stream, take as long as they are asked to.",
    ...{ kind: "timeseries", unit: "s", width: 12 },
    queries: [0.5, 0.99].map((of) => ({
      expr: quantile(of, "mach_http_request_seconds", "route", ON),
      legend: `{{route}} p${of * 100}`,
    })),
  },
  {
    title: "Streams and waits",
    description: "Clients of the event stream, and requests that are held, with their bounds.",
    ...{ kind: "timeseries", unit: "short", width: 12 },
    queries: [
      { expr: `mach_queue_depth{${ON},queue=~"event-clients|answer-waits"}`, legend: "{{queue}}" },
      {
        expr: `mach_queue_capacity{${ON},queue=~"event-clients|answer-waits"}`,
        legend: "{{queue}} bound",
      },
    ],
  },
];

const GOSSIP: readonly Panel[] = [
  {
    title: "Peers",
    description: "Connected and greeted; bound to an operator or to nobody.",
    ...{ kind: "timeseries", unit: "short", width: 8 },
    queries: [{ expr: `mach_peers{${ON}}`, legend: "{{bound}}" }],
  },
  {
    title: "Messages accepted",
    description: "Valid and passed on, per second and topic.",
    ...{ kind: "timeseries", unit: "ops", width: 8 },
    queries: [{ expr: `rate(mach_gossip_accepted_total{${ON}}[5m])`, legend: "{{topic}}" }],
  },
  {
    title: "Messages published, requests served",
    description: "What this node tells, per second.",
    ...{ kind: "timeseries", unit: "ops", width: 8 },
    queries: [
      { expr: `rate(mach_gossip_published_total{${ON}}[5m])`, legend: "{{topic}}" },
      { expr: `rate(mach_gossip_served_total{${ON}}[5m])`, legend: "requests" },
    ],
  },
  {
    title: "Refused, by code",
    description: "Duplicates are normal; malformed or badly signed ones are a peer's fault.",
    ...{ kind: "timeseries", unit: "ops", width: 12 },
    queries: [{ expr: `rate(mach_gossip_refused_total{${ON}}[5m])`, legend: "{{code}}" }],
  },
  {
    title: "Queues, of their bounds",
    description: "At 1 something is dropped.",
    ...{ kind: "timeseries", unit: "percentunit", width: 12 },
    queries: [
      { expr: `mach_queue_depth{${ON}} / mach_queue_capacity{${ON}}`, legend: "{{queue}}" },
    ],
  },
  {
    title: "Signature checks per second",
    description: "Attestations by batch, and sums for certificates.",
    ...{ kind: "timeseries", unit: "ops", width: 12 },
    queries: [{ expr: `rate(mach_bls_checks_total{${ON}}[5m])`, legend: "{{kind}}" }],
  },
  {
    title: "Batches, and the threads that check them",
    description: "Batches per second fall as they grow under load; a thread that died is replaced.",
    ...{ kind: "timeseries", unit: "short", width: 12 },
    queries: [
      { expr: `rate(mach_bls_batches_total{${ON}}[5m])`, legend: "batches" },
      { expr: `mach_bls_threads{${ON}}`, legend: "threads" },
    ],
  },
];

/** Every dashboard; the file is named by the uid. */
export const DASHBOARDS: readonly Dashboard[] = [
  {
    uid: "mach-operator",
    title: "MACH: operator",
    description: "One node: its votes, what it reads from, and the machine.",
    panels: OPERATOR,
  },
  {
    uid: "mach-network",
    title: "MACH: network",
    description: "Finality of the rollups and participation of the operators, as one node sees it.",
    panels: NETWORK,
  },
  {
    uid: "mach-api",
    title: "MACH: API",
    description: "Readers of one node.",
    panels: API,
  },
  {
    uid: "mach-gossip",
    title: "MACH: gossip",
    description: "Peers, messages, queues and signature checks of one node.",
    panels: GOSSIP,
  },
];
