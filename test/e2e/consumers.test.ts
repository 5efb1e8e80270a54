import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JsonRpcProvider } from "ethers";
import { createPublicClient, http } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type LocalNetwork, startLocalNetwork } from "../../scripts/local-network/local-network.ts";
import { read, until } from "./api.ts";

const ROLLUP_ID = 901n;
/** Emits an empty log while it is made: LOG0 of no bytes. */
const LOGS_ONCE = "0x60006000a0";

let network: LocalNetwork;
let folder: string;
/** The RPC of the observer, where finalized is fast-final. */
let rpcUrl: string;
/** The rollup's own. */
let upstreamUrl: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mach-e2e-"));
  network = await startLocalNetwork({
    folder: join(folder, "network"),
    stacks: ["op"],
    maxVerification: 1,
  });
  rpcUrl = `${network.apiUrl}/rpc/${ROLLUP_ID}`;
  upstreamUrl = network.rollups[0]?.rpcUrl ?? "";
  await until("the first certificate", async () => (await finality()).fastFinal);
});

afterAll(async () => {
  await network?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function finality() {
  return (await read(network.apiUrl, "finality", { rollupId: ROLLUP_ID })).data;
}

interface Call {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** Posts a batch as relayers do; the results in the order of the calls. */
async function batch(url: string, calls: readonly Call[]) {
  const body = calls.map((call, id) => ({ jsonrpc: "2.0", id, ...call }));
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const answers = (await response.json()) as { id: number; result?: unknown; error?: unknown }[];
  const results = body.map(({ id }) => {
    const answer = answers.find((each) => each.id === id);
    if (answer?.result === undefined) throw new Error(JSON.stringify(answer?.error));
    return answer.result;
  });
  return { results, headers: response.headers };
}

async function callUpstream(method: string, params: readonly unknown[]): Promise<unknown> {
  const { results } = await batch(upstreamUrl, [{ method, params }]);
  return results[0];
}

/** Sends a transaction from one of the rollup's own accounts. */
async function send(transaction: object): Promise<`0x${string}`> {
  const [from] = (await callUpstream("eth_accounts", [])) as string[];
  return (await callUpstream("eth_sendTransaction", [{ from, ...transaction }])) as `0x${string}`;
}

const HEAD: Call = { method: "eth_getBlockByNumber", params: ["finalized", false] };

function numberOf(block: unknown): number {
  return block === null ? 0 : Number((block as { number: string }).number);
}

describe("the RPC, to clients that know nothing of MACH", () => {
  it("has ethers read the certified block, and hear of each next one", async () => {
    const provider = new JsonRpcProvider(rpcUrl, undefined, { pollingInterval: 200 });
    try {
      const block = await until("a finalized block", () => provider.getBlock("finalized"));
      const status = await read(network.apiUrl, "block", {
        rollupId: ROLLUP_ID,
        block: BigInt(block.number),
      });
      expect(status.data.certificate?.claim.blockHash).toBe(block.hash);
      const heard: number[] = [];
      await provider.on("finalized", (height: number) => heard.push(height));
      await until("three heights", async () => (heard.length >= 3 ? true : null));
      expect(heard).toEqual(heard.toSorted((a, b) => a - b));
      expect(new Set(heard).size).toBe(heard.length);
      const { fastFinal } = await finality();
      expect(fastFinal?.blockNumber).toBeGreaterThanOrEqual(BigInt(heard.at(-1) ?? 0));
    } finally {
      provider.destroy();
    }
  });

  it("has viem wait for a receipt, and then for its block to be finalized", async () => {
    const client = createPublicClient({ transport: http(rpcUrl), pollingInterval: 200 });
    const hash = await send({ to: `0x${"11".repeat(20)}`, value: "0x1" });
    const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000 });
    const block = await until("its block to be finalized", async () => {
      const finalized = await client.getBlock({ blockTag: "finalized" });
      return finalized.number >= receipt.blockNumber ? finalized : null;
    });
    const status = await read(network.apiUrl, "transaction", {
      rollupId: ROLLUP_ID,
      transactionHash: hash,
    });
    expect(status.data).toMatchObject({ status: "fast-final" });
    expect(await client.getBlock({ blockNumber: block.number })).toMatchObject({
      hash: block.hash,
    });
    const address = `0x${"11".repeat(20)}` as const;
    expect(await client.getBalance({ address, blockTag: "finalized" })).toBeGreaterThan(0n);
  });

  it("gives a relayer that polls to finalized every log once, soon after its block", async () => {
    const before = (await batch(rpcUrl, [HEAD])).results[0];
    const sent = new Set<string>();
    const found: string[] = [];
    let from = numberOf(before) + 1;
    for (let round = 0; round < 3; round++) {
      sent.add(await send({ data: LOGS_ONCE }));
      await until("its log", async () => {
        const { results, headers } = await batch(rpcUrl, [
          { method: "eth_chainId", params: [] },
          { method: "eth_blockNumber", params: [] },
          HEAD,
          { method: "eth_getLogs", params: [{ fromBlock: hex(from), toBlock: "finalized" }] },
        ]);
        const [chainId, , head, logs] = results;
        expect(chainId).toBe(hex(Number(ROLLUP_ID)));
        expect(headers.get("mach-certificate-id")).toMatch(/^0x[0-9a-f]{64}$/);
        // One head for all of a batch: what was read ends where the next round begins.
        const hashes = (logs as { transactionHash: string }[]).map((log) => log.transactionHash);
        found.push(...hashes);
        from = Math.max(from, numberOf(head) + 1);
        return hashes.length > 0 ? true : null;
      });
    }
    expect(found.filter((each) => sent.has(each))).toEqual([...sent]);
  });

  it("has the finalized height run within two blocks of the head, the rollup's own far behind", async () => {
    const close = new Set<number>();
    await until("six heights within two blocks of the head", async () => {
      const { results } = await batch(rpcUrl, [{ method: "eth_blockNumber", params: [] }, HEAD]);
      const [head, finalized] = results;
      const own = numberOf(await callUpstream("eth_getBlockByNumber", ["finalized", false]));
      const lag = Number(head) - numberOf(finalized);
      if (lag <= 2 && Number(head) - own > 10) close.add(numberOf(finalized));
      return close.size >= 6 ? true : null;
    });
  });

  it("pushes new heads and, beside them, those that are certified", async () => {
    const socket = new WebSocket(rpcUrl.replace("http", "ws"));
    const answers = new Map<unknown, string>();
    const heads: { subscription: string; result: { number: string; hash: string } }[] = [];
    socket.on("message", (data) => {
      const message = JSON.parse(String(data));
      if (message.method === "eth_subscription") heads.push(message.params);
      else answers.set(message.id, message.result);
    });
    try {
      await new Promise((resolve) => socket.once("open", resolve));
      for (const name of ["newHeads", "fastFinalHeads"]) {
        const request = { jsonrpc: "2.0", id: name, method: "eth_subscribe", params: [name] };
        socket.send(JSON.stringify(request));
      }
      const of = (name: string) =>
        heads.filter(({ subscription }) => subscription === answers.get(name));
      await until("heads of both", async () =>
        of("newHeads").length >= 3 && of("fastFinalHeads").length >= 3 ? true : null,
      );
      for (const { result } of of("fastFinalHeads")) {
        const block = BigInt(result.number);
        const status = await read(network.apiUrl, "block", { rollupId: ROLLUP_ID, block });
        expect(status.data.certificate?.claim.blockHash).toBe(result.hash);
      }
    } finally {
      socket.terminate();
    }
  });
});

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}
