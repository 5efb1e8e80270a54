/** One dashboard: what it is for, and its panels from the top left on. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
}

export interface Panel {
  readonly title: string;
  /** What it shows and what is wrong when it looks wrong. */
  readonly description: string;
  readonly kind: "stat" | "timeseries" | "table";
  /** Grafana's name of a unit. */
  readonly unit: "short" | "s" | "bytes" | "percentunit" | "ops" | "none";
  readonly queries: readonly Query[];
  /** Of the 24 columns. */
  readonly width: 6 | 8 | 12 | 24;
}

/** PromQL, and how its series are named. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** The selector of the nodes that are looked at. */
export const ON = 'instance=~"$instance"';
/** The same, of the rollups that are looked at. */
export const AT = `${ON},rollup=~"$rollup"`;

/** A quantile of a histogram over five minutes. */
export function quantile(of: number, metric: string, by: string, selector: string): string {
  return `histogram_quantile(${of}, sum by (le, ${by}) (rate(${metric}_bucket{${selector}}[5m])))`;
}

/** The median and the tail of a latency by rollup. */
export function latency(title: string, metric: string, description: string): Panel {
  return {
    title,
    description,
    ...{ kind: "timeseries", unit: "s", width: 8 },
    queries: [0.5, 0.99].map((of) => ({
      expr: quantile(of, metric, "rollup", AT),
      legend: `{{rollup}} p${of * 100}`,
    })),
  };
}
