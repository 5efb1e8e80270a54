import { type Hex, keccak256Text, type Stack } from "@mach/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCdkChain } from "../../../scripts/local-network/replay/cdk-chain.ts";
import { createZkChain } from "../../../scripts/local-network/replay/era-chain.ts";
import { createOrbitChain } from "../../../scripts/local-network/replay/orbit-chain.ts";
import type { RawBlock, Script } from "../../../scripts/local-network/replay/script.ts";
import type { SettledRoot } from "../src/settlement.ts";
import { createSettledPlaces, type SettledPlaces } from "../src/settlement-place.ts";
import { startScriptedNode } from "./support/scripted-node.ts";

const ROOT = keccak256Text("root");

function rootOf(subject: SettledRoot["subject"]): SettledRoot {
  const at = { l1BlockNumber: 1n, transactionHash: ROOT };
  return { standing: "confirmed", subject, root: ROOT, ...at };
}

async function placesOf(
  stack: Stack,
  scripts: readonly Script[],
  agree = scripts.length,
): Promise<SettledPlaces> {
  const nodes = await Promise.all(scripts.map((script) => startScriptedNode(script)));
  const urls = nodes.map(({ url }) => url);
  const places = createSettledPlaces({ stack, urls, agree, timeoutMs: 2_000 });
  onTestFinished(() => places.close());
  return places;
}

function blocksOf(chain: ReturnType<typeof createOrbitChain>, count: number): RawBlock[] {
  return Array.from({ length: count }, (_, i) => chain.advance(1_800_000_000n + BigInt(i)));
}

const numberOf = (block: RawBlock | undefined): bigint => BigInt(block?.number ?? -1);
const hashOf = (block: RawBlock | undefined): Hex => block?.hash ?? "0x";

describe("the place of what L1 has settled", () => {
  it("is the height of a hash, of which one honest node is enough", async () => {
    const chain = createOrbitChain(7n);
    const [block] = blocksOf(chain, 6);
    const other = createOrbitChain(8n);
    const [lie] = blocksOf(other, 6);
    const lying = { ...chain.script, eth_getBlockByHash: () => lie };
    const places = await placesOf("orbit", [lying, chain.script]);
    const blockHash = hashOf(block);
    expect(await places.find(rootOf({ by: "hash", blockHash }))).toEqual({
      ok: true,
      place: { blockNumber: numberOf(block), blockHash, batchNumber: null },
    });
    const unknown = await places.find(rootOf({ by: "hash", blockHash: ROOT }));
    expect(unknown).toEqual({ ok: false, code: "missing" });
  });

  it("is where a batch ends, if enough nodes say the same", async () => {
    for (const [stack, create] of [
      ["cdk", createCdkChain],
      ["zk", createZkChain],
    ] as const) {
      const chain = create(7n);
      blocksOf(chain, 24);
      const places = await placesOf(stack, [chain.script, chain.script]);
      const found = await places.find(rootOf({ by: "batch", batchNumber: 2n }));
      expect(found).toMatchObject({ ok: true, place: { batchNumber: 2n } });
      const blockNumber = found.ok ? (found.place?.blockNumber ?? -1n) : -1n;
      const canonical = await places.canonical(blockNumber);
      expect(canonical).toMatchObject({ ok: true, block: { blockNumber, unverifiable: null } });

      const apart = create(7n);
      blocksOf(apart, 24);
      const method = stack === "cdk" ? "zkevm_getBatchByNumber" : "zks_getL1BatchBlockRange";
      const later = ([batch]: readonly unknown[]) => apart.script[method]?.([Number(batch) + 1]);
      const disagreeing = await placesOf(stack, [
        chain.script,
        { ...chain.script, [method]: later },
      ]);
      expect(await disagreeing.find(rootOf({ by: "batch", batchNumber: 2n }))).toMatchObject({
        ok: false,
      });
    }
  });

  it("is the height itself where L1 names no more", async () => {
    const places = await placesOf("op", [{}]);
    expect(await places.find(rootOf({ by: "number", blockNumber: 5n }))).toEqual({
      ok: true,
      place: { blockNumber: 5n, blockHash: null, batchNumber: null },
    });
  });
});

describe("the ancestor of a certified block", () => {
  it("follows from the certified hash, header by header", async () => {
    const chain = createOrbitChain(7n);
    const blocks = blocksOf(chain, 12);
    const [low, high] = [blocks[2], blocks[9]];
    const from = { blockNumber: numberOf(high), blockHash: hashOf(high) };
    const places = await placesOf("orbit", [chain.script]);
    const found = await places.ancestor(from, numberOf(low));
    expect(found).toMatchObject({ ok: true, block: { blockHash: hashOf(low) } });
    const self = await places.ancestor(from, from.blockNumber);
    expect(self).toMatchObject({ ok: true, block: { blockHash: hashOf(high) } });
  });

  it("is no answer from a node that swaps a block on the way, or lacks one", async () => {
    const chain = createOrbitChain(7n);
    const blocks = blocksOf(chain, 12);
    const from = { blockNumber: numberOf(blocks[9]), blockHash: hashOf(blocks[9]) };
    const answer = chain.script["eth_getBlockByHash"];
    const at = (hash: Hex, value: unknown): Script => ({
      eth_getBlockByHash: (params) => (params[0] === hash ? value : answer?.(params)),
    });
    const swapped = await placesOf("orbit", [at(hashOf(blocks[5]), blocks[4])]);
    const malformed = { ok: false, code: "malformed" };
    expect(await swapped.ancestor(from, numberOf(blocks[2]))).toEqual(malformed);
    const lacking = await placesOf("orbit", [at(hashOf(blocks[5]), null)]);
    const missing = { ok: false, code: "missing" };
    expect(await lacking.ancestor(from, numberOf(blocks[2]))).toEqual(missing);
    expect(await lacking.ancestor(from, from.blockNumber + 1n)).toEqual(missing);
    expect(await lacking.ancestor({ ...from, blockNumber: 9_000n }, 8_000n)).toEqual(missing);
    const misnamed = { ...from, blockNumber: from.blockNumber + 1n };
    expect(await lacking.ancestor(misnamed, from.blockNumber)).toEqual(malformed);
  });
});

it("the canonical block is what enough nodes have, and nothing while they disagree", async () => {
  const [chain, other] = [createOrbitChain(7n), createOrbitChain(8n)];
  const blocks = blocksOf(chain, 6);
  blocksOf(other, 6);
  const height = numberOf(blocks[3]);
  const agreed = await placesOf("orbit", [chain.script, chain.script]);
  const block = { blockHash: hashOf(blocks[3]) };
  expect(await agreed.canonical(height)).toMatchObject({ ok: true, block });
  const split = await placesOf("orbit", [chain.script, other.script], 1);
  expect(await split.canonical(height)).toEqual({ ok: false, code: "malformed" });
  const silent = await placesOf("orbit", [chain.script, {}]);
  expect(await silent.canonical(height)).toMatchObject({ ok: false, code: "refused" });
});
