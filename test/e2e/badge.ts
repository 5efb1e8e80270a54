import { eventSchemas, parseDocument } from "@mach/api";
import type { Hex } from "@mach/core";
import { readEvents } from "@mach/sdk";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NO_CHROMIUM } from "../../packages/sdk/test/chromium.ts";
import {
  buildExamples,
  type PageServer,
  servePage,
} from "../../packages/web/test/badge/built-badge.ts";
import { read, until } from "./api.ts";
import { type InPath, startInPath, type WebNetwork } from "./web-network.ts";

const ROLLUP_ID = 901n;
/** Its operators compare headers, and execute nothing. */
const HEADER_ROLLUP_ID = 902n;
/** From the certificate's event to the badge, in the same run; in full runs alone it is a promise. */
const MAX_LATENCY_MS = process.env["MACH_LONG"] === "1" ? 1_000 : 20_000;

/** A browser beside a whole network on a busy machine takes its time. */
const PATIENCE_MS = 120_000;

/** What a badge told its page, and when. */
interface Heard {
  readonly atMs: number;
  readonly state: string;
  readonly code: string | null;
  readonly isVerified: boolean;
}

/** The badge's tests, on a network and in a browser that stand already. */
export function describeBadge(webOf: () => WebNetwork): void {
  describe("the badge", () => {
    let server: PageServer;
    let inPath: InPath;
    const contexts: BrowserContext[] = [];

    beforeAll(async () => {
      server = await servePage(await buildExamples());
      inPath = await startInPath(webOf().network.apiUrl);
    });
    afterEach(async () => {
      inPath.change = (text) => text;
      inPath.isSilent = false;
      await Promise.all(contexts.splice(0).map((context) => context.close()));
    });
    afterAll(async () => {
      await server?.stop();
      await inPath?.stop();
    });

    async function open(path: string, query: Readonly<Record<string, string>>): Promise<Page> {
      const { browser } = webOf();
      if (browser === null) throw new Error(NO_CHROMIUM);
      const context = await browser.newContext();
      contexts.push(context);
      const page = await context.newPage();
      await page.addInitScript(() => {
        const heard: unknown[] = [];
        Object.assign(globalThis, { heard });
        addEventListener("mach-finality-change", (event) => {
          const { state, code, isVerified } = (event as CustomEvent).detail;
          heard.push({ atMs: Date.now(), state, code, isVerified });
        });
      });
      await page.goto(`${server.url}${path}?${new URLSearchParams(query)}`);
      return page;
    }

    it("goes from observed to fast-final in a bare page, a wallet and React, as it is certified", {
      timeout: 400_000,
    }, async ({ skip }) => {
      const { browser, network } = webOf();
      if (browser === null) skip(NO_CHROMIUM);
      const rpc = network.rollups.find(({ rollupId }) => rollupId === ROLLUP_ID)?.rpcUrl ?? "";
      const asked = { ...questionOf(webOf()), endpoints: network.apiUrl };
      const certificates = followCertificates(network.apiUrl);
      const [plain, wallet, bridge] = [
        await open("plain.html", { ...asked, height: "0" }),
        await open("wallet.html", { ...asked, rpc }),
        await open("react.html", asked),
      ];
      const pages = [plain, wallet, bridge];
      await bridge.getByLabel("Transaction of the deposit").waitFor();
      try {
        // Operators that stand still sign nothing: the block is only observed until they go on.
        signalOperators(webOf(), "SIGSTOP");
        const transaction = await sendTransaction(rpc);
        await plain.evaluate((hash) => {
          const badge = document.querySelector("mach-finality");
          badge?.removeAttribute("height");
          badge?.setAttribute("transaction", hash);
        }, transaction);
        await wallet.getByRole("button", { name: "Send 1 wei" }).click();
        await bridge.getByLabel("Transaction of the deposit").fill(transaction);
        await Promise.all(pages.map((page) => becomes(page, "observed")));
        signalOperators(webOf(), "SIGCONT");
        await Promise.all(pages.map((page) => becomes(page, "fast-final")));
        for (const page of pages) {
          const block = await blockOf(page);
          const pushedMs = await until("the event of its certificate", async () =>
            certificates.atMs(block),
          );
          const finals = (await heardBy(page)).filter(({ state }) => state === "fast-final");
          expect(finals.at(-1)).toMatchObject({ isVerified: true, code: null });
          expect((finals.at(-1)?.atMs ?? Number.NaN) - pushedMs).toBeLessThan(MAX_LATENCY_MS);
          expect(await page.locator("mach-finality button.final").count()).toBe(1);
        }
        expect(await wallet.getByRole("button", { name: "Spend" }).isEnabled()).toBe(true);
        expect(await bridge.locator("output").textContent()).toBe("Released");
      } finally {
        signalOperators(webOf(), "SIGCONT");
        certificates.stop();
      }
    });

    it("turns to contradicted, in red and for good, when its endpoint says so", {
      timeout: 400_000,
    }, async ({ skip }) => {
      if (webOf().browser === null) skip(NO_CHROMIUM);
      const newest = () => certifiedHeight(webOf());
      const asked = { ...questionOf(webOf()), endpoints: inPath.url, height: await newest() };
      const page = await open("plain.html", asked);
      await findsInTime(page, { state: "fast-final" }, newest);
      inPath.change = contradict;
      await becomes(page, "contradicted");
      expect(await page.locator("mach-finality button.alarm").count()).toBe(1);
      inPath.change = (text) => text;
      await page.evaluate(() => dispatchEvent(new Event("online")));
      await becomes(page, "contradicted");
      expect((await heardBy(page)).at(-1)?.state).toBe("contradicted");
    });

    it("turns grey when its endpoint falls silent, and comes back with it", {
      timeout: 400_000,
    }, async ({ skip }) => {
      if (webOf().browser === null) skip(NO_CHROMIUM);
      const newest = () => certifiedHeight(webOf());
      const asked = { ...questionOf(webOf()), endpoints: inPath.url, height: await newest() };
      const page = await open("plain.html", { ...asked, "stale-after": "10" });
      await findsInTime(page, { state: "fast-final" }, newest);
      inPath.isSilent = true;
      await becomes(page, "stale");
      expect(await page.locator("mach-finality button.quiet").count()).toBe(1);
      inPath.isSilent = false;
      await becomes(page, "fast-final");
    });

    it("is never green by a level that operators did not sign", {
      timeout: 400_000,
    }, async ({ skip }) => {
      if (webOf().browser === null) skip(NO_CHROMIUM);
      const newest = () => certifiedHeight(webOf(), HEADER_ROLLUP_ID);
      inPath.change = (text) => text.replaceAll('"verification":1', '"verification":2');
      const asked = { ...questionOf(webOf(), HEADER_ROLLUP_ID), endpoints: inPath.url };
      const demand = { height: await newest(), "min-verification": "2" };
      const page = await open("plain.html", { ...asked, ...demand });
      await findsInTime(page, { state: "unknown", code: "malformed" }, newest);
      expect((await heardBy(page)).map(({ state }) => state)).not.toContain("fast-final");
      expect(await page.locator("mach-finality button.quiet").count()).toBe(1);
    });
  });
}

