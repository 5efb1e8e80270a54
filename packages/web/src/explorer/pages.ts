import { html } from "lit-html";
import type { Page, PageContext } from "./page.ts";
import { createAlertsPage } from "./page-alerts.ts";
import { createBlockPage } from "./page-block.ts";
import { createCertificatePage } from "./page-certificate.ts";
import { createCheckPage } from "./page-check.ts";
import { createEvidencePage } from "./page-evidence.ts";
import { createOperatorPage } from "./page-operator.ts";
import { createOperatorsPage } from "./page-operators.ts";
import { createOverviewPage } from "./page-overview.ts";
import { createRollupPage } from "./page-rollup.ts";
import { createSearchPage } from "./page-search.ts";
import { createTransactionPage } from "./page-transaction.ts";
import { createTrustPage } from "./page-trust.ts";
import type { Route } from "./route.ts";

/** The page of a route. */
export function createPage(context: PageContext, route: Route): Page {
  switch (route.page) {
    case "overview":
      return createOverviewPage(context);
    case "rollup":
      return createRollupPage(context, route.rollupId);
    case "block":
      return createBlockPage(context, route);
    case "transaction":
      return createTransactionPage(context, route);
    case "certificate":
      return createCertificatePage(context, route.certificateId);
    case "operators":
      return createOperatorsPage(context, route.epoch);
    case "operator":
      return createOperatorPage(context, route.operator);
    case "evidence":
      return createEvidencePage(context);
    case "alerts":
      return createAlertsPage(context);
    case "check":
      return createCheckPage(context);
    case "trust":
      return createTrustPage(context);
    case "search":
      return createSearchPage(context, route.text);
    case "not-found":
      return createNotFoundPage(route.path);
  }
}

function createNotFoundPage(path: string): Page {
  return {
    title: "No such page",
    view: () => html`<h1>No such page</h1>
      <section class="panel missing">
        <p>This explorer has no page at <code class="wrap">#/${path}</code>.</p>
        <p><a href="#/">To the overview</a></p>
      </section>`,
  };
}
