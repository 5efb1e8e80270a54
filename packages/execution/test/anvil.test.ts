import { type Hex, toHex } from "@mach/core";
import { createHttpClient, type RpcClient } from "@mach/rpc";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Anvil, startAnvil } from "../../rollups/test/support/anvil.ts";
import { createExternalExecutor, createWitnessExecutor } from "../src/block-executor.ts";
import { createExecutor } from "../src/executor.ts";
import type { ExecutionRules } from "../src/rules.ts";

const IS_LONG = process.env["MACH_LONG"] === "1";
const BLOCKS = IS_LONG ? 60 : 6;
const TIMEOUT_MS = IS_LONG ? 1_200_000 : 120_000;

const CHAINS = {
  op: {
    profile: "anvil-op",
    chainId: 901n,
    forks: [{ name: "isthmus", timestamp: 0n }],
    baseFee: { denominator: 250n, elasticity: 6n },
  },
  evm: {
    profile: "anvil-evm",
    chainId: 902n,
    forks: [{ name: "osaka", timestamp: 0n }],
    baseFee: { denominator: 8n, elasticity: 2n },
  },
} as const satisfies Record<string, ExecutionRules>;

/** Writes each pair of words in its calldata as a slot and its value. */
const WRITER = "0x601a8060095f395ff35f5b368110156018578060200135813555604001600156005b00";
/** Returns no code and writes a slot on the way. */
const MAKES_NOTHING = "0x60015f5500";
const REVERTS = "0x5f5ffd";
/** Asks for the hash of the block three before, and keeps it. */
const KEEPS_HASH = "0x6003430340600a5500";

async function start(flavour: keyof typeof CHAINS) {
  const anvil = await startAnvil({ flavour });
  const client = createHttpClient({
    url: anvil.httpUrl,
    timeoutMs: 30_000,
    maxResponseBytes: 64 * 1024 * 1024,
    maxInFlight: 64,
  });
  const executor = createExecutor({ maxFetches: 64 });
  onTestFinished(async () => {
    await executor.stop();
    await client.close();
  });
  const rules = CHAINS[flavour];
  const blocks = createWitnessExecutor({ client, executor }, { rules, witness: "proofs" });
  return { anvil, client, blocks };
}

async function blockHash(client: RpcClient, number: bigint): Promise<Hex> {
  const answer = await client.call("eth_getBlockByNumber", [`0x${number.toString(16)}`, false]);
  if (!answer.ok) throw new Error(answer.code);
  return (answer.value as { hash: Hex }).hash;
}

/** The same numbers in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function word(value: number): string {
  return value.toString(16).padStart(64, "0");
}

async function send(anvil: Anvil, transaction: Record<string, string>): Promise<void> {
  await anvil.call("eth_sendTransaction", [{ gas: "0x80000", ...transaction }]);
}

async function sendRandom(
  anvil: Anvil,
  next: (below: number) => number,
  writer: string,
): Promise<void> {
  const accounts = await anvil.call<string[]>("eth_accounts");
  const from = accounts[next(accounts.length)] ?? "";
  switch (next(6)) {
    case 0: {
      const to = toHex(Uint8Array.from({ length: 20 }, () => next(256)));
      return await send(anvil, { from, to, value: "0x7" });
    }
    case 1:
      return await send(anvil, { from, data: [MAKES_NOTHING, REVERTS, KEEPS_HASH][next(3)] ?? "" });
    case 2:
      return await send(anvil, { from, to: accounts[next(accounts.length)] ?? "", value: "0x1" });
    default: {
      // Few slots and many zeros: branches grow and fall together all the time.
      const pairs = Array.from({ length: 1 + next(5) }, () => word(next(12)) + word(next(3)));
      return await send(anvil, { from, to: writer, data: `0x${pairs.join("")}` });
    }
  }
}

async function deployWriter(anvil: Anvil): Promise<string> {
  const [from] = await anvil.call<string[]>("eth_accounts");
  const hash = await anvil.call<string>("eth_sendTransaction", [
    { from, data: WRITER, gas: "0x80000" },
  ]);
  await anvil.mine();
  const receipt = await anvil.call<{ contractAddress: string }>("eth_getTransactionReceipt", [
    hash,
  ]);
  return receipt.contractAddress;
}

describe.each(["op", "evm"] as const)("blocks that anvil makes, %s", (flavour) => {
  it("are executed again from traces and proofs", { timeout: TIMEOUT_MS }, async () => {
    const { anvil, client, blocks } = await start(flavour);
    const next = numbers(7);
    const writer = await deployWriter(anvil);
    for (let block = 0; block < BLOCKS; block++) {
      const count = next(12);
      for (let index = 0; index < count; index++) await sendRandom(anvil, next, writer);
      await anvil.mine();
    }
    const head = await anvil.blockNumber();
    const first = await blocks.execute(await blockHash(client, 1n));
    expect(first).toMatchObject({ outcome: "unverifiable", code: "unsupported-fork" });
    for (let number = 2n; number <= head; number++) {
      const hash = await blockHash(client, number);
      expect(await blocks.execute(hash), `block ${number}`).toMatchObject({
        outcome: "valid",
        blockHash: hash,
      });
    }
  });
});

describe("a block executor", () => {
  it("says nothing of a block that its source does not have", async () => {
    const { blocks, client } = await start("evm");
    const unknown: Hex = `0x${"ab".repeat(32)}`;
    const nothing = { outcome: "unverifiable", code: "unavailable" };
    expect(await blocks.execute(unknown)).toMatchObject(nothing);
    expect(await createExternalExecutor(client).execute(unknown)).toMatchObject(nothing);
  });

  it("takes the word of a node of the operator's own for the blocks that it executed", async () => {
    const { anvil, client } = await start("evm");
    await anvil.mine();
    const hash = await blockHash(client, 1n);
    const verdict = await createExternalExecutor(client).execute(hash);
    expect(verdict).toMatchObject({ outcome: "valid", blockHash: hash, gasUsed: 0n });
  });

  it("says nothing when its source is gone", async () => {
    const { anvil, blocks, client } = await start("evm");
    await anvil.mine();
    const hash = await blockHash(client, 1n);
    await anvil.stop();
    expect(await blocks.execute(hash)).toMatchObject({ code: "unavailable" });
    const external = createExternalExecutor(client);
    expect(await external.execute(hash)).toMatchObject({ code: "unavailable" });
  });
});
