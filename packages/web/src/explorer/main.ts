import "./no-eval.ts";
import { createNodeReader } from "@mach/sdk/reader";
import { html, render } from "lit-html";
import { THEME_CSS } from "../shared/theme.ts";
import { createCheckerHandle } from "./checker-handle.ts";
import { browserClock } from "./clock.ts";
import { type ChosenEndpoint, chooseEndpoint } from "./endpoint.ts";
import { viewFrame } from "./frame.ts";
import { followNetwork } from "./live-network.ts";
import type { Page, PageContext } from "./page.ts";
import { createPage } from "./pages.ts";
import { loadTrust, saveTrust } from "./reader-trust.ts";
import { linkTo, parseRoute, type Route } from "./route.ts";

/** Ages run on, and what has become old greys, without a word from the node. */
const TICK_MS = 500;
const THEME_KEY = "mach-theme";

function startExplorer(root: HTMLElement, chosen: ChosenEndpoint): void {
  const reader = createNodeReader({ endpoint: chosen.endpoint });
  let trust = loadTrust(browserStorage);
  let route = parseRoute(location.hash);
  let isDrawing = false;

  const live = followNetwork({
    reader,
    createChecker: (network) =>
      createCheckerHandle(
        () => new Worker(new URL("./checker-worker.ts", import.meta.url), { type: "module" }),
        { endpoint: reader.endpoint, network },
      ),
    trust: () => trust,
    clock: browserClock,
    onChange: () => update(),
  });
  const context: PageContext = {
    ...{ reader, live, clock: browserClock, update },
    trust: () => trust,
    setTrust(chosenTrust) {
      trust = chosenTrust;
      saveTrust(browserStorage, chosenTrust);
      live.recheck();
    },
    navigate: (to) => location.replace(linkTo(to)),
  };
  let page: Page = createPage(context, route);

  function update(): void {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      draw();
    });
  }

  function draw(): void {
    const { state } = live;
    const content = html`<div class="page page-${route.page}">${page.view()}</div>`;
    const onSearch = (text: string): void => {
      location.hash = linkTo({ page: "search", text });
    };
    const around = { state, chosen, route, trust, clock: browserClock, onSearch, onTheme };
    render(viewFrame({ ...around, content }), root);
    document.title = `${page.title} · MACH explorer`;
  }

  function show(next: Route): void {
    page.stop?.();
    route = next;
    page = createPage(context, route);
    draw();
    scrollTo(0, 0);
    // Who hears the page rather than sees it is told where they are.
    document.getElementById("content")?.focus({ preventScroll: true });
  }

  addEventListener("hashchange", () => show(parseRoute(location.hash)));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) live.refresh();
    update();
  });
  setInterval(update, TICK_MS);
  draw();
}

function browserStorage(): Storage {
  return localStorage;
}

function onTheme(): void {
  const { documentElement: root } = document;
  const isDark =
    root.dataset["theme"] === undefined
      ? matchMedia("(prefers-color-scheme: dark)").matches
      : root.dataset["theme"] === "dark";
  const theme = isDark ? "light" : "dark";
  root.dataset["theme"] = theme;
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    // A browser that keeps nothing shows what its system prefers, the next time.
  }
}

function restoreTheme(): void {
  try {
    const theme = localStorage.getItem(THEME_KEY);
    if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
  } catch {
    // Storage may be refused.
  }
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(THEME_CSS);
document.adoptedStyleSheets = [sheet];
restoreTheme();
const root = document.getElementById("app");
const chosen = chooseEndpoint(location);
if (root !== null && chosen !== null) startExplorer(root, chosen);
else if (root !== null) {
  render(
    html`<main><h1>Which node?</h1>
      <p>The address of this page names no node: <code>?endpoint=</code> takes a scheme, a host and a
        port, such as <code>https://node.example</code>.</p></main>`,
    root,
  );
}
