import { configFields, configJsonSchema } from "@mach/node";
import { renderReference } from "./reference.ts";

/** Every file that is made from the schema: path from the root of the repository, and text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/configuration.md", renderReference(configFields())],
    ["packages/node/config.schema.json", `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
  ]);
}
