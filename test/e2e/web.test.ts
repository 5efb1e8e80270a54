import { join } from "node:path";
import { encodeCertificate } from "@mach/api";
import axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NO_CHROMIUM } from "../../packages/sdk/test/chromium.ts";
import { read, until } from "./api.ts";
import { describeBadge } from "./badge.ts";
import { SCREENSHOTS, startInPath, startWebNetwork, type WebNetwork } from "./web-network.ts";

const ROLLUP_ID = 901n;
/** A browser beside a whole network on a busy machine takes its time. */
const PATIENCE_MS = 60_000;
const START_MS = 400_000;
/** Of all that the first page loads, gzipped. */
const MAX_FIRST_PAGE_BYTES = 250_000;
/** A certificate that this browser has checked. */
const SOUND = ".verdict.final";
const SIGHTS = [
  { name: "desktop", colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { name: "phone", colorScheme: "dark", viewport: { width: 390, height: 844 } },
] as const;

/** Each page, by an address of what the network has now, and what shows that it is there. */
const PAGES: readonly (readonly [
  name: string,
  pathOf: () => string | Promise<string>,
  shown: string,
])[] = [
  ["overview", () => "#/", ".card.final >> nth=1"],
  ["rollup", () => "#/rollups/901", "td .chip.final >> nth=3"],
  ["block", async () => `#/rollups/901/blocks/${(await certificate()).claim.blockNumber}`, SOUND],
  ["transaction", () => `#/rollups/901/transactions/${transaction}`, "text=Proven in this browser"],
  ["certificate", async () => `#/certificates/${(await certificate()).certificateId}`, SOUND],
  ["operators", () => "#/operators", "tbody tr >> nth=3"],
  ["operator", async () => `#/operators/${await operator()}`, "text=By epoch and rollup"],
  ["evidence", () => "#/evidence", "text=keeps none"],
  ["alerts", () => "#/alerts", "text=Standing"],
  ["check", () => "#/check", "textarea"],
  ["trust", () => "#/trust", "text=What this node names"],
  [
    "search",
    async () => `#/search/${(await certificate()).claim.blockNumber - 3n}`,
    "text=rollup 902",
  ],
  ["missing", () => "#/rollups/901/blocks/99999999", "text=Looked for"],
];

let web: WebNetwork;
let transaction: string;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  web = await startWebNetwork();
  transaction = await sendTransaction();
}, START_MS);
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});
afterAll(async () => {
  await web?.stop();
});

async function sendTransaction(): Promise<string> {
  const rpcUrl = web.network.rollups[0]?.rpcUrl ?? "";
  const call = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const headers = { "content-type": "application/json" };
    const answer = (await (await fetch(rpcUrl, { method: "POST", headers, body })).json()) as {
      readonly result: unknown;
    };
    return answer.result;
  };
  const [from] = (await call("eth_accounts", [])) as string[];
  const sent = [{ from, to: `0x${"33".repeat(20)}`, value: "0x1" }];
  const hash = (await call("eth_sendTransaction", sent)) as `0x${string}`;
  const asked = { rollupId: ROLLUP_ID, transactionHash: hash };
  const proofOf = async () => (await read(web.network.apiUrl, "transaction", asked)).data.proof;
  await until("the transaction's proof", proofOf, START_MS);
  return hash;
}

interface Opened {
  readonly page: Page;
  /** Where each request of the page went. */
  readonly origins: Set<string>;
  /** What the browser complained of. */
  readonly complaints: string[];
}

async function open(
  path: string,
  options: { readonly sight?: (typeof SIGHTS)[number]; readonly endpoint?: string } = {},
): Promise<Opened> {
  const { sight = SIGHTS[0], endpoint } = options;
  if (web.browser === null) throw new Error(NO_CHROMIUM);
  const { viewport, colorScheme } = sight;
  const context = await web.browser.newContext({ viewport, colorScheme, locale: "en-GB" });
  contexts.push(context);
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const origins = new Set<string>();
  const complaints: string[] = [];
  context.on("request", (request) => origins.add(new URL(request.url()).origin));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  const query = endpoint === undefined ? "" : `?endpoint=${encodeURIComponent(endpoint)}`;
  await page.goto(`${web.network.apiUrl}/${query}${path}`);
  return { page, origins, complaints };
}

