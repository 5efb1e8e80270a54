import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig } from "vite";

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The badge's examples as a server for trying them out; built, only the page that needs it. */
export default defineConfig({
  root: fileOf("examples"),
  base: "./",
  resolve: { conditions: ["@mach/source", ...defaultClientConditions] },
  publicDir: false,
  plugins: [
    {
      name: "badge-from-source",
      resolveId: (id) => (id.endsWith("/mach-finality.js") ? fileOf("src/badge/define.ts") : null),
    },
  ],
  build: {
    target: "es2022",
    outDir: fileOf("dist/examples"),
    emptyOutDir: true,
    rolldownOptions: { input: fileOf("examples/react.html") },
  },
});
