import type { Claim, Hex } from "@mach/core";
import { expect, it } from "vitest";
import { requireExecution } from "../../src/engine/executed-claims.ts";
import type { ExecutionRefusal } from "../../src/engine/execution-gate.ts";
import type { ClaimSigner } from "../../src/engine/ports.ts";

const HASH: Hex = `0x${"00".repeat(32)}`;

function setUp(refusal: ExecutionRefusal | null) {
  const checked: bigint[] = [];
  const signed: bigint[] = [];
  const signer: ClaimSigner = {
    holds: async () => true,
    async sign({ claim }) {
      signed.push(claim.blockNumber);
      return { ok: false, code: "signed" };
    },
    lastSigned: async () => null,
    signSetUpdate: () => Promise.resolve({ ok: false, code: "unused" }),
  };
  const guarded = requireExecution(signer, {
    async check({ blockNumber }) {
      checked.push(blockNumber);
      return refusal;
    },
  });
  const sign = (verification: 1 | 2) => {
    const claim: Claim = {
      ...{ rollupId: 901n, blockNumber: 9n, timestamp: 0n, epoch: 0n, verification },
      ...{ blockHash: HASH, stateRoot: HASH, outputRoot: HASH },
    };
    const request = {
      claim,
      publicKey: "0x01" as const,
      verifiedHead: 9n,
      ancestry: [],
      release: null,
    };
    return guarded.sign({ ...request, isStillWanted: () => true });
  };
  return { sign, checked, signed };
}

it("a claim of level 2 is signed after its execution", async () => {
  const { sign, checked, signed } = setUp(null);
  expect(await sign(2)).toMatchObject({ code: "signed" });
  expect([checked, signed]).toEqual([[9n], [9n]]);
});

it.each(["not-executed", "block-invalid"] as const)(
  "a claim of level 2 is not signed where the execution says %s",
  async (code) => {
    const { sign, signed } = setUp(code);
    expect(await sign(2)).toEqual({ ok: false, code });
    expect(signed).toEqual([]);
  },
);

it("a claim of level 1 is signed without an execution", async () => {
  const { sign, checked, signed } = setUp("not-executed");
  expect(await sign(1)).toMatchObject({ code: "signed" });
  expect([checked, signed]).toEqual([[], [9n]]);
});
