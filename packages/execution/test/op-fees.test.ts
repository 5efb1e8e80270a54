import { describe, expect, it } from "vitest";
import { type L1Fees, l1Fee, operatorFee, readL1Fees } from "../src/op-fees.ts";

const FEES: L1Fees = {
  baseFee: 1_000_000_000n,
  blobBaseFee: 10_000_000n,
  baseFeeScalar: 2n,
  blobBaseFeeScalar: 3n,
  operatorFeeScalar: 1_500_000n,
  operatorFeeConstant: 7n,
};
/** 16 * 2 * 1 gwei + 3 * 0.01 gwei. */
const PRICE = 32_030_000_000n;

describe("what a transaction pays for L1", () => {
  it("is at least that of 100 bytes since Fjord", () => {
    const small = new Uint8Array(50).fill(7);
    for (const fork of ["fjord", "granite", "holocene", "isthmus"] as const) {
      expect(l1Fee(FEES, small, fork)).toBe((100_000_000n * PRICE) / 1_000_000_000_000n);
    }
  });

  it("grows with what is left when it is compressed", () => {
    const bytes = Uint8Array.from({ length: 250 }, (_, index) => index);
    // Nothing repeats: 250 literals in runs of 32, with a byte before each run.
    const length = 250n + 8n;
    const size = 836_500n * length - 42_585_600n;
    expect(l1Fee(FEES, bytes, "isthmus")).toBe((size * PRICE) / 1_000_000_000_000n);
    expect(l1Fee(FEES, new Uint8Array(250), "isthmus")).toBeLessThan(l1Fee(FEES, bytes, "isthmus"));
  });

  it("counts calldata gas in Ecotone", () => {
    const bytes = Uint8Array.of(0, 0, 1, 2, 3);
    expect(l1Fee(FEES, bytes, "ecotone")).toBe(((2n * 4n + 3n * 16n) * PRICE) / 16_000_000n);
  });
});

describe("what a transaction pays the operator", () => {
  it("is nothing before Isthmus", () => {
    expect(operatorFee(FEES, 21_000n, "holocene")).toBe(0n);
  });

  it("is a share of its gas and a constant since", () => {
    expect(operatorFee(FEES, 21_000n, "isthmus")).toBe(31_507n);
  });
});

it("the fees are read from where L1Block keeps them", async () => {
  const words: Record<number, string> = {
    1: "3b9aca00",
    3: `${"00".repeat(16)}0000000200000003${"ff".repeat(8)}`,
    7: "989680",
    8: `${"ff".repeat(20)}0016e3600000000000000007`,
  };
  const state = {
    getStorage: async (_address: unknown, key: Uint8Array) =>
      Uint8Array.from(Buffer.from(words[key[31] ?? 0] ?? "", "hex")),
  };
  expect(await readL1Fees(state as never, "isthmus")).toEqual(FEES);
  const before = { ...FEES, operatorFeeScalar: 0n, operatorFeeConstant: 0n };
  expect(await readL1Fees(state as never, "holocene")).toEqual(before);
});
