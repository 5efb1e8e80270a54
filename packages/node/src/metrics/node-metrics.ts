import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { epochAt } from "@mach/core";
import type { MetricsConfig } from "../config.ts";
import type { Foundation } from "../foundation.ts";
import { NodeError } from "../node-error.ts";
import { collectFacts, collectParticipation, type NodeFacts } from "./collect.ts";
import { createRecorder, type Recorder, type RecorderPorts } from "./recorder.ts";
import { createMetrics, type Metrics } from "./registry.ts";
import { createMetricsServer, type MetricsServer } from "./server.ts";

export interface NodeMetricsPorts extends Omit<RecorderPorts, "metrics"> {
  readonly foundation: Pick<Foundation, "folder" | "verifier" | "store" | "schedule">;
  readonly logger: { error(fields: object, message: string): void };
  readonly facts: () => NodeMetricsFacts;
  /** What the store comes to, bytes; null while nobody can tell. */
  readonly forecast: () => number | null;
}

export type NodeMetricsFacts = Omit<NodeFacts, "verifier" | "alerts">;

/** A node's metrics, recorded as things happen and served to Prometheus. */
export interface NodeMetrics extends Pick<Recorder, "announce" | "onAlert" | "timed"> {
  /** Undefined where nobody counts: to be told of it costs each answer its time. */
  readonly onAnswered: Recorder["onAnswered"] | undefined;
  /** Where they are served, or null. Throws a NodeError `metrics-unusable`. */
  start(): Promise<string | null>;
  stop(): Promise<void>;
}

/** Of a node that is not asked for metrics: what nobody can read is not counted. */
const NO_METRICS: NodeMetrics = {
  announce: () => undefined,
  onAlert: () => undefined,
  timed: (signer) => signer,
  onAnswered: undefined,
  start: async () => null,
  stop: async () => undefined,
};

/** The metrics of one node, with their server, where `config` asks for them. */
export function createNodeMetrics(
  ports: NodeMetricsPorts,
  config: MetricsConfig | undefined,
): NodeMetrics {
  if (config === undefined) return NO_METRICS;
  const metrics = createMetrics();
  const recorder = createRecorder({ ...ports, metrics });
  const server = createServer(ports, { metrics, recorder, config });
  return {
    announce: (announcement) => recorder.announce(announcement),
    onAlert: (alert) => recorder.onAlert(alert),
    timed: (signer) => recorder.timed(signer),
    onAnswered: (answered) => recorder.onAnswered(answered),
    async start() {
      const listening = await server.start();
      if (!listening.ok) throw new NodeError("metrics-unusable", listening.message);
      return listening.url;
    },
    stop: () => server.stop(),
  };
}

function createServer(
  ports: NodeMetricsPorts,
  parts: {
    readonly metrics: Metrics;
    readonly recorder: Recorder;
    readonly config: MetricsConfig;
  },
): MetricsServer {
  const { metrics, recorder, config } = parts;
  const { folder, verifier, store } = ports.foundation;
  return createMetricsServer(
    {
      async render() {
        const alerts = recorder.standingAlerts();
        collectFacts(metrics, { ...ports.facts(), verifier: verifier.statistics(), alerts });
        const epoch = epochAt(ports.foundation.schedule, BigInt(Math.floor(ports.now() / 1_000)));
        const records = epoch === null ? [] : await store.participation(epoch);
        collectParticipation(metrics, records);
        const forecast = ports.forecast();
        const expected = forecast === null ? [] : [{ labels: {}, value: forecast }];
        metrics.replace("mach_store_forecast_bytes", expected);
        await collectDisk(metrics, folder);
        return await metrics.render();
      },
      contentType: metrics.contentType,
      onFault: (err) => ports.logger.error({ err }, "metrics could not be collected"),
    },
    config,
  );
}

async function collectDisk(metrics: Metrics, folder: Foundation["folder"]): Promise<void> {
  const stores = [
    ["store", folder.storePath],
    ["protection", folder.protectionPath],
    ["journal", folder.journalPath],
  ] as const;
  const sizes = await Promise.all(
    stores.map(async ([store, path]) => ({ labels: { store }, value: await bytesOf(path) })),
  );
  metrics.replace(
    "mach_store_bytes",
    sizes.filter(({ value }) => value > 0),
  );
  const disk = await statfs(folder.path).catch(() => null);
  const free = disk === null ? [] : [{ labels: {}, value: disk.bavail * disk.bsize }];
  metrics.replace("mach_disk_free_bytes", free);
}

/** Of a file, or of the files of a folder; 0 where there is none. */
async function bytesOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (found === null) return 0;
  if (!found.isDirectory()) return found.size;
  const names = await readdir(path).catch(() => []);
  const files = await Promise.all(names.map((name) => stat(join(path, name)).catch(() => null)));
  return files.reduce((sum, file) => sum + (file?.isFile() ? file.size : 0), 0);
}