/** The attributes of a badge that checks by the network's L1. */
function questionOf({ network }: WebNetwork, rollupId = ROLLUP_ID) {
  const { domain, genesisTime } = network.deployment;
  return {
    rollup: `${rollupId}`,
    network: JSON.stringify({
      chainId: `${domain.chainId}`,
      registry: domain.verifyingContract,
      genesisTime: `${genesisTime}`,
      epochSeconds: "60",
    }),
    trust: network.l1.rpcUrl,
  };
}

function signalOperators({ network }: WebNetwork, signal: "SIGSTOP" | "SIGCONT"): void {
  for (const operator of network.operators) process.kill(operator.entry().pid, signal);
}

async function sendTransaction(rpcUrl: string): Promise<Hex> {
  const call = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const headers = { "content-type": "application/json" };
    const response = await fetch(rpcUrl, { method: "POST", headers, body });
    return ((await response.json()) as { readonly result: unknown }).result;
  };
  const [from] = (await call("eth_accounts", [])) as string[];
  const transfer = { from, to: `0x${"44".repeat(20)}`, value: "0x1" };
  return (await call("eth_sendTransaction", [transfer])) as Hex;
}

async function certifiedHeight({ network }: WebNetwork, rollupId = ROLLUP_ID): Promise<string> {
  const head = await until("a certificate", async () => {
    const { data } = await read(network.apiUrl, "finality", { rollupId });
    return data.fastFinal;
  });
  return `${head.blockNumber}`;
}

