import { html, nothing, type TemplateResult } from "lit-html";
import { formatSpan } from "../shared/format.ts";
import { type Clock, elapsedMs } from "./clock.ts";
import type { ChosenEndpoint } from "./endpoint.ts";
import { SILENT_AFTER_MS } from "./head-verdict.ts";
import type { LiveState } from "./live-network.ts";
import { viewChip } from "./parts.ts";
import type { ReaderTrust } from "./reader-trust.ts";
import { linkTo, type Route } from "./route.ts";
import { FAILURE_WORDS } from "./words.ts";

/** What stands around every page. */
export interface Frame {
  readonly state: LiveState;
  readonly chosen: ChosenEndpoint;
  readonly route: Route;
  readonly trust: ReaderTrust | null;
  readonly clock: Clock;
  readonly content: TemplateResult;
  readonly onSearch: (text: string) => void;
  readonly onTheme: () => void;
}

const LINKS: readonly (readonly [name: string, route: Route])[] = [
  ["Overview", { page: "overview" }],
  ["Operators", { page: "operators", epoch: null }],
  ["Evidence", { page: "evidence" }],
  ["Alerts", { page: "alerts" }],
  ["Check", { page: "check" }],
];
const SECTIONS: { readonly [Name in Route["page"]]: string } = {
  overview: "Overview",
  rollup: "Overview",
  block: "Overview",
  transaction: "Overview",
  certificate: "Check",
  operators: "Operators",
  operator: "Operators",
  evidence: "Evidence",
  alerts: "Alerts",
  check: "Check",
  trust: "",
  search: "",
  "not-found": "",
};

/** The whole page: header, what is wrong with the node, the content, and what it rests on. */
export function viewFrame(frame: Frame): TemplateResult {
  const { content } = frame;
  return html`<a class="skip" href="#content" @click=${skipToContent}>To the content</a>
    ${viewHeader(frame)}
    ${viewTrouble(frame)}
    <main id="content" tabindex="-1">${content}</main>
    ${viewFooter(frame)}`;
}

function viewHeader({ route, state, onSearch, onTheme }: Frame): TemplateResult {
  const submit = (event: Event): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const text = String(new FormData(form).get("text") ?? "").trim();
    if (text !== "") onSearch(text);
    form.reset();
  };
  const standing = state.alerts.filter(({ clearedAt }) => clearedAt === null).length;
  return html`<header class="top">
    <a class="brand" href="#/">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" /><path d="M7 23V10l9 8 9-8v13" />
      </svg>
      MACH
    </a>
    <nav aria-label="Pages">
      ${LINKS.map(
        ([name, to]) => html`<a href=${linkTo(to)}
          aria-current=${SECTIONS[route.page] === name ? "page" : "false"}>${name}${
            name === "Alerts" && standing > 0
              ? html`<span class="count">${standing}<span class="hidden"> standing</span></span>`
              : nothing
          }</a>`,
      )}
    </nav>
    <form class="search" role="search" @submit=${submit}>
      <label class="hidden" for="search">Height, hash, transaction, operator or certificate</label>
      <input id="search" name="text" type="search" autocomplete="off" spellcheck="false"
        maxlength="200" required aria-describedby="search-hint" />
      <span id="search-hint" class="search-hint">height, hash, operator …</span>
      <button type="submit" aria-label="Search">
        <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.5" /><path d="M10.5 10.5L14 14" /></svg>
      </button>
    </form>
    <button type="button" class="theme" aria-label="Light or dark" title="Light or dark" @click=${onTheme}>
      <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6" /><path d="M8 2a6 6 0 0 1 0 12z" /></svg>
    </button>
  </header>`;
}

function viewTrouble({ state, chosen, clock }: Frame): TemplateResult {
  const { fault, heardAt } = state;
  const silentMs = heardAt === null ? null : elapsedMs(heardAt, clock());
  const isSilent = silentMs !== null && silentMs > SILENT_AFTER_MS;
  const isDown = fault !== null && (heardAt === null || isSilent);
  return html`<div class="banners">
    ${
      chosen.isForeign
        ? html`<p class="banner info">
            This page reads <code>${chosen.endpoint}</code>, as its address asks. That is not the
            site that serves this page.
          </p>`
        : nothing
    }
    <div role="alert">
      ${
        isDown || isSilent
          ? html`<p class="banner alarm">
              <b>${silentMs === null ? "The node does not answer." : `Nothing from the node for ${formatSpan(silentMs)}.`}</b>
              ${fault === null ? "What is shown may have changed since." : (FAILURE_WORDS[fault.code] ?? fault.code)}
              Nothing here may be called final until it is heard again.
            </p>`
          : nothing
      }
    </div>
  </div>`;
}

function viewFooter({ state, trust, chosen, clock }: Frame): TemplateResult {
  const { network, health, isStreaming, heardAt } = state;
  const now = clock();
  const isHeard = heardAt !== null && elapsedMs(heardAt, now) <= SILENT_AFTER_MS;
  const connection = !isHeard ? "not heard" : isStreaming ? "live" : "asked every 1.5 s";
  return html`<footer>
    <dl>
      <div><dt>Node</dt><dd><code>${new URL(chosen.endpoint).host}</code>, ${
        health === null
          ? "health unknown"
          : `${health.role}, ${health.peers} peers, ${health.status}`
      }</dd></div>
      <div><dt>Connection</dt><dd>${viewChip(isHeard ? "info" : "quiet", connection)}
        ${heardAt === null ? nothing : html`<span class="muted">heard ${formatSpan(elapsedMs(heardAt, now))} ago</span>`}</dd></div>
      <div><dt>Network</dt><dd>${
        network === null
          ? "unknown"
          : `chain ${network.domain.chainId}, epoch ${network.currentEpoch ?? "none yet"}`
      }</dd></div>
      <div><dt>Whose word</dt><dd><a href=${linkTo({ page: "trust" })}>${
        trust === null ? "the set that this node names" : "your own trust"
      }</a></dd></div>
      <div><dt>For programs</dt><dd><a href=${new URL("/docs", chosen.endpoint).href}>API</a></dd></div>
    </dl>
  </footer>`;
}

/** The fragment of the address names the page, so that a link into the page itself is not one. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}
