import type { Dashboard, Panel } from "./panel.ts";

const COLUMNS = 24;
const PANEL_HEIGHT = 8;
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in, not JavaScript.
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };
/** Of the schema that Grafana 10 and later read. */
const SCHEMA_VERSION = 39;

/** A dashboard as Grafana imports it: the same text for the same definition. */
export function renderDashboard({ uid, title, description, panels }: Dashboard): string {
  const document = {
    ...{ uid, title, description, tags: ["mach"], schemaVersion: SCHEMA_VERSION },
    ...{ editable: true, refresh: "10s", time: { from: "now-1h", to: "now" }, timezone: "" },
    templating: { list: VARIABLES },
    panels: place(panels),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const VARIABLES = [
  {
    ...{ name: "datasource", type: "datasource", query: "prometheus", label: "Source" },
  },
  variable("instance", "Node", "label_values(mach_node_info, instance)"),
  variable("rollup", "Rollup", "label_values(mach_rollup_participation_ratio, rollup)"),
];

function variable(name: string, label: string, query: string): object {
  const all = { includeAll: true, multi: true, current: { text: "All", value: "$__all" } };
  return {
    ...{ name, label, type: "query", datasource: DATASOURCE, refresh: 2, ...all },
    query: { query, refId: name },
    definition: query,
  };
}

/** From left to right, and below where a row is full. */
function place(panels: readonly Panel[]): readonly object[] {
  let [x, y] = [0, 0];
  return panels.map((panel, index) => {
    if (x + panel.width > COLUMNS) [x, y] = [0, y + PANEL_HEIGHT];
    const gridPos = { x, y, w: panel.width, h: PANEL_HEIGHT };
    x += panel.width;
    return renderPanel(panel, { id: index + 1, gridPos });
  });
}

function renderPanel(
  panel: Panel,
  placed: { readonly id: number; readonly gridPos: object },
): object {
  const { title, description, kind, unit, queries } = panel;
  const isInstant = kind !== "timeseries";
  return {
    ...placed,
    ...{ title, description, type: kind, datasource: DATASOURCE },
    fieldConfig: { defaults: { unit }, overrides: [] },
    options:
      kind === "timeseries"
        ? { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } }
        : {},
    ...(kind === "table" && { transformations: TABLE }),
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      ...{ datasource: DATASOURCE, expr, legendFormat: legend },
      ...(isInstant ? { instant: true, range: false, format: "time_series" } : { range: true }),
    })),
  };
}

/** Each series becomes a row: its name, and its last value. */
const TABLE = [{ id: "reduce", options: { reducers: ["lastNotNull"] } }];
