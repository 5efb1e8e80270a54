import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig } from "vite";

/** The badge for pages without a bundler: one small file, and another that only checking loads. */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  resolve: { conditions: ["@mach/source", ...defaultClientConditions] },
  publicDir: false,
  build: {
    target: "es2022",
    lib: { entry: "src/badge/define.ts", formats: ["es"], fileName: "mach-finality" },
    outDir: "dist/badge-script",
    emptyOutDir: true,
    // What is bundled keeps the licences of those who wrote it.
    license: { fileName: "LICENSES.md" },
    rolldownOptions: {
      // What both files need stays in the first one.
      preserveEntrySignatures: "allow-extension",
      output: { minify: true, chunkFileNames: "mach-finality-[name]-[hash].js" },
    },
  },
});
