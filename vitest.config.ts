import { defineConfig } from "vitest/config";

const conditions = ["@mach/source"];
/** Floods, measurements and a browser beside a network: two cores have no time for them each time. */
const LONG = ["test/e2e/{bench,web}.test.ts", "test/hostile/*.test.ts"];

export default defineConfig({
  resolve: { conditions: [...conditions, "module", "node", "import", "default"] },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // Tests that start the program as a process start the built one.
    globalSetup: "./scripts/checks/built-packages.ts",
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "test/*.test.ts"],
          testTimeout: 30_000,
          // By default one core is left to vitest itself.
          maxWorkers: 2,
          // Each file would load libp2p and ethers once more, for a sixth of the whole time. What
          // must not be shared runs in a process of its own anyway.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/{e2e,hostile}/**/*.test.ts"],
          exclude: process.env["MACH_LONG"] === "1" ? [] : LONG,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          // Each has a network of its own, and waits for blocks and epochs most of the time.
          maxWorkers: 3,
        },
      },
    ],
  },
});