/** What axe-core finds of WCAG 2.2 A and AA that is serious or critical. */
async function violationsOf(page: Page): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page);
  // By the debugger, because the page's policy lets no other script in.
  await session.send("Runtime.evaluate", { expression: axe.source });
  const { result } = await session.send("Runtime.evaluate", {
    expression: `axe.run({ resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(
      violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map((node) => node.html).join(" | "))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return JSON.parse(String(result.value)) as readonly string[];
}

async function certificate() {
  const { data } = await read(web.network.apiUrl, "finality", { rollupId: ROLLUP_ID });
  if (data.certificate === null) throw new Error("no certificate");
  return data.certificate;
}

async function operator(): Promise<string> {
  const { data } = await read(web.network.apiUrl, "operators", {});
  return data[0]?.operator ?? "";
}

/** The same with other signatures: right in form, and of nobody's hand. */
function tamper(text: string): string {
  return text.replaceAll(/("signature":\s*"0x[0-9a-f]{20})([0-9a-f])/g, (_, before, digit) => {
    return `${before}${digit === "0" ? "1" : "0"}`;
  });
}

describe("the explorer that a node serves", () => {
  it("shows every page with live data, at both widths and in both themes, for everyone", {
    timeout: 600_000,
  }, async ({ skip }) => {
    if (web.browser === null) skip(NO_CHROMIUM);
    for (const sight of SIGHTS) {
      const { page, origins, complaints } = await open("#/", { sight });
      for (const [name, pathOf, shown] of PAGES) {
        const path = await pathOf();
        await page.evaluate((hash) => {
          location.hash = hash;
        }, path);
        await page.locator(shown).first().waitFor();
        const picture = join(SCREENSHOTS, `${name}-${sight.name}.png`);
        await page.screenshot({ path: picture, fullPage: true });
        expect([name, sight.name, await violationsOf(page)]).toEqual([name, sight.name, []]);
        const wider = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect([name, sight.name, wider]).toEqual([name, sight.name, 0]);
      }
      expect([...origins]).toEqual([web.network.apiUrl]);
      expect(complaints).toEqual([]);
    }
  });

  it("loads its first page in less than a photograph", async ({ skip }) => {
    if (web.browser === null) skip(NO_CHROMIUM);
    const { page } = await open("#/");
    await page.locator(".card.final").first().waitFor();
    const loaded = await page.evaluate(() =>
      (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
        .concat(performance.getEntriesByType("navigation") as PerformanceResourceTiming[])
        .map(({ name, transferSize }) => ({ name, transferSize })),
    );
    const [worker] = page.workers();
    const names = loaded.map(({ name }) => name);
    // The worker's own file is no resource of the page.
    const apart = worker === undefined || names.includes(worker.url()) ? [] : [worker.url()];
    const sizes = await Promise.all(apart.map(gzippedSizeOf));
    const bytes = [...loaded.map(({ transferSize }) => transferSize), ...sizes];
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(MAX_FIRST_PAGE_BYTES);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(50_000);
  });

  it("verifies by the reader's own L1 node, and refuses what was changed", {
    timeout: 240_000,
  }, async ({ skip }) => {
    if (web.browser === null) skip(NO_CHROMIUM);
    const { page } = await open("#/trust");
    await page.getByLabel("URL of the L1 node").fill(web.network.l1.rpcUrl);
    const { verifyingContract } = web.network.deployment.domain;
    await page.getByLabel("Registry, from").fill(verifyingContract);
    await page.getByRole("button", { name: "Trust this L1 node" }).click();
    await page.getByText("You trust the L1 node").waitFor();
    await page.getByRole("link", { name: "Check", exact: true }).click();
    const good = JSON.stringify(encodeCertificate(await certificate()));
    await page.getByLabel("Certificate, as JSON").fill(good);
    await page.getByRole("button", { name: "Check it" }).click();
    await page.locator(".verdict.final", { hasText: "Verified" }).waitFor();
    await page.getByLabel("Certificate, as JSON").fill(tamper(good));
    await page.getByRole("button", { name: "Check it" }).click();
    await page.locator(".verdict.alarm", { hasText: "Refused" }).waitFor();
    expect(await page.locator("main .final").count()).toBe(0);
    await page.getByLabel("Certificate, as JSON").fill("{}");
    await page.getByRole("button", { name: "Check it" }).click();
    await page.getByText("That is no certificate").waitFor();
  });

  it("never says verified against a registry that is not the network's", async ({ skip }) => {
    if (web.browser === null) skip(NO_CHROMIUM);
    const { page } = await open("#/trust");
    await page.getByLabel("URL of the L1 node").fill(web.network.l1.rpcUrl);
    await page.getByLabel("Registry, from").fill(`0x${"12".repeat(20)}`);
    await page.getByRole("button", { name: "Trust this L1 node" }).click();
    await page.getByText("has no registry at that address").waitFor();
    // A hash that no set has: the node can name no operators that hash to it.
    const { claim } = await certificate();
    await page.getByLabel("Epoch").fill(String(claim.epoch));
    await page.getByLabel("operatorSetHash").fill(`0x${"ab".repeat(32)}`);
    await page.getByRole("button", { name: "Trust this hash" }).click();
    await page.getByRole("link", { name: "Overview" }).click();
    await page.locator(".card.alarm", { hasText: "Does not verify" }).first().waitFor();
    expect(await page.locator("main .final").count()).toBe(0);
  });

  it("shows nothing green from a node that serves forgeries, or falls silent", {
    timeout: 240_000,
  }, async ({ skip }) => {
    if (web.browser === null) skip(NO_CHROMIUM);
    const inPath = await startInPath(web.network.apiUrl);
    try {
      inPath.change = tamper;
      const { page } = await open("#/", { endpoint: inPath.url });
      await page.getByText("That is not the site that serves this page").waitFor();
      await page.locator(".card.alarm", { hasText: "Does not verify" }).nth(1).waitFor();
      expect(await page.locator("main .final").count()).toBe(0);
      inPath.change = (text) => text;
      await page.locator(".card.final").nth(1).waitFor();
      inPath.isSilent = true;
      await page.locator(".card.silent", { hasText: "Out of date" }).nth(1).waitFor();
      await page.getByText("Nothing from the node for").waitFor();
      expect(await page.locator("main .final").count()).toBe(0);
      await page.screenshot({ path: join(SCREENSHOTS, "silent-desktop.png"), fullPage: true });
    } finally {
      await inPath.stop();
    }
  });

  it("says what was looked for, and where, of what the node does not know", async ({ skip }) => {
    if (web.browser === null) skip(NO_CHROMIUM);
    const hash = `0x${"77".repeat(32)}`;
    const unknown: readonly (readonly [path: string, lookedFor: string])[] = [
      [`#/rollups/901/blocks/${hash}`, `block ${hash} of rollup 901`],
      [`#/rollups/901/transactions/${hash}`, `transaction ${hash} of rollup 901`],
      [`#/operators/0x${"77".repeat(20)}`, `operator 0x${"77".repeat(20)}`],
      [`#/certificates/${hash}`, `certificate ${hash}`],
      ["#/rollups/77", "rollup 77"],
      ["#/epochs/99999", "operators of epoch 99999"],
    ];
    const { page } = await open("#/");
    for (const [path, lookedFor] of unknown) {
      await page.evaluate((fragment) => {
        location.hash = fragment;
      }, path);
      const missing = page.locator(".missing", { hasText: lookedFor });
      await missing.waitFor();
      expect(await missing.textContent()).toContain(web.network.apiUrl);
      expect(await page.locator("main .final").count()).toBe(0);
    }
  });

  it("is used by the keyboard alone: past the header, to a search, to its one hit", async ({
    skip,
  }) => {
    if (web.browser === null) skip(NO_CHROMIUM);
    const { page } = await open("#/");
    await page.locator(".card").first().waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");
    await page.getByRole("searchbox").focus();
    await page.keyboard.type(transaction);
    await page.keyboard.press("Enter");
    await page.getByText("Proven in this browser").waitFor();
    expect(new URL(page.url()).hash).toBe(`#/rollups/901/transactions/${transaction}`);
  });
});

describeBadge(() => web);

async function gzippedSizeOf(url: string): Promise<number> {
  const answer = await fetch(url, { method: "HEAD", headers: { "accept-encoding": "gzip" } });
  return Number(answer.headers.get("content-length") ?? Number.NaN);
}
