import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import type { Hex } from "@mach/core";
import { createMachClient, type MachClient } from "@mach/sdk";
import { JsonRpcProvider } from "ethers";
import { createPublicClient, http } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createRelayer } from "../../packages/sdk/examples/bridge-relayer.ts";
import { badgeOf } from "../../packages/sdk/examples/wallet-status.ts";
import { watchTransfer } from "../../packages/sdk/examples/watch-transfer.ts";
import { bundleForBrowsers } from "../../packages/sdk/test/browser-bundle.ts";
import { findChromium, NO_CHROMIUM, runInChromium } from "../../packages/sdk/test/chromium.ts";
import { type LocalNetwork, startLocalNetwork } from "../../scripts/local-network/local-network.ts";
import { read, until } from "./api.ts";
import { payAcross, signerOn } from "./payment.ts";

const ROLLUP_ID = 901n;
/** Emits an empty log while it is made: LOG0 of no bytes. */
const LOGS_ONCE = "0x60006000a0";

let network: LocalNetwork;
let folder: string;
/** The RPC of the observer, where finalized is fast-final. */
let rpcUrl: string;
/** The rollup's own. */
let upstreamUrl: string;
/** As a consumer has it: three nodes, and its own L1 node to tell which sets to trust. */
let mach: MachClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mach-e2e-"));
  network = await startLocalNetwork({
    folder: join(folder, "network"),
    // The second carries the light client of the first.
    stacks: ["op", "evm"],
    maxVerification: 1,
  });
  rpcUrl = `${network.apiUrl}/rpc/${ROLLUP_ID}`;
  upstreamUrl = network.rollups[0]?.rpcUrl ?? "";
  mach = createMachClient({ ...optionsOfClient(), bls: createNativeBls() });
  await until("the first certificate", async () => (await finality()).fastFinal);
});

afterAll(async () => {
  await network?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function optionsOfClient() {
  const { domain, genesisTime } = network.deployment;
  const [first, second] = network.operators;
  return {
    endpoints: [network.apiUrl, first?.apiUrl ?? "", second?.apiUrl ?? ""],
    network: {
      ...{ chainId: domain.chainId, registry: domain.verifyingContract, genesisTime },
      epochSeconds: 60n,
    },
    trust: { l1: { rpcUrls: [network.l1.rpcUrl] } },
  };
}

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

describe("the examples of the SDK", () => {
  it("relay a payment: what began on one rollup is released on the other, once", async () => {
    const lightClients = await network.lightClients;
    const light = lightClients.find(({ paymentsFrom }) => paymentsFrom === ROLLUP_ID);
    const source = lightClients.find(({ rollupId }) => rollupId === ROLLUP_ID)?.paymentSource;
    if (light === undefined || source === undefined) throw new Error("no light client");
    const payments = payAcross(network, light, source);
    const fromBlock = Number(await callUpstream("eth_blockNumber", []));
    const relayer = createRelayer({
      ...{ mach, apiUrl: network.apiUrl, policy: { minWeightBps: 6667 }, fromBlock },
      source: { rollupId: ROLLUP_ID, rpcUrl: upstreamUrl, contract: source },
      target: {
        signer: signerOn(network, light.rollupId),
        ...{ lightClient: light.lightClient, payments: light.fastPayments },
      },
    });
    try {
      const recipient = `0x${"22".repeat(20)}` as const;
      await payments.payIn(recipient, 7n);
      await until(
        "the payment to be released",
        async () => {
          // Not the relayer's business: the sets that the light client trusts follow the operators'.
          await payments.followSets((await newestHead()).claim.epoch);
          const relayed = await relayer.poll();
          return relayed.some(({ outcome }) => outcome === "released") ? true : null;
        },
        120_000,
      );
      expect(await payments.balanceOf(recipient)).toBe(7n);
      expect(await relayer.poll()).toEqual([]);
    } finally {
      relayer.close();
      payments.close();
    }
  });

  it("show a transfer in a wallet, from waiting to final", async () => {
    const hash = await send({ to: `0x${"33".repeat(20)}`, value: "0x1" });
    const transfer = { rollupId: ROLLUP_ID, hash };
    const before = { rollupId: ROLLUP_ID, hash: `0x${"44".repeat(32)}` as const };
    expect(await badgeOf(mach, before)).toMatchObject({ colour: "grey", isFinal: false });
    const badge = await until("a final badge", async () => {
      const shown = await badgeOf(mach, transfer);
      return shown.isFinal ? shown : null;
    });
    expect(badge.colour).toBe("green");
  });

  it("follow a transfer in a dApp, from its block to its proof", async () => {
    const rpc = createPublicClient({ transport: http(upstreamUrl), pollingInterval: 200 });
    const hash = await send({ to: `0x${"55".repeat(20)}`, value: "0x1" });
    const transfer = { rollupId: ROLLUP_ID, hash, signal: AbortSignal.timeout(120_000) };
    const stages = [];
    for await (const stage of watchTransfer({ mach, rpc }, transfer)) stages.push(stage);
    expect(stages.at(0)).toMatchObject({ stage: "included" });
    expect(stages.at(-1)).toMatchObject({
      stage: "final",
      transaction: { transactionHash: hash, inclusion: "proven", receipt: { isSuccess: true } },
    });
  });
});

// A browser's first start on a busy machine takes its time.
it("a page in Chromium verifies a certificate of the network", async ({ skip }) => {
  const program = findChromium();
  if (program === null) skip(NO_CHROMIUM);
  const { endpoints, trust, network: known } = optionsOfClient();
  const bundle = await bundleForBrowsers(`
    import { createMachClient } from "../src/index.ts";
    const mach = createMachClient({
      endpoints: ${JSON.stringify(endpoints)},
      network: {
        chainId: ${known.chainId}n,
        registry: "${known.registry}",
        genesisTime: ${known.genesisTime}n,
        epochSeconds: ${known.epochSeconds}n,
      },
      trust: ${JSON.stringify(trust)},
    });
    async function run() {
      const head = await mach.getFinality({ rollupId: ${ROLLUP_ID}n });
      if (head.status !== "fast-final") return { status: head.status, code: head.code };
      const { certificateId } = head.certificate;
      const answer = await fetch(${JSON.stringify(network.apiUrl)} + "/v1/certificates/" + certificateId);
      const forged = { ...head.certificate, signature: "0xc0" + "00".repeat(95) };
      const refused = await mach.verifyCertificate(forged);
      return { status: head.status, served: answer.status, refused: refused.code, certificateId };
    }
    run()
      .catch((error) => ({ error: String(error) }))
      .then((result) => fetch("/result", { method: "POST", body: JSON.stringify(result) }));
  `);
  const said = (await runInChromium(program ?? "", bundle)) as { readonly certificateId: Hex };
  expect(said).toMatchObject({ status: "fast-final", served: 200, refused: "bad-signature" });
  const { certificateId } = said;
  const { data } = await read(network.apiUrl, "certificateById", { certificateId });
  expect(data.certificateId).toBe(certificateId);
});

async function newestHead() {
  const { certificate } = await finality();
  if (certificate === null) throw new Error("no certificate");
  return certificate;
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
