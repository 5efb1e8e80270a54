import { defaultClientConditions, defineConfig } from "vite";

/** Addresses are relative, so that the page works below any path of a static host. */
export default defineConfig({
  base: "./",
  resolve: { conditions: ["@mach/source", ...defaultClientConditions] },
  build: {
    target: "es2022",
    // What vite would put into the page itself, the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    outDir: process.env["MACH_SITE_FOLDER"] ?? "dist/site",
    emptyOutDir: true,
  },
  worker: { format: "es" },
});
