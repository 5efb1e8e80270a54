import { addressWord, concatHex, type Hex, keccak256Text, uintWord, ZERO_HASH } from "@mach/core";
import { describe, expect, it } from "vitest";
import { callData } from "../src/settlement.ts";
import { readSettlementContracts, type SettlementPlace } from "../src/settlement-contracts.ts";
import type { NodeAnswer, NodeCall } from "../src/stack.ts";

const address = (byte: string): Hex => `0x${byte.repeat(20)}`;
const [REGISTRY, ADAPTER, CONTRACT, FACTORY] = ["01", "02", "03", "04"].map(address) as [
  Hex,
  Hex,
  Hex,
  Hex,
];
const STATE_AT = keccak256Text("finalised L1 block");
const ENTRY = `${REGISTRY} ${callData("rollupAt(uint64,uint64)", uintWord(7), uintWord(3))}`;

type Answers = Readonly<Record<string, Hex | NodeAnswer>>;

/** An L1 that answers calls, by contract and call data, at one block alone. */
function l1(answers: Answers): NodeCall {
  return async (method, params) => {
    const [{ to, data }, at] = params as readonly [{ to: Hex; data: Hex }, object];
    expect([method, at]).toEqual(["eth_call", { blockHash: STATE_AT, requireCanonical: true }]);
    const answer = answers[`${to} ${data}`] ?? { ok: false, code: "unavailable" };
    return typeof answer === "string" ? { ok: true, value: answer } : answer;
  };
}

function entry(adapter: Hex): Hex {
  const numbers = [7, 0, 1, 6_667, 1].map((each) => uintWord(each));
  return concatHex(...numbers, addressWord(adapter));
}

function read(stack: SettlementPlace["stack"], answers: Answers, configured: Hex | null = null) {
  const place = { stack, rollupId: 7n, registry: REGISTRY, epoch: 3n, configured };
  return readSettlementContracts(l1(answers), { ...place, stateAt: STATE_AT });
}

describe("the contracts that settle a rollup", () => {
  const op = {
    [ENTRY]: entry(ADAPTER),
    [`${ADAPTER} ${callData("anchorStateRegistry()")}`]: addressWord(CONTRACT),
    [`${CONTRACT} ${callData("disputeGameFactory()")}`]: addressWord(FACTORY),
  };
  const none = { [ENTRY]: entry(address("00")) };

  it("are those of the registry's adapter, whatever is configured", async () => {
    expect(await read("op", op, REGISTRY)).toEqual({
      ok: true,
      contracts: {
        stack: "op",
        rollupId: 7n,
        disputeGameFactory: FACTORY,
        anchorStateRegistry: CONTRACT,
      },
    });
    const orbit = {
      [ENTRY]: entry(ADAPTER),
      [`${ADAPTER} ${callData("rollup()")}`]: addressWord(CONTRACT),
      [`${CONTRACT} ${callData("chainId()")}`]: uintWord(7),
    };
    const contracts = { stack: "orbit", rollup: CONTRACT };
    expect(await read("orbit", orbit, REGISTRY)).toEqual({ ok: true, contracts });
  });

  it("are the configured one where the registry names none, or has no such entry", async () => {
    const cdk = `${CONTRACT} ${callData("chainIDToRollupID(uint64)", uintWord(7))}`;
    const refused: NodeAnswer = { ok: false, code: "refused", number: 3 };
    for (const answers of [none, { [ENTRY]: refused }]) {
      expect(await read("cdk", { ...answers, [cdk]: uintWord(5) }, CONTRACT)).toEqual({
        ok: true,
        contracts: { stack: "cdk", rollupManager: CONTRACT, rollupIndex: 5n },
      });
    }
    const zk = { ...none, [`${CONTRACT} ${callData("getChainId()")}`]: uintWord(7) };
    const contracts = { stack: "zk", diamond: CONTRACT };
    expect(await read("zk", zk, CONTRACT)).toEqual({ ok: true, contracts });
  });

  it("are none where nobody names them, or the stack settles nothing", async () => {
    for (const stack of ["op", "orbit", "cdk", "zk"] as const) {
      expect(await read(stack, none)).toEqual({ ok: true, contracts: null });
    }
    expect(await read("evm", {}, CONTRACT)).toEqual({ ok: true, contracts: null });
  });

  it("are refused where they say that they are another chain's", async () => {
    const wrong = { ok: false, code: "wrong-chain" };
    const orbit = { ...none, [`${CONTRACT} ${callData("chainId()")}`]: uintWord(8) };
    expect(await read("orbit", orbit, CONTRACT)).toEqual(wrong);
    const zk = { ...none, [`${CONTRACT} ${callData("getChainId()")}`]: uintWord(8) };
    expect(await read("zk", zk, CONTRACT)).toEqual(wrong);
    const cdk = `${CONTRACT} ${callData("chainIDToRollupID(uint64)", uintWord(7))}`;
    expect(await read("cdk", { ...none, [cdk]: ZERO_HASH }, CONTRACT)).toEqual(wrong);
  });

  it("are no answer where L1 gives none, or garbage", async () => {
    expect(await read("op", {})).toEqual({ ok: false, code: "unavailable" });
    expect(await read("op", none, CONTRACT)).toEqual({ ok: false, code: "unavailable" });
    for (const [view, bytes] of [
      [ENTRY, "0x"],
      [ENTRY, concatHex(entry(ADAPTER), ZERO_HASH)],
      [`${ADAPTER} ${callData("anchorStateRegistry()")}`, ZERO_HASH],
      [`${CONTRACT} ${callData("disputeGameFactory()")}`, `0x${"ff".repeat(32)}`],
    ] as const) {
      expect(await read("op", { ...op, [view]: bytes })).toEqual({ ok: false, code: "malformed" });
    }
  });
});
