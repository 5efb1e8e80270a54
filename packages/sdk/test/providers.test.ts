import { createPublicClient, custom, http } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkHeader } from "../../rollups/src/header.ts";
import { type Anvil, startAnvil } from "../../settlement/test/anvil.ts";
import { createMachEip1193 } from "../src/eip1193.ts";
import { MachProvider } from "../src/ethers.ts";
import { createMachClient, type MachClient } from "../src/index.ts";
import { machActions } from "../src/viem.ts";
import { type ReplayedNode, startNode } from "./replayed-node.ts";
import { certify, claimOf, NETWORK, NOW, ROLLUP, setOf, type TestBlock } from "./signed-network.ts";

/** Tests share their machine with others. */
const PATIENT = { timeout: 10_000 };

const MINED = 9;
const FINAL = 6;

let anvil: Anvil;
let node: ReplayedNode;
let mach: MachClient;
let chain: readonly TestBlock[];

beforeAll(async () => {
  // A finalized tag of its own that lags: what is asserted cannot come from the chain.
  anvil = await startAnvil(32);
  await anvil.rpc("anvil_mine", [`0x${MINED.toString(16)}`]);
  chain = await readChain(anvil);
  node = await startNode();
  const block = chain[FINAL];
  if (block === undefined) throw new RangeError("the chain is too short");
  node.putChain(chain.slice(0, FINAL + 1), certify(claimOf(block)));
  mach = createMachClient({
    endpoints: [node.url],
    network: NETWORK,
    trust: { epoch: 2n, operatorSetHash: setOf(2n).operatorSetHash },
    now: () => NOW,
  });
});

afterAll(async () => {
  await Promise.all([anvil.stop(), node.stop()]);
});

describe("ethers", () => {
  it("getBlock, on and calls of the tag finalized are about the verified block", async () => {
    const provider = new MachProvider(anvil.url, { mach, rollupId: ROLLUP, pollingInterval: 50 });
    try {
      const block = await provider.getBlock("finalized");
      expect([block?.number, block?.hash]).toEqual([FINAL, chain[FINAL]?.blockHash]);
      const heard: unknown[] = [];
      await provider.on("finalized", (height) => heard.push(height));
      await expect.poll(() => heard, PATIENT).toEqual([FINAL]);
      await expect.poll(() => node.streams(), PATIENT).toBe(1);
      const next = chain[FINAL + 1] ?? { blockNumber: 0n, blockHash: "0x", header: "0x" };
      node.push("a-1", certify(claimOf(next)));
      await expect.poll(() => heard, PATIENT).toEqual([FINAL, FINAL + 1]);
      const address = `0x${"11".repeat(20)}`;
      expect(await provider.getBalance(address, "finalized")).toBe(0n);
      const logs = await provider.getLogs({ fromBlock: 0, toBlock: "finalized" });
      expect(logs).toEqual([]);
      expect(await provider.getBlockNumber()).toBe(MINED);
    } finally {
      provider.destroy();
    }
  });
});

describe("viem", () => {
  it("getBlock of the tag finalized is the verified block, through EIP-1193", async () => {
    const inner = { request: (request: { method: string; params?: unknown }) => ask(request) };
    const transport = custom(createMachEip1193(inner, { mach, rollupId: ROLLUP }));
    const client = createPublicClient({ transport });
    const block = await client.getBlock({ blockTag: "finalized" });
    expect(block.hash).toBe(chain[Number(block.number)]?.blockHash);
    expect(block.number).toBeGreaterThanOrEqual(BigInt(FINAL));
    expect(block.number).toBeLessThan(BigInt(MINED));
    expect(await client.getBlockNumber()).toBe(BigInt(MINED));
  });

  it("a client with the actions waits for a block's finality", async () => {
    const actions = machActions({ mach, rollupId: ROLLUP });
    const client = createPublicClient({ transport: http(anvil.url) }).extend(actions);
    const block = await client.getBlock({ blockNumber: 4n });
    const answer = await client.waitForFinality({ hash: block.hash, timeout: 5_000 });
    expect(answer).toMatchObject({ status: "fast-final", blockNumber: 4n });
    expect(await client.getFinality()).toMatchObject({ status: "fast-final" });
  });
});

function ask({ method, params }: { method: string; params?: unknown }): Promise<unknown> {
  return anvil.rpc(method, Array.isArray(params) ? params : []);
}

/** The chain's blocks with the preimages of their hashes, as anvil encodes them. */
async function readChain(of: Anvil): Promise<readonly TestBlock[]> {
  const blocks: TestBlock[] = [];
  for (let number = 0; number <= MINED; number++) {
    const tag = `0x${number.toString(16)}`;
    const checked = checkHeader(await of.rpc("eth_getBlockByNumber", [tag, false]));
    if (!checked.ok) throw new Error(checked.code);
    const { blockHash, headerRlp: header } = checked;
    blocks.push({ blockNumber: BigInt(number), blockHash, header });
  }
  return blocks;
}
