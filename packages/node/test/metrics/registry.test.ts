import { describe, expect, it } from "vitest";
import { DEFINITIONS, PROCESS_METRICS } from "../../src/metrics/definitions.ts";
import { createMetrics, MAX_SERIES } from "../../src/metrics/registry.ts";

async function linesOf(metrics: ReturnType<typeof createMetrics>, name: string) {
  const text = await metrics.render();
  return text.split("\n").filter((line) => line.startsWith(name));
}

describe("the table of metrics", () => {
  it("names units as Prometheus does, and says in a sentence what each is", () => {
    for (const [name, { type, help, unit, labels }] of Object.entries(DEFINITIONS)) {
      expect(name).toMatch(/^mach_[a-z0-9]+(_[a-z0-9]+)*$/);
      expect(help).toMatch(/^[A-Z0-9].*\.$/);
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      if (type === "histogram") expect(unit).toBe("seconds");
      for (const each of ["seconds", "bytes", "ratio"]) {
        expect(name.endsWith(`_${each}`), name).toBe(unit === each);
      }
      expect(new Set(labels).size).toBe(labels.length);
    }
  });

  it("is exported whole, with each type, before anything was counted", async () => {
    const text = await createMetrics().render();
    for (const [name, { type }] of Object.entries(DEFINITIONS)) {
      expect(text).toContain(`# TYPE ${name} ${type}\n`);
    }
    for (const name of PROCESS_METRICS) expect(text).toContain(`# TYPE ${name} `);
  });
});

describe("the metrics of a node", () => {
  it("are counted, observed and replaced under their labels", async () => {
    const metrics = createMetrics();
    metrics.increment("mach_certificates_total", { rollup: "901" });
    metrics.increment("mach_certificates_total", { rollup: "901" }, 2);
    metrics.observe("mach_certificate_latency_seconds", { rollup: "901" }, 0.02);
    metrics.replace("mach_peers", [{ labels: { bound: "operator" }, value: 3 }]);
    metrics.replace("mach_peers", [{ labels: { bound: "nobody" }, value: 1 }]);
    expect(await linesOf(metrics, "mach_certificates_total")).toEqual([
      'mach_certificates_total{rollup="901"} 3',
    ]);
    expect(await linesOf(metrics, "mach_peers")).toEqual(['mach_peers{bound="nobody"} 1']);
    const seconds = "mach_certificate_latency_seconds";
    const lines = await linesOf(metrics, seconds);
    expect(lines).toContain(`${seconds}_bucket{le="0.01",rollup="901"} 0`);
    expect(lines).toContain(`${seconds}_bucket{le="0.025",rollup="901"} 1`);
    expect(lines).toContain(`${seconds}_count{rollup="901"} 1`);
  });

  it("take no time that a clock made up", async () => {
    const metrics = createMetrics();
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      metrics.observe("mach_signer_seconds", { result: "signed" }, value);
    }
    metrics.replace("mach_epoch", [{ labels: {}, value: Number.NaN }]);
    expect(await linesOf(metrics, "mach_signer_seconds_count")).toEqual([]);
    expect(await linesOf(metrics, "mach_epoch")).toEqual([]);
    metrics.replace("mach_epoch", [{ labels: {}, value: 7 }]);
    expect(await linesOf(metrics, "mach_epoch")).toEqual(["mach_epoch 7"]);
  });

  it("have a bound on series and on the length of labels, whatever is counted", async () => {
    const metrics = createMetrics();
    const name = "mach_gossip_refused_total";
    const labels = Array.from({ length: MAX_SERIES + 500 }, (_, i) => ({ code: `made-up-${i}` }));
    metrics.replace(
      name,
      labels.map((each) => ({ labels: each, value: 1 })),
    );
    const lines = await linesOf(metrics, name);
    expect(lines).toHaveLength(MAX_SERIES + 1);
    expect(lines.at(-1)).toBe(`${name}{code="other"} 500`);
    const rollup = "901";
    for (const { code: operator } of labels) {
      metrics.increment("mach_operator_attestations_total", { rollup, operator });
    }
    const counted = await linesOf(metrics, "mach_operator_attestations_total");
    expect(counted).toHaveLength(MAX_SERIES + 1);
    metrics.replace("mach_settlement_unread", [
      { labels: { rollup, reason: `a"\n\\${"x".repeat(500)}` }, value: 1 },
    ]);
    const [line] = await linesOf(metrics, "mach_settlement_unread");
    expect(line?.length).toBeLessThan(220);
  });
});
