import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { MAX_BLOCK_FILE_BYTES, parseBlockFile, parseBlockJson } from "../src/block-file.ts";
import { rulesAt } from "../src/rules.ts";
import { readRealFile } from "./support/real-blocks.ts";

const file = readRealFile(26207960);
const json = JSON.parse(gunzipSync(file).toString("utf8")) as Record<string, unknown>;

function codeOf(bytes: Uint8Array): string {
  const parsed = parseBlockFile(bytes);
  return parsed.ok ? "ok" : parsed.verdict.code;
}

function codeWith(part: string, changes: Record<string, unknown>): string {
  const value = { ...(json[part] as Record<string, unknown>), ...changes };
  const parsed = parseBlockJson({ ...json, [part]: value });
  return parsed.ok ? "ok" : parsed.verdict.code;
}

describe("a block file", () => {
  it("is read gzipped or not", () => {
    expect(codeOf(file)).toBe("ok");
    expect(codeOf(gunzipSync(file))).toBe("ok");
  });

  it("that is cut short, or no JSON, is malformed", () => {
    expect(codeOf(file.subarray(0, 1000))).toBe("malformed");
    expect(codeOf(gunzipSync(file).subarray(0, 1000))).toBe("malformed");
    expect(codeOf(new TextEncoder().encode("<html>"))).toBe("malformed");
    expect(codeOf(new Uint8Array())).toBe("malformed");
  });

  it("that would decompress beyond the limit is too large, and is not decompressed", () => {
    const chunk = new Uint8Array(1024 * 1024);
    const member = gzipSync(chunk);
    const bomb = Buffer.concat(
      Array.from({ length: MAX_BLOCK_FILE_BYTES / chunk.length + 1 }, () => member),
    );
    expect(codeOf(bomb)).toBe("too-large");
  });

  it.each(["[],", "{},", "[", '"",', '{"a":'])(
    "of nothing but %s, which parsed would take all memory, is too large",
    (part) => {
      const bomb = gzipSync(part.repeat(9_000_000));
      expect(codeOf(bomb)).toBe("too-large");
    },
  );

  it.each([
    ["executing_payload", { gasLimit: "0xzz" }],
    ["executing_payload", { timestamp: -1 }],
    ["executing_payload", { transactions: ["0x123"] }],
    ["executing_payload", { prevRandao: "0x12" }],
    ["parent_header", { stateRoot: "0x12" }],
    ["parent_header", { number: 1.5 }],
    ["rollup_config", { l2_chain_id: "901" }],
    ["witness", { "0x12": 7 }],
  ])("with a wrong field in %s: %j is malformed", (part, changes) => {
    expect(codeWith(part, changes)).toBe("malformed");
  });

  it("without a part of it is malformed", () => {
    for (const part of ["rollup_config", "parent_header", "executing_payload", "witness"]) {
      const { [part]: _, ...rest } = json;
      expect(parseBlockJson(rest)).toMatchObject({ ok: false, verdict: { code: "malformed" } });
    }
  });

  it("with a preimage under another's hash is refused", () => {
    const [hash] = Object.keys(json["witness"] as object);
    expect(codeWith("witness", { [hash ?? ""]: "0x1234" })).toBe("wrong-preimage");
  });

  it("names its forks: one that is not known has no rules", () => {
    const config = { ...(json["rollup_config"] as object), strange_time: 1745000000 };
    const parsed = parseBlockJson({ ...json, rollup_config: config });
    if (!parsed.ok) throw new Error(parsed.verdict.code);
    const { rules } = parsed.input;
    expect(rulesAt(rules, 1744230000n)?.opFork).toBe("holocene");
    expect(rulesAt(rules, 1745000000n)).toBeNull();
  });
});
