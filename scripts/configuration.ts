/*
 * Writes what is made from the schema of the node's configuration, docs/configuration.md and the JSON
 * schema for editors: `npx tsx --conditions=@mach/source scripts/configuration.ts`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedFiles } from "./configuration/files.ts";

const ROOT = join(import.meta.dirname, "..");

for (const [path, text] of generatedFiles()) {
  writeFileSync(join(ROOT, path), text);
  process.stderr.write(`${path}\n`);
}
