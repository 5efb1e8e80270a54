import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createFeeMarket1559Tx, type FeeMarketEIP1559TxData } from "@ethereumjs/tx";
import { Account, createAddressFromPrivateKey } from "@ethereumjs/util";
import { fromHex, toHex } from "@mach/core";
import { describe, expect, it } from "vitest";
import { executeBlock } from "../src/execute-block.ts";
import { keccak } from "../src/keccak.ts";
import type { Verdict } from "../src/verdict.ts";
import { blockOn, CONTRACT, EVM_RULES, makeWorld, SENDER, trieOf } from "./support/world.ts";

/** The key of the world's sender, who has 100 ether. */
const KEY = keccak(Uint8Array.of(7));
const CHAIN = { ...Mainnet, chainId: Number(EVM_RULES.chainId) };
const COMMON = new Common({ chain: CHAIN, hardfork: Hardfork.Cancun });

function signed(changes: FeeMarketEIP1559TxData, key: Uint8Array = KEY): Uint8Array {
  const data = {
    chainId: EVM_RULES.chainId,
    nonce: 0n,
    to: CONTRACT,
    gasLimit: 200_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 1n,
    ...changes,
  };
  return createFeeMarket1559Tx(data, { common: COMMON }).sign(key).serialize();
}

async function verdictOf(...transactions: readonly Uint8Array[]): Promise<Verdict> {
  const world = await makeWorld({ code: "0x00", slots: [] });
  return await executeBlock(blockOn(world, transactions));
}

describe("a block is invalid for a transaction", () => {
  it.each<[string, FeeMarketEIP1559TxData]>([
    ["the sender cannot pay for it", { value: 10n ** 20n }],
    ["the sender cannot pay for it", { maxFeePerGas: 10n ** 16n }],
    ["its nonce is not the sender's", { nonce: 1n }],
    ["it pays less than the base fee", { maxFeePerGas: 999_999_999n }],
    ["the block has no gas left for it", { gasLimit: 30_000_001n }],
    ["its gas is below the intrinsic gas", { gasLimit: 20_999n }],
  ])("because %s", async (reason, changes) => {
    expect(await verdictOf(signed(changes))).toEqual({
      outcome: "invalid",
      field: "transactions[0]",
      expected: "a valid transaction",
      got: reason,
    });
  });

  it("because the ones before it have left too little gas", async () => {
    const verdict = await verdictOf(signed({}), signed({ nonce: 1n, gasLimit: 29_990_000n }));
    expect(verdict).toMatchObject({
      field: "transactions[1]",
      got: "the block has no gas left for it",
    });
  });

  it("because its sender is a contract", async () => {
    const key = keccak(Uint8Array.of(8));
    const code = fromHex("0x6001");
    const contract = new Account(0n, 10n ** 20n, undefined, keccak(code));
    const sender = createAddressFromPrivateKey(key);
    const { root, nodes } = await trieOf([
      [keccak(sender.bytes), contract.serialize()],
      [keccak(SENDER.bytes), new Account(0n, 1n).serialize()],
    ]);
    const world = await makeWorld({ code: "0x00", slots: [] });
    const witness = [...world.witness, ...nodes, code];
    const moved = { ...world, stateRoot: toHex(root), witness };
    const verdict = await executeBlock(blockOn(moved, [signed({}, key)]));
    expect(verdict).toMatchObject({ outcome: "invalid", got: "the sender is a contract" });
  });
});
