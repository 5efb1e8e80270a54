import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { DEFINITIONS, PROCESS_METRICS } from "../../src/metrics/definitions.ts";
import { runNode } from "./running-node.ts";

/** The series of a scrape: names, labels and values. */
function seriesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe("a node that runs", () => {
  it("exports every metric of the table, each with the labels that it names and no others", async () => {
    const node = await runNode();
    onTestFinished(() => node.stop());
    await fetch(`${node.apiUrl}/v1/network`);
    await fetch(`${node.apiUrl}/v1/no/such/path`);
    const text = await node.scrape();
    for (const [name, { type }] of Object.entries(DEFINITIONS)) {
      expect(text).toContain(`# TYPE ${name} ${type}\n`);
    }
    for (const name of PROCESS_METRICS) expect(text).toContain(`# TYPE ${name} `);
    const series = seriesOf(text);
    for (const key of series.keys()) {
      const [, name = "", labels = ""] =
        /^(mach_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})?$/.exec(key) ?? [];
      const definition = Object.entries(DEFINITIONS).find(([known]) => known === name)?.[1];
      if (definition === undefined) {
        expect(key.startsWith("mach_"), key).toBe(false);
        continue;
      }
      const names = [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label]) => label);
      const own = names.filter((label) => label !== "le");
      expect(own.toSorted(), key).toEqual(definition.labels.toSorted());
    }
    // What first appears at 1 has not increased: these alert on their first.
    expect(series.get('mach_contradictions_total{rollup="902"}')).toBe(0);
    expect(series.get('mach_evidence_total{kind="double-attestation"}')).toBe(0);
    expect(series.get("mach_epoch")).toBeGreaterThanOrEqual(0);
    expect(series.get('mach_operator_set_known{epoch="current"}')).toBe(0);
    expect(series.get('mach_peers{bound="nobody"}')).toBe(0);
    expect(series.get("mach_bls_threads")).toBe(1);
    expect(series.get('mach_queue_capacity{queue="outbox"}')).toBe(1_024);
    expect(series.get('mach_queue_depth{queue="event-clients"}')).toBe(0);
    expect(series.get('mach_store_bytes{store="store"}')).toBeGreaterThan(0);
    expect(series.get("mach_disk_free_bytes")).toBeGreaterThan(0);
    expect(series.get('mach_settlement_unread{rollup="902",reason="no-settlement-source"}')).toBe(
      1,
    );
    const answered = 'mach_http_request_seconds_count{route="';
    await expect
      .poll(async () => [...seriesOf(await node.scrape()).keys()], { timeout: 20_000 })
      .toEqual(
        expect.arrayContaining([
          `${answered}/v1/network",status="2xx"}`,
          `${answered}unrouted",status="4xx"}`,
        ]),
      );
    await node.stop();
    await expect(node.scrape()).rejects.toThrow();
  });
});

it("metrics are on the loopback unless told otherwise, and off unless asked for", () => {
  const flags = {
    ...{ dataDir: "data", "network.chainId": "1", "network.registry": `0x${"5f".repeat(20)}` },
    "l1.rpcUrls": "http://127.0.0.1:1",
    rollups: '[{ rollupId: "902", rpcUrls: "http://127.0.0.1:1" }]',
  };
  const off = loadConfig({ flags });
  expect(off.ok && off.config.metrics).toBeUndefined();
  const on = loadConfig({ flags: { ...flags, metrics: "{}" } });
  expect(on.ok && on.config.metrics).toEqual({ host: "127.0.0.1", port: 4560 });
});
