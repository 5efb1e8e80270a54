import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ALERT_GROUPS } from "../../../../scripts/dashboards/alert-rules.ts";
import { generatedFiles } from "../../../../scripts/dashboards/files.ts";
import { DASHBOARDS } from "../../../../scripts/dashboards/panels.ts";
import { DEFINITIONS } from "../../src/metrics/definitions.ts";
import { runNode } from "./running-node.ts";

const ROOT = new URL("../../../../", import.meta.url);

function readText(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}

const RULES = ALERT_GROUPS.flatMap(({ rules }) => rules);
const EXPRESSIONS: readonly string[] = [
  ...DASHBOARDS.flatMap(({ panels }) =>
    panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)),
  ),
  ...RULES.map(({ expr }) => expr),
];
/** What Prometheus itself adds to each series. */
const SCRAPE_LABELS = ["instance", "job", "le"];

/** The metrics that an expression reads, with the labels that it selects them by. */
function selectorsOf(expr: string): readonly { name: string; labels: readonly string[] }[] {
  return [...expr.matchAll(/\b((?:mach|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = "", selector = ""]) => ({
      name,
      labels: [...selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = ""]) => label),
    }),
  );
}

describe("the dashboards and alert rules", () => {
  it("are in the repository as their definitions make them", () => {
    for (const [path, text] of generatedFiles()) {
      expect(readText(path), `run npx tsx scripts/dashboards.ts (${path})`).toBe(text);
    }
  });

  it("are PromQL to Prometheus' own grammar", () => {
    for (const expr of EXPRESSIONS) {
      // Grafana fills its variables in before.
      const errors: number[] = [];
      parser.parse(expr.replaceAll(/\$\w+/g, "x")).iterate({
        enter({ type, from }) {
          if (type.isError) errors.push(from);
        },
      });
      expect(errors, expr).toEqual([]);
    }
  });

  it("name only metrics that a running node exports, and labels that these have", async () => {
    const node = await runNode();
    const text = await node.scrape().finally(() => node.stop());
    const types = new Map(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]),
    );
    const definitions = new Map(Object.entries(DEFINITIONS));
    for (const expr of EXPRESSIONS) {
      const selectors = selectorsOf(expr);
      expect(selectors.length > 0 || /^up\{/.test(expr), expr).toBe(true);
      const known = new Set(SCRAPE_LABELS);
      for (const { name, labels } of selectors) {
        const family = name.replace(/_(?:bucket|sum|count)$/, "");
        const isPart = types.get(name) === undefined;
        const type = types.get(isPart ? family : name);
        expect(type, `${name} in ${expr}`).toBeDefined();
        if (isPart) expect(["histogram", "summary"], name).toContain(type);
        if (type === "histogram") expect(isPart, `${name} in ${expr}`).toBe(true);
        const own = definitions.get(isPart ? family : name)?.labels ?? [];
        for (const label of own) known.add(label);
        for (const label of labels) expect([...own, ...SCRAPE_LABELS], expr).toContain(label);
      }
      for (const [, list = ""] of expr.matchAll(/(?:by|on|ignoring) \(([^)]*)\)/g)) {
        for (const label of list.split(/, ?/)) expect([...known], expr).toContain(label);
      }
    }
  });

  it("show every metric of the table somewhere", () => {
    const shown = new Set(EXPRESSIONS.flatMap((expr) => selectorsOf(expr)).map(({ name }) => name));
    const isShown = (name: string): boolean =>
      ["", "_bucket", "_sum", "_count"].some((part) => shown.has(`${name}${part}`));
    expect(Object.keys(DEFINITIONS).filter((name) => !isShown(name))).toEqual([]);
  });

  it("rate counters alone, and name legends by labels that are there", () => {
    for (const expr of EXPRESSIONS) {
      for (const [, name = ""] of expr.matchAll(/(?:rate|increase)\((mach_\w+?)[{[]/g)) {
        expect(name, expr).toMatch(/_(?:total|bucket|sum|count)$/);
      }
    }
    const labels = new Set<string>(SCRAPE_LABELS);
    for (const { labels: own } of Object.values(DEFINITIONS))
      for (const each of own) labels.add(each);
    const texts = DASHBOARDS.flatMap(({ panels }) =>
      panels.flatMap(({ queries }) => queries.map(({ legend }) => legend)),
    );
    for (const [, label = ""] of texts.join("\n").matchAll(/\{\{(\w+)\}\}/g)) {
      expect([...labels]).toContain(label);
    }
  });

  it("are what Grafana and Prometheus read, with distinct names", () => {
    for (const [path, text] of generatedFiles()) {
      if (!path.endsWith(".json")) continue;
      const { panels, uid } = JSON.parse(text) as {
        readonly uid: string;
        readonly panels: readonly { id: number; gridPos: { x: number; w: number } }[];
      };
      expect(path).toContain(uid);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
    const rules = parse(readText("packages/node/deploy/prometheus/alerts.yaml")) as {
      readonly groups: readonly { readonly rules: readonly { alert: string; expr: string }[] }[];
    };
    const read = rules.groups.flatMap((group) => group.rules);
    expect(read.map(({ alert, expr }) => [alert, expr])).toEqual(
      RULES.map(({ alert, expr }) => [alert, expr]),
    );
    expect(new Set(RULES.map(({ alert }) => alert)).size).toBe(RULES.length);
  });
});

describe("the runbook", () => {
  const runbook = readText("docs/runbook.md");
  const headings = new Set([...runbook.matchAll(/^#+ `?([\w-]+)`?$/gm)].map(([, name]) => name));

  it("has a part for every rule", () => {
    const own = RULES.map(({ alert }) => alert).filter((alert) => !/^MachAlert/.test(alert));
    expect(own.filter((alert) => !headings.has(alert))).toEqual([]);
  });

  it("has a part for every alert that a node raises", () => {
    const files = ["announcer", "follow-rollups", "epoch-watcher", "execution-gate"];
    files.push(
      "rollback-guard",
      "weight-keeper",
      "settled-claims-dispute",
      "settled-claims-follower",
    );
    const paths = [...files.map((name) => `engine/${name}`), "replica/mirror"];
    const codes = paths.flatMap((path) => {
      const source = readText(`packages/node/src/${path}.ts`);
      expect(source).toContain("alerts");
      return [...source.matchAll(/code: "([a-z0-9-]+)"[^{}]{0,80}\brollupId\b/g)].map(
        ([, code]) => code,
      );
    });
    expect(codes.length).toBeGreaterThan(25);
    expect(codes.filter((code) => !headings.has(code ?? ""))).toEqual([]);
  });
});