/**
 * What a page comes to that asks for a block certified just now. The network's sets count for two
 * minutes at most, and on a busy machine a page may come too late for one: then it asks for the newest.
 */
async function findsInTime(
  page: Page,
  wanted: Partial<Heard>,
  newest: () => Promise<string>,
): Promise<void> {
  const isSo = async (): Promise<true | null> => {
    const told = (await heardBy(page)).at(-1);
    if (told?.code === "stale-set") {
      await page.evaluate(
        (height) => {
          document.querySelector("mach-finality")?.setAttribute("height", height);
        },
        await newest(),
      );
    }
    const { state = told?.state, code = told?.code } = wanted;
    return told !== undefined && told.state === state && told.code === code ? true : null;
  };
  await tells(page, JSON.stringify(wanted), isSo);
}

/** When the node first pushed a certificate that covers a height. */
function followCertificates(apiUrl: string) {
  const pushed: { readonly blockNumber: bigint; readonly atMs: number }[] = [];
  const end = new AbortController();
  const url = new URL(`/v1/events?topics=certificate&rollupId=${ROLLUP_ID}`, apiUrl);
  const times = { idleMs: 45_000, retryMs: 500 };
  const { signal } = end;
  void readEvents(
    { url, fetch: globalThis.fetch, signal, ...times },
    {
      onEvent({ data }) {
        const parsed = parseDocument(eventSchemas.certificate, JSON.parse(data));
        if (!parsed.ok) return;
        const { blockNumber } = parsed.value.data.claim;
        pushed.push({ blockNumber, atMs: Date.now() });
      },
      onOpen: () => undefined,
    },
  );
  return {
    atMs: (height: bigint): number | null =>
      pushed.find(({ blockNumber }) => blockNumber >= height)?.atMs ?? null,
    stop: () => end.abort(),
  };
}

async function heardBy(page: Page): Promise<readonly Heard[]> {
  return (await page.evaluate(() => Reflect.get(globalThis, "heard"))) as readonly Heard[];
}

async function becomes(page: Page, wanted: string): Promise<void> {
  const isSo = async (): Promise<true | null> => {
    const states = await page.evaluate(() =>
      [...document.querySelectorAll("mach-finality")].map(({ detail }) => detail.state),
    );
    return states.length === 1 && states[0] === wanted ? true : null;
  };
  await tells(page, wanted, isSo);
}

/** Waits for it, and says what the badge told instead. */
async function tells(page: Page, what: string, isSo: () => Promise<true | null>): Promise<void> {
  try {
    await until(what, isSo, PATIENCE_MS);
  } catch (cause) {
    throw new Error(`the badge told ${JSON.stringify(await heardBy(page))}`, { cause });
  }
}

async function blockOf(page: Page): Promise<bigint> {
  const number = await page.evaluate(() => {
    const { block } = document.querySelector("mach-finality")?.detail ?? {};
    return String(block?.blockNumber);
  });
  return BigInt(number);
}

/** What a node says of a block that L1 contradicts. */
function contradict(text: string): string {
  const reason = { code: "contradicted", blockNumber: null, abstention: null };
  const whole = JSON.stringify({ ...reason, presentWeight: null, requiredWeight: null });
  return text
    .replaceAll('"status":"fast-final"', '"status":"contradicted"')
    .replaceAll('"reason":null', `"reason":${whole}`);
}
