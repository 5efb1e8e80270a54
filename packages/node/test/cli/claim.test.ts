import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { documentFolder, mach, machJson } from "./cli-runs.ts";

interface OpVector {
  readonly chainId: number;
  readonly header: Readonly<Record<string, string>>;
  readonly expected: { readonly hash: string; readonly outputRootV0?: string };
}

function readVectors<T>(path: string): T {
  const url = new URL(`../../../../test/vectors/rollups/${path}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

const folder = documentFolder();
const opVectors = readVectors<readonly OpVector[]>("op/headers.json");
const l1Vectors = readVectors<{
  readonly cases: readonly { readonly name: string; readonly header: Record<string, string> }[];
}>("l1/headers.json");

function claim(stack: string, block: unknown): Promise<unknown> {
  return machJson("claim", "--stack", stack, "--block", folder.write("block.json", block));
}

describe("mach claim", () => {
  it.each(opVectors)("recomputes a real op block of chain $chainId", async (vector) => {
    const expected = {
      exitCode: 0,
      blockNumber: BigInt(vector.header["number"] ?? "").toString(),
      blockHash: vector.expected.hash,
      stateRoot: vector.header["stateRoot"],
      outputRoot: vector.expected.outputRootV0 ?? null,
      timestamp: BigInt(vector.header["timestamp"] ?? "").toString(),
    };
    expect(await claim("op", vector.header)).toEqual(expected);
    expect(await claim("op", vector)).toEqual(expected);
    expect(await claim("op", { jsonrpc: "2.0", id: 1, result: vector.header })).toEqual(expected);
  });

  it("finds a block whose hash is not its fields'", async () => {
    const [vector] = opVectors;
    const forged = { ...vector?.header, stateRoot: `0x${"11".repeat(32)}` };
    expect(await claim("op", forged)).toEqual({ exitCode: 1, code: "hash-mismatch" });
  });

  it("recomputes real L1 headers as stack evm, with a zero output root", async () => {
    const vector = l1Vectors.cases.find((each) => each.name.endsWith("success"));
    expect(await claim("evm", vector)).toMatchObject({
      exitCode: 0,
      blockHash: vector?.header["hash"],
      outputRoot: `0x${"00".repeat(32)}`,
    });
  });

  it("says malformed of what is no block", async () => {
    for (const content of ["no JSON", {}, null, { header: 1 }]) {
      expect(await claim("op", content)).toEqual({ exitCode: 1, code: "malformed" });
    }
  });

  it("tells a person which field is at fault", async () => {
    const block = folder.write("block.json", { ...opVectors[0]?.header, miner: "0x12" });
    const run = await mach("claim", "--stack", "op", "--block", block);
    expect(run).toMatchObject({ exitCode: 1, stderr: "" });
    expect(run.stdout).toContain("miner");
  });

  it("calls an unknown stack and a missing block wrong usage", async () => {
    expect(await claim("solana", {})).toMatchObject({ exitCode: 2, code: "wrong-usage" });
    expect(await machJson("claim", "--stack", "op")).toMatchObject({ exitCode: 2 });
    const nowhere = ["claim", "--stack", "op", "--block", "nowhere.json"];
    expect(await machJson(...nowhere)).toMatchObject({ exitCode: 2 });
  });
});
