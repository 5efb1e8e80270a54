import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { generatedFiles } from "../../../../scripts/configuration/files.ts";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { configFields, dotted, flatten } from "../../src/config/reference.ts";

const ROOT = new URL("../../../../", import.meta.url);
const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(
  configJsonSchema(),
);

function errorsIn(config: unknown): readonly string[] {
  validate(config);
  return (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`);
}

describe("what is made from the schema of the configuration", () => {
  it("is in the repository as the schema makes it", () => {
    for (const [path, text] of generatedFiles()) {
      const command = "npx tsx --conditions=@mach/source scripts/configuration.ts";
      expect(readFileSync(new URL(path, ROOT), "utf8"), `run ${command} (${path})`).toBe(text);
    }
  });

  it("names every field in the reference", () => {
    const page = generatedFiles().get("docs/configuration.md");
    for (const field of flatten(configFields())) {
      const name = dotted(field.path);
      expect(page).toContain(field.kind === "value" ? `**\`${name}\`**` : `\n## ${name}\n`);
    }
  });

  it("accepts the configuration of the operator's guide, and a network's name in it", () => {
    const guide = readFileSync(new URL("docs/operating.md", ROOT), "utf8");
    const example = /```yaml\n(dataDir: .*?)```/s.exec(guide)?.[1] ?? "";
    const config = parse(example) as object;
    expect(errorsIn(config)).toEqual([]);
    expect(errorsIn({ ...config, network: "local", $schema: "x" })).toEqual([]);
  });

  it("lets an editor see what the program would refuse", () => {
    const config = {
      dataDir: 5,
      netwrok: "local",
      network: { chainId: 1, registry: "0x12" },
      l1: { rpcUrls: ["ftp://a"], pollMs: 1 },
      rollups: [{ rollupId: "x", rpcUrls: "http://a", rpc: { maxBatch: 0 } }],
    };
    expect(errorsIn(config).filter((error) => !error.endsWith("anyOf"))).toEqual(
      expect.arrayContaining([
        " additionalProperties",
        "/dataDir type",
        "/network/registry pattern",
        "/l1/rpcUrls/0 pattern",
        "/l1/pollMs minimum",
        "/rollups/0/rollupId pattern",
        "/rollups/0/rpc/maxBatch minimum",
      ]),
    );
  });
});
