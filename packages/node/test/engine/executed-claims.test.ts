import type { Claim, Hex } from "@mach/core";
import type { BlockExecutor, Verdict } from "@mach/execution";
import { describe, expect, it } from "vitest";
import type { AlertCause, Alerts } from "../../src/alerts.ts";
import { requireExecution } from "../../src/engine/executed-claims.ts";
import type { ClaimSigner } from "../../src/engine/ports.ts";

const ROLLUP = 901n;

function hashOf(number: bigint): Hex {
  return `0x${number.toString(16).padStart(64, "0")}`;
}

function claimAt(blockNumber: bigint, verification: 1 | 2 = 2): Claim {
  return {
    rollupId: ROLLUP,
    blockNumber,
    blockHash: hashOf(blockNumber),
    stateRoot: hashOf(0n),
    outputRoot: hashOf(0n),
    timestamp: 0n,
    epoch: 0n,
    verification,
  };
}

function setUp(options: { readonly verdicts?: Record<string, Verdict>; interval?: bigint } = {}) {
  const executed: bigint[] = [];
  const paused: number[] = [];
  const signed: bigint[] = [];
  const raised: AlertCause[] = [];
  const executor: BlockExecutor = {
    async execute(blockHash) {
      const number = BigInt(blockHash);
      executed.push(number);
      const valid = { outcome: "valid", blockHash, gasUsed: 0n, surplus: 0 } as const;
      return options.verdicts?.[`${number}`] ?? { ...valid, parentHash: hashOf(number - 1n) };
    },
  };
  const signer: ClaimSigner = {
    publicKey: "0x01",
    async sign({ claim }) {
      signed.push(claim.blockNumber);
      return { ok: false, code: "signed" };
    },
    lastSigned: async () => null,
    signSetUpdate: () => Promise.resolve({ ok: false, code: "unused" }),
  };
  const alerts: Alerts = {
    raise: (cause) => void raised.push(cause),
    clear: () => undefined,
    expire: () => undefined,
    clearEarlier: () => undefined,
  };
  const gated = requireExecution({
    signer,
    alerts,
    delay: async (milliseconds) => void paused.push(milliseconds),
    executorOf: (rollupId) => (rollupId === ROLLUP ? executor : undefined),
    intervalOf: () => options.interval ?? 1n,
  });
  const sign = (claim: Claim, isStillWanted = () => true) =>
    gated.sign({ claim, verifiedHead: 100n, ancestry: [], release: null, isStillWanted });
  return { sign, executed, signed, raised, paused };
}

const LACKING: Verdict = {
  outcome: "unverifiable",
  code: "missing-preimage",
  detail: "a node",
  missing: [],
};
const INVALID: Verdict = { outcome: "invalid", field: "stateRoot", expected: "a", got: "b" };

describe("a claim of level 2", () => {
  it("is signed when its block and those since the claim before were executed", async () => {
    const { sign, executed, signed } = setUp({ interval: 3n });
    expect(await sign(claimAt(9n))).toMatchObject({ code: "signed" });
    await sign(claimAt(12n));
    expect(executed).toEqual([9n, 8n, 7n, 12n, 11n, 10n]);
    expect(signed).toEqual([9n, 12n]);
  });

  it("is not signed where a block before it could not be executed, and that is told", async () => {
    const { sign, signed, raised } = setUp({ interval: 3n, verdicts: { 8: LACKING } });
    expect(await sign(claimAt(9n))).toEqual({ ok: false, code: "not-executed" });
    expect(signed).toEqual([]);
    expect(raised).toMatchObject([{ code: "block-not-executed", severity: "warning" }]);
  });

  it("is not signed for a block that is invalid, which is the gravest alert", async () => {
    const { sign, signed, raised } = setUp({ verdicts: { 9: INVALID } });
    expect(await sign(claimAt(9n))).toEqual({ ok: false, code: "block-invalid" });
    expect(signed).toEqual([]);
    expect(raised).toMatchObject([
      { code: "block-invalid", severity: "critical", subject: hashOf(9n) },
    ]);
  });

  it("waits a little for a source that lacks the block, and then no more", async () => {
    const gone: Verdict = { ...LACKING, code: "unavailable" };
    const { sign, executed, paused } = setUp({ verdicts: { 9: gone } });
    expect(await sign(claimAt(9n))).toEqual({ ok: false, code: "not-executed" });
    expect(paused).toEqual([250, 500, 1000, 2000]);
    expect(executed).toEqual([9n, 9n, 9n, 9n, 9n]);
    let asked = 0;
    await sign(claimAt(9n), () => asked++ === 0);
    expect(executed).toHaveLength(6);
  });

  it("is not signed where nothing executes the rollup", async () => {
    const { sign, signed, raised } = setUp();
    const claim = { ...claimAt(9n), rollupId: 902n };
    expect(await sign(claim)).toEqual({ ok: false, code: "not-executed" });
    expect(signed).toEqual([]);
    expect(raised).toMatchObject([{ code: "block-not-executed", rollupId: 902n }]);
  });

  it("is signed in its turn, and not executed once nobody wants it", async () => {
    const { sign, executed, signed } = setUp();
    await Promise.all([
      sign(claimAt(7n)),
      sign(claimAt(8n), () => false),
      sign(claimAt(9n)),
      sign(claimAt(10n)),
    ]);
    expect(signed).toEqual([7n, 9n, 10n]);
    expect(executed).toEqual([7n, 9n, 10n]);
  });
});

it("a claim of level 1 is signed without an execution", async () => {
  const { sign, executed, signed } = setUp();
  await sign(claimAt(9n, 1));
  expect([executed, signed]).toEqual([[], [9n]]);
});
