import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
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

  it.each([
    ["op", "op/headers.json"],
    ["op", "op/output-at-block.json"],
    ["op", "op/holocene-headers.json"],
    ["orbit", "orbit/headers.json"],
    ["cdk", "cdk/full-blocks.json"],
    ["zk", "zk/era-mainnet-block-legacy-hash.json"],
    ["evm", "l1/headers.json"],
  ])("prints the claims of every real header of stack %s in %s", async (stack, path) => {
    const document = readVectors<unknown>(path);
    const headers = headersIn(document);
    expect(headers.length).toBeGreaterThan(0);
    const file = folder.write("headers.json", document);
    const answer = await machJson("claim", "--stack", stack, "--block", file);
    const claims = headers.map(({ number, hash, timestamp }) => ({
      blockNumber: BigInt(String(number)).toString(),
      blockHash: hash,
      timestamp: BigInt(String(timestamp)).toString(),
    }));
    expect(answer).toMatchObject({
      exitCode: 0,
      ...(isList(document) ? { claims } : claims[0]),
    });
  });

  it("names each one's output root, or why there is none", async () => {
    const run = async (stack: string, path: string) => {
      const file = folder.write("headers.json", readVectors<unknown>(path));
      return (await mach("claim", "--stack", stack, "--block", file)).stdout;
    };
    expect(await run("orbit", "orbit/headers.json")).toMatch(/outputRoot {2}0x[1-9a-f]/);
    expect(await run("cdk", "cdk/full-blocks.json")).toMatch(/outputRoot {2}0x0{64}/);
    const era = await run("zk", "zk/era-mainnet-block-legacy-hash.json");
    expect(era).toMatch(/stateRoot {3}0x0{64}\n.*outputRoot {2}unknown/s);
  });

  it("takes no proof of another account for the message passer's", async () => {
    const vector = readVectors<{ header: object }>("op/output-at-block.json");
    const file = folder.write("block.json", vector);
    const run = await mach("claim", "--stack", "op", "--block", file);
    expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("proof") });
    expect(run.stdout).toContain("outputRoot  unknown");
  });

  it("answers 1 for a list with one block that is not its hash, and still prints the rest", async () => {
    const [good] = opVectors;
    const bad = { header: { ...good?.header, stateRoot: `0x${"11".repeat(32)}` } };
    expect(await claim("op", [good, bad])).toMatchObject({
      exitCode: 1,
      claims: [{ blockHash: good?.expected.hash }, { code: "hash-mismatch" }],
    });
  });

  it("abstains from a block of a fork that it does not know", async () => {
    const hash = `0x${"11".repeat(32)}`;
    const header = { ...opVectors[0]?.header, slotNumber: "0x1", hash };
    expect(await claim("op", header)).toEqual({ exitCode: 1, code: "unknown-header-fields" });
  });
});

describe("mach claim --rpc", () => {
  const header = opVectors[0]?.header;

  it("prints the claim that the endpoint's block gives", async () => {
    const url = await serve((method) => (method === "eth_chainId" ? "0xa" : header));
    const number = String(header?.["number"]);
    const asked = ["claim", "--stack", "op", "--rpc", url, "--number"];
    const fromFile = await claim("op", header);
    expect(await machJson(...asked, number)).toEqual(fromFile);
    expect(await machJson(...asked, BigInt(number).toString())).toEqual(fromFile);
    expect(await machJson(...asked, "7")).toEqual({ exitCode: 1, code: "wrong-block" });
  });

  it("says what each endpoint answered where too few agree", async () => {
    const good = await serve((method) => (method === "eth_chainId" ? "0xa" : header));
    const none = await serve((method) => (method === "eth_chainId" ? "0xa" : null));
    const urls = ["--rpc", good, "--rpc", none];
    const run = await mach(
      "claim",
      "--stack",
      "op",
      ...urls,
      "--number",
      String(header?.["number"]),
    );
    expect(run).toMatchObject({ exitCode: 1, stderr: "" });
    expect(run.stdout).toMatch(/source-lagging/);
    expect(run.stdout).toContain(`${new URL(good).host}  ok`);
    expect(run.stdout).toContain(`${new URL(none).host}  missing`);
    const one = ["claim", "--stack", "op", ...urls, "--number", String(header?.["number"])];
    expect(await machJson(...one, "--agree", "1")).toMatchObject({ exitCode: 0 });
  });

  it.each([
    [["--rpc", "ws://127.0.0.1:1", "--number", "1"]],
    [["--rpc", "http://127.0.0.1:1"]],
    [["--rpc", "http://127.0.0.1:1", "--number", "-1"]],
    [["--rpc", "http://127.0.0.1:1", "--number", "0x10000000000000000"]],
    [["--rpc", "http://127.0.0.1:1", "--number", "1", "--agree", "2"]],
    [["--rpc", "http://127.0.0.1:1", "--number", "1", "--block", "block.json"]],
    [["--block", "block.json", "--number", "1"]],
  ])("calls %j wrong usage", async (args) => {
    expect(await machJson("claim", "--stack", "op", ...args)).toMatchObject({
      exitCode: 2,
      code: "wrong-usage",
    });
  });
});

type Header = Readonly<Record<string, unknown>>;

function isList(document: unknown): boolean {
  const { cases, blocks } = document as Record<string, unknown>;
  return [document, cases, blocks].some(Array.isArray);
}

/** The headers in a file of test vectors, whatever stands around them. */
function headersIn(document: unknown): readonly Header[] {
  if (Array.isArray(document)) return document.flatMap(headersIn);
  const { header, block, cases, blocks } = document as Record<string, unknown>;
  if (header !== undefined || block !== undefined) return [(header ?? block) as Header];
  return headersIn(cases ?? blocks);
}

/** A node that answers each method with a result; ends with the test. */
async function serve(answer: (method: string) => unknown): Promise<string> {
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id, method } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result: answer(method ?? "") }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}
