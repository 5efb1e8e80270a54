import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import {
  DEFINITIONS,
  LATENCY_BUCKETS,
  type MetricDefinition,
  type MetricLabels,
  type MetricName,
  type MetricTable,
} from "./definitions.ts";

type NamesOf<Type extends MetricDefinition["type"]> = {
  [Name in MetricName]: MetricTable[Name]["type"] extends Type ? Name : never;
}[MetricName];

export interface Sample<Name extends MetricName> {
  readonly labels: MetricLabels<Name>;
  readonly value: number;
}

/** The metrics of one node, by the table of definitions. Labels and values are never trusted. */
export interface Metrics {
  increment<Name extends NamesOf<"counter">>(
    name: Name,
    labels: MetricLabels<Name>,
    by?: number,
  ): void;
  observe<Name extends NamesOf<"histogram">>(
    name: Name,
    labels: MetricLabels<Name>,
    value: number,
  ): void;
  /** Makes these all the series of a metric, as something else has counted them. */
  replace<Name extends NamesOf<"counter" | "gauge">>(
    name: Name,
    samples: readonly Sample<Name>[],
  ): void;
  /** All of it, in the text format of Prometheus. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** More series of one metric become one whose labels are all `other`. */
export const MAX_SERIES = 8_192;
const OTHER = "other";
const MAX_LABEL_CHARACTERS = 128;

type AnyMetric = Counter<string> | Gauge<string> | Histogram<string>;

/** The metrics of the table and those of the process, in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = new Map<MetricName, AnyMetric>();
  const series = new Map<MetricName, Set<string>>();
  for (const name of Object.keys(DEFINITIONS) as MetricName[]) {
    metrics.set(name, createMetric(name, registry));
    series.set(name, new Set());
  }

  function metricOf<Kind extends AnyMetric>(
    name: MetricName,
    kind: abstract new (...args: never[]) => Kind,
  ): Kind {
    const metric = metrics.get(name);
    if (!(metric instanceof kind)) throw new TypeError(`${name} is of another type`);
    return metric;
  }

  /** The labels that are counted under: what has too many values must not fill the memory. */
  function bounded(name: MetricName, labels: Readonly<Record<string, string>>) {
    const known = series.get(name);
    const entries = Object.entries(labels).map(
      ([label, value]) => [label, value.slice(0, MAX_LABEL_CHARACTERS)] as const,
    );
    const key = JSON.stringify(entries);
    if (known === undefined || known.has(key)) return Object.fromEntries(entries);
    if (known.size < MAX_SERIES) {
      known.add(key);
      return Object.fromEntries(entries);
    }
    return Object.fromEntries(entries.map(([label]) => [label, OTHER]));
  }

  return {
    increment(name, labels, by = 1) {
      metricOf(name, Counter).inc(bounded(name, labels), by);
    },
    observe(name, labels, value) {
      // A clock that was set back says nothing about how long something took.
      if (Number.isFinite(value) && value >= 0) {
        metricOf(name, Histogram).observe(bounded(name, labels), value);
      }
    },
    replace(name, samples) {
      const metric = metrics.get(name);
      metric?.reset();
      // Without labels it would be 0 now: what is not known must not look like a value.
      if (DEFINITIONS[name].labels.length === 0) metric?.remove();
      series.get(name)?.clear();
      for (const { labels, value } of samples) {
        if (!Number.isFinite(value)) continue;
        const under = bounded(name, labels);
        // What is beyond the bound is one series: the sum of them.
        if (metric instanceof Gauge && Object.values(under).every((each) => each === OTHER)) {
          metric.inc(under, value);
        } else if (metric instanceof Gauge) metric.set(under, value);
        else if (metric instanceof Counter && value >= 0) metric.inc(under, value);
      }
    },
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function createMetric(name: MetricName, registry: Registry): AnyMetric {
  const { type, help, labels } = DEFINITIONS[name];
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  switch (type) {
    case "counter":
      return new Counter(options);
    case "gauge":
      return new Gauge(options);
    case "histogram":
      return new Histogram({ ...options, buckets: [...LATENCY_BUCKETS] });
  }
}
