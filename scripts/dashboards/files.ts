import { ALERT_GROUPS, renderRules } from "./alert-rules.ts";
import { renderDashboard } from "./grafana.ts";
import { DASHBOARDS } from "./panels.ts";

const DEPLOY = "packages/node/deploy";

/** Every file that is made from the definitions: path from the root of the repository, and text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...DASHBOARDS.map(
      (dashboard) =>
        [`${DEPLOY}/grafana/${dashboard.uid}.json`, renderDashboard(dashboard)] as const,
    ),
    [`${DEPLOY}/prometheus/alerts.yaml`, renderRules(ALERT_GROUPS)] as const,
  ]);
}
