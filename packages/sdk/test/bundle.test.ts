import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { bundleForBrowsers } from "./browser-bundle.ts";

it("the client with its BLS is below 60 kB for a browser, gzipped, and has nothing of Node", async () => {
  const bundle = await bundleForBrowsers('export { createMachClient } from "../src/index.ts";');
  const bytes = gzipSync(bundle, { level: 9 }).byteLength;
  expect(bytes).toBeLessThan(60_000);
  // Without the pairing it would be half of that, and verify nothing.
  expect(bytes).toBeGreaterThan(40_000);
});
