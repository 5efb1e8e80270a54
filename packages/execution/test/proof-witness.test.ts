import { createMerkleProof } from "@ethereumjs/mpt";
import { type Hex, toHex } from "@mach/core";
import type { RpcClient } from "@mach/rpc";
import { expect, it, onTestFinished } from "vitest";
import type { ExecutionInput } from "../src/block-input.ts";
import { executeBlock } from "../src/execute-block.ts";
import { createExecutor } from "../src/executor.ts";
import { keccak } from "../src/keccak.ts";
import { proofFetcher } from "../src/proof-witness.ts";
import { blockOn, callContract, makeWorld, type World } from "./support/world.ts";

/** SSTORE(1, 0). */
const ZEROES = "0x5f60015500";
const PARENT: Hex = `0x${"77".repeat(32)}`;

/** A node that serves proofs of a world as geth does, and counts them. */
function proofNode(world: World): { readonly client: RpcClient; count(): number } {
  let count = 0;
  const client: RpcClient = {
    async call(method, params) {
      if (method === "eth_getCode") return { ok: true, value: world.code };
      if (method !== "eth_getProof") return { ok: false, code: "rpc-error" };
      count++;
      const [address, slots] = params as [Hex, Hex[]];
      const hashed = (hex: Hex) => keccak(Buffer.from(hex.slice(2), "hex"));
      const accountProof = await createMerkleProof(world.state, hashed(address));
      const storageProof = await Promise.all(
        slots.map(async (slot) => ({
          proof: (await createMerkleProof(world.storage, hashed(slot))).map(toHex),
        })),
      );
      return { ok: true, value: { accountProof: accountProof.map(toHex), storageProof } };
    },
    close: () => Promise.resolve(),
  };
  return { client, count: () => count };
}

async function honest(input: ExecutionInput): Promise<ExecutionInput> {
  const verdict = await executeBlock(input);
  if (verdict.outcome !== "invalid") throw new Error(verdict.outcome);
  return { ...input, block: { ...input.block, blockHash: verdict.expected } as never };
}

function start() {
  const executor = createExecutor({ maxFetches: 64 });
  onTestFinished(() => executor.stop());
  return executor;
}

it("everything that an execution misses is fetched by proofs", { timeout: 60_000 }, async () => {
  const world = await makeWorld({
    code: ZEROES,
    slots: [
      [1, 1],
      [2, 2],
    ],
  });
  const block = await honest(blockOn(world, [callContract(0)]));
  const node = proofNode(world);
  const fetch = proofFetcher(node.client, PARENT);
  const verdict = await start().execute({ ...block, witness: [] }, fetch);
  expect(verdict).toMatchObject({ outcome: "valid", surplus: 0 });
  expect(node.count()).toBeGreaterThan(2);
});

it("the sibling of a zeroed slot is fetched by a key below it", { timeout: 60_000 }, async () => {
  const world = await makeWorld({
    code: ZEROES,
    slots: [
      [1, 1],
      [2, 2],
    ],
  });
  const block = await honest(blockOn(world, [callContract(0)]));
  const sibling = siblingOf(world);
  const witness = block.witness.filter((bytes) => toHex(keccak(bytes)) !== sibling);
  const lacking = { ...block, witness };
  expect(await executeBlock(lacking)).toMatchObject({
    missing: [{ kind: "trie-node", hash: sibling, path: "4", key: null }],
  });
  const node = proofNode(world);
  const fetch = proofFetcher(node.client, PARENT);
  expect(await start().execute(lacking, fetch)).toMatchObject({ outcome: "valid" });
  expect(node.count()).toBe(1);
});

/** The leaf of slot 2, whose hashed key begins with 4. */
function siblingOf(world: World): Hex {
  const key = toHex(keccak(Buffer.from("00".repeat(31).concat("02"), "hex"))).slice(3);
  const leaf = world.witness.find((bytes) => toHex(bytes).includes(key));
  if (leaf === undefined) throw new Error("no leaf");
  return toHex(keccak(leaf));
}
