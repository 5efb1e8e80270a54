import { createEVM } from "@ethereumjs/evm";
import { RLP } from "@ethereumjs/rlp";
import { Account, type Address } from "@ethereumjs/util";
import { fromHex } from "@mach/core";
import { describe, expect, it } from "vitest";
import { type Deposit, decodeDeposit, runDeposit } from "../src/deposit.ts";
import { blockContext } from "../src/execute-block.ts";
import { rulesAt } from "../src/rules.ts";
import { createPreimageStore } from "../src/witness.ts";
import { WitnessState } from "../src/witness-state.ts";
import { blockOn, CONTRACT, makeWorld, SENDER, word } from "./support/world.ts";

const BEFORE = 10n ** 20n;
/** SSTORE(5, SLOAD(1)). */
const COPIES = "0x6001545f556001546005555f5ff3";
const REVERTS = "0x5f5ffd";

async function setUp(fork: "holocene" | "isthmus" = "holocene", code: `0x${string}` = COPIES) {
  const world = await makeWorld({ code, slots: [[1, 1]] });
  const rules = rulesAt(
    {
      profile: "op",
      chainId: 10n,
      forks: [{ name: fork, timestamp: 0n }],
      baseFee: { denominator: 250n, elasticity: 6n },
    },
    1n,
  );
  const input = blockOn(world, []);
  if (rules === null || input.block.kind !== "attributes") throw new Error("no rules");
  const state = new WitnessState(fromHex(world.stateRoot), createPreimageStore(world.witness).read);
  const evm = await createEVM({ common: rules.common, stateManager: state });
  const block = blockContext(input.block.attributes, {
    ...{ number: 1n, baseFee: 1n, excessBlobGas: 0n, rules },
  });
  const run = (deposit: Partial<Deposit>) =>
    runDeposit(evm, { ...DEPOSIT, ...deposit }, { block, rules });
  const account = async (address: Address) => (await state.getAccount(address)) ?? new Account();
  return { run, account };
}

const DEPOSIT: Deposit = {
  from: SENDER,
  to: CONTRACT,
  mint: 0n,
  value: 0n,
  gasLimit: 100_000n,
  isSystem: false,
  data: new Uint8Array(),
};

describe("a deposit", () => {
  it("pays no fee, and its sender's nonce rises", async () => {
    const { run, account } = await setUp();
    expect(await run({ mint: 5n, value: 3n })).toMatchObject({ isSuccess: true, nonce: 0n });
    expect(await account(SENDER)).toMatchObject({ nonce: 1n, balance: BEFORE + 2n });
    expect((await account(CONTRACT)).balance).toBe(3n);
    expect((await run({})).nonce).toBe(1n);
  });

  it("that reverts keeps what it minted and uses the gas that it used", async () => {
    const { run, account } = await setUp("holocene", REVERTS);
    const result = await run({ mint: 5n, value: 3n });
    expect(result).toMatchObject({ isSuccess: false, gasUsed: 21_000n + 4n, logs: [] });
    expect(await account(SENDER)).toMatchObject({ nonce: 1n, balance: BEFORE + 5n });
    expect((await account(CONTRACT)).balance).toBe(0n);
  });

  it.each([
    ["cannot pay its value", { value: BEFORE + 6n }],
    ["has less gas than it costs to begin", { gasLimit: 20_999n }],
    [
      "creates with too much code",
      { to: null, data: new Uint8Array(49_153), gasLimit: 9_000_000n },
    ],
  ])("that %s is in the block: all of its gas is used, the mint stays", async (_name, changes) => {
    const { run, account } = await setUp();
    const result = await run({ mint: 5n, ...changes });
    const gasUsed = "gasLimit" in changes ? changes.gasLimit : DEPOSIT.gasLimit;
    expect(result).toEqual({ isSuccess: false, gasUsed, logs: [], nonce: 0n });
    expect(await account(SENDER)).toMatchObject({ nonce: 1n, balance: BEFORE + 5n });
  });

  it("pays for a slot by what it was when the deposit began, not the one before", async () => {
    // SSTORE(1, CALLDATALOAD(0)), on a slot that holds 1.
    const { run } = await setUp("holocene", "0x5f3560015500");
    expect(await run({ data: word(0) })).toMatchObject({ isSuccess: true });
    const { gasUsed } = await run({ data: word(1) });
    const calldata = 31n * 4n + 16n;
    const fromZeroAndCold = 20_000n + 2_100n;
    expect(gasUsed).toBe(21_000n + calldata + 2n + 3n + 3n + fromZeroAndCold);
  });

  it("pays the floor of its data since Isthmus", async () => {
    const data = new Uint8Array(1000).fill(1);
    const holocene = await (await setUp("holocene", "0x00")).run({ data });
    expect(holocene.gasUsed).toBe(21_000n + 16_000n);
    const isthmus = await (await setUp("isthmus", "0x00")).run({ data });
    expect(isthmus.gasUsed).toBe(21_000n + 40_000n);
    // Enough for what it cost before, and not for the floor: it cannot begin.
    const poor = await (await setUp("isthmus", "0x00")).run({ data, gasLimit: 50_000n });
    expect(poor).toMatchObject({ isSuccess: false, gasUsed: 50_000n });
  });

  it("is read from its bytes, or not at all", () => {
    const fields = [
      new Uint8Array(32),
      SENDER.bytes,
      CONTRACT.bytes,
      Uint8Array.of(5),
      Uint8Array.of(3),
      Uint8Array.of(1, 0, 0),
      new Uint8Array(),
      Uint8Array.of(9, 9),
    ];
    const encode = (items: readonly Uint8Array[]) => Uint8Array.of(0x7e, ...RLP.encode([...items]));
    const read = decodeDeposit(encode(fields));
    expect(read).toMatchObject({ mint: 5n, value: 3n, gasLimit: 65_536n, isSystem: false });
    expect(read?.from.equals(SENDER)).toBe(true);
    expect(decodeDeposit(encode(fields.with(2, new Uint8Array())))?.to).toBeNull();
    for (const [index, length] of [
      [0, 31],
      [1, 19],
      [2, 19],
      [3, 33],
      [4, 33],
      [5, 9],
      [6, 2],
    ] as const) {
      expect(decodeDeposit(encode(fields.with(index, new Uint8Array(length).fill(1))))).toBeNull();
    }
    expect(decodeDeposit(encode(fields.slice(1)))).toBeNull();
    expect(decodeDeposit(encode(fields).subarray(0, 40))).toBeNull();
  });
});
