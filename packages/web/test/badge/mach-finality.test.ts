import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { findChromium, NO_CHROMIUM } from "../../../sdk/test/chromium.ts";
import { forge, NOW, ROLLUP } from "../../../sdk/test/signed-network.ts";
import { buildBadge, servePage } from "./built-badge.ts";
import { CERTIFICATE, CHAIN, startNodes, TRUSTING } from "./page-of-badges.ts";

const PATIENT = { timeout: 20_000, interval: 20 };
const SCRIPT = "mach-finality.js";
const program = findChromium();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let files: ReadonlyMap<string, Buffer>;
let browser: Browser;

beforeAll(async () => {
  const built = await buildBadge();
  files = new Map([...built].filter(([name]) => name.endsWith(".js")));
  // Its own sandbox needs rights that a container may not have, and the pages are ours.
  const options = { args: ["--no-sandbox", "--disable-dev-shm-usage"], timeout: 120_000 };
  if (program !== null) browser = await chromium.launch({ executablePath: program, ...options });
}, 120_000);

afterAll(async () => {
  await browser?.close();
});

/** The shortest page that shows a badge. */
function pageWith(attributes: Readonly<Record<string, string>>): string {
  const written = Object.entries(attributes).map(
    ([name, value]) => ` ${name}="${value.replaceAll('"', "&quot;")}"`,
  );
  return (
    '<!doctype html><html lang="en"><title>A wallet</title>' +
    `<script type="module" src="/${SCRIPT}"></script>` +
    `<main><h1>A wallet</h1><mach-finality${written.join("")}></mach-finality></main>`
  );
}

interface OpenPage {
  readonly page: Page;
  readonly state: () => Promise<string>;
  /** What the page, and nobody else, was asked for. */
  readonly asked: readonly string[];
  /** Origins that the page has sent anything to. */
  readonly origins: () => readonly string[];
  /** Serves one more of the built files. */
  readonly serve: (name: string) => void;
}

/** Opens it in the test network's time, under a policy that allows no inline style and no eval. */
async function open(
  html: string,
  endpoints: readonly string[],
  served: readonly string[] = [...files.keys()],
): Promise<OpenPage> {
  const policy =
    "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'; " +
    `connect-src ${endpoints.join(" ")}`;
  const headers = { "content-security-policy": policy };
  const all = new Map<string, string | Buffer>([["index.html", html]]);
  const serve = (name: string): void => void all.set(name, files.get(name) ?? "");
  for (const name of served) serve(name);
  const server = await servePage(all, headers);
  const context = await browser.newContext({ bypassCSP: false });
  const page = await context.newPage();
  onTestFinished(async () => {
    await context.close();
    await server.stop();
  });
  const requested: string[] = [];
  page.on("request", (request) => requested.push(new URL(request.url()).origin));
  await page.addInitScript((now) => {
    const real = Date.now;
    const shift = now - real();
    Object.assign(globalThis, { skippedMs: 0 });
    Date.now = () => real() + shift + Number(Reflect.get(globalThis, "skippedMs"));
  }, NOW);
  await page.goto(server.url);
  return {
    page,
    state: () => page.evaluate(() => document.querySelector("mach-finality")?.detail?.state ?? ""),
    asked: server.asked,
    serve,
    origins: () => [...new Set(requested)].filter((origin) => `${origin}/` !== server.url),
  };
}

const tone = async (page: Page): Promise<string | null> =>
  await page.locator("mach-finality button").getAttribute("class");

it("is a few kB without what checks, which is a file of its own", () => {
  const sizes = [...files].map(([name, bytes]) => ({
    name,
    gzipped: gzipSync(bytes, { level: 9 }).byteLength,
  }));
  expect(sizes).toHaveLength(2);
  expect(sizes.find(({ name }) => name === SCRIPT)?.gzipped).toBeLessThan(14_000);
  expect(sizes.find(({ name }) => name !== SCRIPT)?.gzipped).toBeLessThan(60_000);
});

it("is loaded where there are no elements, and does nothing", async () => {
  const { defineMachFinality, MachFinalityElement } = await import("../../src/index.ts");
  defineMachFinality();
  await import("../../src/badge/define.ts");
  expect(typeof MachFinalityElement).toBe("function");
  expect("customElements" in globalThis).toBe(false);
});

it("asks nobody but its endpoints, and checks nothing unless it is asked to", {
  timeout: 120_000,
}, async ({ skip }) => {
  if (program === null) skip(NO_CHROMIUM);
  const [node] = await startNodes(1);
  const endpoints = node?.url ?? "";
  const badge = await open(pageWith({ endpoints, rollup: `${ROLLUP}`, height: "10" }), [endpoints]);
  await expect.poll(badge.state, PATIENT).toBe("fast-final");
  expect(await tone(badge.page)).toBe("info");
  expect(badge.asked).toEqual(["/", `/${SCRIPT}`]);
  expect(badge.origins().map((origin) => `${origin}/`)).toEqual([endpoints]);
});

