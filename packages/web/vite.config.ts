import { defaultClientConditions, defineConfig } from "vite";

/** Addresses are relative, so that the page works below any path of a static host. */
export default defineConfig({
  base: "./",
  resolve: { conditions: ["@mach/source", ...defaultClientConditions] },
  build: {
    target: "es2022",
    // As old as light-dark() is, which would otherwise be rewritten.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // What vite would put into the page itself, the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    outDir: "dist/site",
    emptyOutDir: true,
    // What is bundled keeps the licences of those who wrote it.
    license: { fileName: "LICENSES.md" },
  },
  worker: { format: "es" },
});
