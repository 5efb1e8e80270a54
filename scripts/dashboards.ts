/*
 * Writes the dashboards and alert rules that `packages/node/deploy` holds, from the definitions in
 * scripts/dashboards: `npx tsx scripts/dashboards.ts`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generatedFiles } from "./dashboards/files.ts";

const ROOT = join(import.meta.dirname, "..");

for (const [path, text] of generatedFiles()) {
  const file = join(ROOT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  process.stderr.write(`${path}\n`);
}