it("turns green when it has checked, grey when its endpoint falls silent, and tells of both", {
  timeout: 120_000,
}, async ({ skip }) => {
  if (program === null) skip(NO_CHROMIUM);
  const [node] = await startNodes(1);
  node?.putChain(CHAIN, null);
  const endpoints = node?.url ?? "";
  const subject = { rollup: `${ROLLUP}`, height: "10" };
  const html = pageWith({ endpoints, ...subject, ...TRUSTING });
  const { page, state } = await open(html, [endpoints]);
  await expect.poll(state, PATIENT).toBe("observed");
  expect(await tone(page)).toBe("pending");
  await page.evaluate(() => {
    const heard: unknown[] = [];
    Object.assign(globalThis, { heard });
    document.addEventListener("mach-finality-change", (event) => {
      const { state, isVerified } = (event as CustomEvent).detail;
      heard.push([state, isVerified]);
    });
  });
  await expect.poll(() => node?.streams(), PATIENT).toBe(1);
  node?.putChain(CHAIN, CERTIFICATE);
  node?.pushFinality();
  await expect.poll(state, PATIENT).toBe("fast-final");
  expect(await tone(page)).toBe("final");
  const isMarked = "mach-finality:state(fast-final):state(verified)";
  expect(await page.locator(isMarked).count()).toBe(1);

  const button = page.locator("mach-finality button");
  await button.focus();
  await page.keyboard.press("Enter");
  const details = page.locator("mach-finality [popover]");
  await expect.poll(() => details.isVisible(), PATIENT).toBe(true);
  expect(await details.textContent()).toContain(
    "70 of 100 weight signed, 70 %; 66.67 % was needed",
  );
  await page.keyboard.press("Escape");
  await expect.poll(() => details.isVisible(), PATIENT).toBe(false);

  node?.hang();
  await page.evaluate(() => Object.assign(globalThis, { skippedMs: 60_000 }));
  await expect.poll(state, PATIENT).toBe("stale");
  expect(await tone(page)).toBe("quiet");
  const live = page.locator("mach-finality [aria-live=polite]");
  expect(await live.textContent()).toContain("Out of date.");
  const heard = await page.evaluate(() => Reflect.get(globalThis, "heard"));
  const [last, ...earlier] = [...(heard as unknown[])].reverse();
  expect(last).toEqual(["stale", false]);
  expect(earlier[0]).toEqual(["fast-final", true]);
});

it("is never green by a tampered certificate", { timeout: 120_000 }, async ({ skip }) => {
  if (program === null) skip(NO_CHROMIUM);
  const [node] = await startNodes(1);
  node?.putChain(CHAIN, { ...CERTIFICATE, ...forge(CERTIFICATE) });
  const endpoints = node?.url ?? "";
  const html = pageWith({ endpoints, rollup: `${ROLLUP}`, height: "10", ...TRUSTING });
  const { page, state } = await open(html, [endpoints]);
  const code = () => page.evaluate(() => document.querySelector("mach-finality")?.detail?.code);
  await expect.poll(code, PATIENT).toBe("bad-signature");
  expect([await state(), await tone(page)]).toEqual(["unknown", "quiet"]);
});

it("turns green once what checks can be loaded, though it could not be at first", {
  timeout: 120_000,
}, async ({ skip }) => {
  if (program === null) skip(NO_CHROMIUM);
  const [node] = await startNodes(1);
  const endpoints = node?.url ?? "";
  const html = pageWith({ endpoints, rollup: `${ROLLUP}`, height: "10", ...TRUSTING });
  const verifier = [...files.keys()].find((name) => name !== SCRIPT) ?? "";
  const { page, state, asked, serve } = await open(html, [endpoints], [SCRIPT]);
  const code = () => page.evaluate(() => document.querySelector("mach-finality")?.detail?.code);
  await expect.poll(code, PATIENT).toBe("verifier-unavailable");
  expect(asked).toContain(`/${verifier}`);
  serve(verifier);
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await expect.poll(state, PATIENT).toBe("fast-final");
  expect(await tone(page)).toBe("final");
});

it("asks anew when its attributes change, and nothing once it is removed", {
  timeout: 120_000,
}, async ({ skip }) => {
  if (program === null) skip(NO_CHROMIUM);
  const [node] = await startNodes(1);
  const endpoints = node?.url ?? "";
  const html = pageWith({ endpoints, rollup: `${ROLLUP}`, height: "10" });
  const { page, state } = await open(html, [endpoints]);
  await expect.poll(state, PATIENT).toBe("fast-final");
  // At once: no old answer is ever read for a new question.
  const between = await page.evaluate(() => {
    const badge = document.querySelector("mach-finality");
    badge?.setAttribute("height", "99");
    const { state: changed } = badge?.detail ?? {};
    badge?.setAttribute("height", "ninety-nine");
    return [changed, badge?.detail?.state, badge?.detail?.code];
  });
  expect(between).toEqual(["unknown", "unknown", "bad-attribute"]);
  expect(await tone(page)).toBe("quiet");
  await page.evaluate(() => document.querySelector("mach-finality")?.setAttribute("height", "9"));
  await expect.poll(state, PATIENT).toBe("fast-final");
  await expect.poll(() => node?.streams(), PATIENT).toBe(1);
  await page.evaluate(() => document.querySelector("mach-finality")?.remove());
  await expect.poll(() => node?.streams(), PATIENT).toBe(0);
});

it.for(["light", "dark"] as const)(
  "has no violation that axe finds, %s",
  {
    timeout: 120_000,
  },
  async (colorScheme, { skip }) => {
    if (program === null) skip(NO_CHROMIUM);
    const [node] = await startNodes(1);
    const endpoints = node?.url ?? "";
    const html = pageWith({ endpoints, rollup: `${ROLLUP}`, height: "10", ...TRUSTING });
    const { page, state } = await open(html, [endpoints]);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate((scheme) => {
      document.documentElement.style.colorScheme = scheme;
    }, colorScheme);
    await expect.poll(state, PATIENT).toBe("fast-final");
    await page.locator("mach-finality button").click();
    await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      const { run } = Reflect.get(globalThis, "axe") as {
        run: () => Promise<{ violations: readonly { id: string }[] }>;
      };
      return (await run()).violations.map(({ id }) => id);
    });
    expect(found).toEqual([]);
  },
);
