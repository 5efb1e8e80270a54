import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const FILE = fileURLToPath(
  new URL(
    "../../../../test/vectors/rollups/op/reexecution/block-26207960.json.gz",
    import.meta.url,
  ),
);
const HASH = "0xdb32d9ddfa5fd26c9fb0260bbfa53da88326aa2a465e34d75180564aa31b851e";
const folder = documentFolder();
const block = JSON.parse(gunzipSync(readFileSync(FILE)).toString("utf8")) as Record<
  string,
  unknown
>;

describe("mach execute", () => {
  it("says of a real block that it is valid", async () => {
    expect(await machJson("execute", FILE)).toEqual({
      exitCode: 0,
      outcome: "valid",
      blockHash: HASH,
      gasUsed: "953624",
      milliseconds: expect.any(Number),
      surplus: 12,
    });
  });

  it("says what differs, with exit code 1", async () => {
    const expected_block_hash = `0x${"12".repeat(32)}`;
    const path = folder.write("other.json", { ...block, expected_block_hash });
    expect(await machJson("execute", path)).toMatchObject({
      exitCode: 1,
      outcome: "invalid",
      field: "blockHash",
      expected: HASH,
      got: expected_block_hash,
    });
  });

  it("says what is missing, with exit code 1", async () => {
    const path = folder.write("lacking.json", { ...block, witness: {} });
    expect(await machJson("execute", path)).toMatchObject({
      exitCode: 1,
      outcome: "unverifiable",
      code: "missing-preimage",
      missing: [{ kind: "trie-node" }],
    });
    expect(await machJson("execute", folder.write("none.json", {}))).toMatchObject({
      exitCode: 1,
      outcome: "unverifiable",
      code: "malformed",
    });
  });

  it("takes one file that can be read, and a number of seconds", async () => {
    expect((await mach("execute")).exitCode).toBe(2);
    expect((await mach("execute", "/nowhere.json.gz")).exitCode).toBe(2);
    expect((await mach("execute", FILE, "--timeout", "0")).exitCode).toBe(2);
  });
});
