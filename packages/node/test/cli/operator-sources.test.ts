import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { addressWord, type Hex } from "@mach/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { creationCode } from "../../../settlement/test/creation-code.ts";
import { lowerAddress, startNetwork, type TestNetwork } from "../../../settlement/test/network.ts";
import { deploy } from "../../../settlement/test/slasher-network.ts";
import { documentFolder, machJson } from "./cli-runs.ts";

/** asset() */
const ASSET_SELECTOR = "0x38d52e0f";
const NOWHERE = "http://127.0.0.1:9";

const folder = documentFolder();
let network: TestNetwork;
let account: Hex;
let otherToken: Hex;
let honest: string;
let liar: Server;
let liarUrl: string;

beforeAll(async () => {
  network = await startNetwork();
  account = lowerAddress(network.signer);
  otherToken = await deploy(network.signer, creationCode("LocalToken"));
  // The same node by another name is another host, as a second provider would be.
  honest = network.anvil.url.replace("127.0.0.1", "localhost");
  liar = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on("end", () => {
      void answer(text).then((body) => response.end(body));
    });
  }).listen(0, "127.0.0.1");
  await once(liar, "listening");
  liarUrl = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
}, 120_000);

afterAll(async () => {
  liar?.close();
  liar?.closeAllConnections();
  await network?.anvil.stop();
});

/** What the network's L1 answers, but for the asset of its vault. */
async function answer(text: string): Promise<string> {
  const { id, method, params } = JSON.parse(text) as {
    readonly id: number;
    readonly method: string;
    readonly params: readonly [{ readonly to?: string; readonly data?: string }];
  };
  if (method === "eth_call" && params[0].data === ASSET_SELECTOR) {
    return JSON.stringify({ jsonrpc: "2.0", id, result: addressWord(otherToken) });
  }
  const headers = { "content-type": "application/json" };
  return await (await fetch(network.anvil.url, { method: "POST", headers, body: text })).text();
}

async function deposit(rpcUrls: readonly string[], agree: number): Promise<unknown> {
  const config = folder.write("node.yaml", {
    ...{ dataDir: "data", network: { chainId: 31337, registry: network.registry } },
    l1: { rpcUrls, agree },
    rollups: [{ rollupId: 901, rpcUrls: [NOWHERE] }],
    operator: { address: account, secretKeyFile: "bls.key" },
  });
  const by = ["--config", config, "--account", account, "--amount", "0.5", "--dry-run"];
  return await machJson("operator", "deposit", ...by);
}

it("sends stake where as many endpoints say as the configuration asks for", async () => {
  const { url } = network.anvil;
  // Nothing is minted to the account: this is as far as it comes.
  const agreed = { exitCode: 1, code: "not-enough-assets" };
  expect(await deposit([url], 1)).toMatchObject(agreed);
  expect(await deposit([url, honest], 2)).toMatchObject(agreed);
  expect(await deposit([url, NOWHERE, honest], 2)).toMatchObject(agreed);
});

it("sends nothing where one lies about a vault's asset, or too few answer", async () => {
  const { url } = network.anvil;
  for (const rpcUrls of [
    [url, liarUrl],
    [liarUrl, url],
    [liarUrl, NOWHERE, url],
  ]) {
    expect(await deposit(rpcUrls, 2)).toMatchObject({ exitCode: 1, code: "sources-disagree" });
  }
  expect(await deposit([url, NOWHERE], 2)).toMatchObject({ exitCode: 1, code: "too-few-sources" });
});
