import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { findChromium, NO_CHROMIUM } from "../packages/sdk/test/chromium.ts";
import { setup as buildPackages } from "./checks/built-packages.ts";
import { startLocalNetwork } from "./local-network/local-network.ts";

const PICTURE = fileURLToPath(new URL("../docs/explorer.png", import.meta.url));
const SIZE = { width: 1200, height: 800 };
/** Long enough that the latencies of so many blocks are drawn. */
const WATCHED_MS = 60_000;
const MAX_BYTES = 150_000;
const PATIENCE_MS = 300_000;

/**
 * Takes the README's picture: the explorer of a local network of its own, a minute after its first
 * certificates. Run: npx tsx --conditions=@mach/source scripts/screenshot.ts
 */
async function main(): Promise<void> {
  const program = findChromium();
  if (program === null) throw new Error(NO_CHROMIUM);
  await buildPackages();
  const folder = mkdtempSync(join(tmpdir(), "mach-screenshot-"));
  const network = await startLocalNetwork({ folder: join(folder, "network") });
  try {
    const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
    const page = await browser.newPage({ viewport: SIZE, colorScheme: "light", locale: "en-GB" });
    await page.goto(`${network.apiUrl}/`);
    await page.locator(".card.final").nth(1).waitFor({ timeout: PATIENCE_MS });
    await sleep(WATCHED_MS);
    await page.locator(".card.final").nth(1).waitFor({ timeout: PATIENCE_MS });
    writeFileSync(PICTURE, await page.screenshot({ animations: "disabled" }));
    await browser.close();
  } finally {
    await network.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const { size } = statSync(PICTURE);
  if (size > MAX_BYTES) throw new Error(`the picture has ${size} bytes, more than ${MAX_BYTES}`);
  console.log(`${PICTURE}: ${size} bytes`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
