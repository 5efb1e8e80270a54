import type { Hex } from "@mach/core";
import { describe, expect, it } from "vitest";
import type { AlertCause, Alerts } from "../../src/alerts.ts";
import type { BranchVerdict } from "../../src/engine/executed-branch.ts";
import { createExecutionGate } from "../../src/engine/execution-gate.ts";

const ROLLUP = 901n;
const VERDICT = { outcome: "invalid", field: "stateRoot", expected: "0x0a", got: "0x0b" } as const;

function claimAt(blockNumber: bigint, rollupId = ROLLUP) {
  const blockHash: Hex = `0x${blockNumber.toString(16).padStart(64, "0")}`;
  return { rollupId, blockNumber, blockHash };
}

function setUp(verdicts: Record<string, BranchVerdict> = {}) {
  const checked: bigint[] = [];
  const raised: AlertCause[] = [];
  const cleared: string[] = [];
  const waiting: (() => void)[] = [];
  let isHeld = false;
  const alerts: Alerts = {
    raise: (cause) => void raised.push(cause),
    clear: ({ code }) => void cleared.push(code),
    clearAfter: () => undefined,
    expire: () => undefined,
    clearEarlier: () => undefined,
  };
  const branch = {
    async check({ blockNumber }: { readonly blockNumber: bigint }): Promise<BranchVerdict> {
      checked.push(blockNumber);
      if (isHeld) await new Promise<void>((resolve) => waiting.push(resolve));
      return verdicts[`${blockNumber}`] ?? { outcome: "valid" };
    },
  };
  const gate = createExecutionGate({
    alerts,
    branchOf: (rollupId) => (rollupId === ROLLUP ? branch : undefined),
    fileOf: ({ blockNumber }) => (blockNumber === 7n ? "invalid-blocks/7.json.gz" : null),
  });
  const hold = (): void => {
    isHeld = true;
  };
  const release = (): void => {
    isHeld = false;
    for (const resolve of waiting.splice(0)) resolve();
  };
  return { gate, checked, raised, cleared, hold, release };
}

describe("the gate before a signature", () => {
  it("opens for a block whose branch was executed, and ends the alert", async () => {
    const { gate, cleared } = setUp();
    expect(await gate.check(claimAt(9n), () => true)).toBeNull();
    expect(cleared).toEqual(["block-not-executed"]);
  });

  it("stays shut for what could not be executed, and says why", async () => {
    const block = claimAt(8n);
    const { gate, raised } = setUp({ 9: { outcome: "unverifiable", block, why: "a node" } });
    expect(await gate.check(claimAt(9n), () => true)).toBe("not-executed");
    expect(raised).toMatchObject([{ code: "block-not-executed", severity: "warning" }]);
    expect(raised[0]?.message).toContain("block 8: a node");
  });

  it("stays shut for an invalid branch, and says how to find it invalid again", async () => {
    const block = claimAt(7n);
    const { gate, raised } = setUp({ 9: { outcome: "invalid", block, verdict: VERDICT } });
    expect(await gate.check(claimAt(9n), () => true)).toBe("block-invalid");
    const { blockHash: subject } = block;
    expect(raised).toMatchObject([{ code: "block-invalid", severity: "critical", subject }]);
    expect(raised[0]?.message).toContain("mach execute invalid-blocks/7.json.gz");
    expect(raised[0]?.message).toContain("stateRoot: 0x0b; by execution: 0x0a");
  });

  it("stays shut where nothing executes the rollup", async () => {
    const { gate, raised, checked } = setUp();
    expect(await gate.check(claimAt(9n, 902n), () => true)).toBe("not-executed");
    expect(raised).toMatchObject([{ code: "block-not-executed", rollupId: 902n }]);
    expect(checked).toEqual([]);
  });

  it("takes one after the other, and not what nobody wants", async () => {
    const { gate, checked, hold, release } = setUp();
    hold();
    const all = [7n, 8n, 9n].map((number) => gate.check(claimAt(number), () => number !== 8n));
    await Promise.resolve();
    await Promise.resolve();
    expect(checked).toEqual([7n]);
    release();
    expect(await Promise.all(all)).toEqual([null, "not-executed", null]);
    expect(checked).toEqual([7n, 9n]);
  });
});

describe("a node that signs nothing", () => {
  it("is told of an invalid block all the same, and of nothing else", async () => {
    const { gate, raised } = setUp({
      8: { outcome: "unverifiable", block: claimAt(8n), why: "a node" },
      9: { outcome: "invalid", block: claimAt(9n), verdict: VERDICT },
    });
    gate.watch(ROLLUP, claimAt(8n));
    await expect.poll(() => gate.check(claimAt(7n), () => true)).toBeNull();
    expect(raised).toEqual([]);
    gate.watch(ROLLUP, claimAt(9n));
    await expect.poll(() => raised.map(({ code }) => code)).toEqual(["block-invalid"]);
    expect(raised[0]?.message).toContain("could not be kept");
  });

  it("lets a block pass by while another is executed", async () => {
    const { gate, checked, hold, release } = setUp();
    hold();
    gate.watch(ROLLUP, claimAt(7n));
    gate.watch(ROLLUP, claimAt(8n));
    gate.watch(902n, claimAt(8n));
    await expect.poll(() => checked).toEqual([7n]);
    release();
    await gate.check(claimAt(9n), () => true);
    expect(checked).toEqual([7n, 9n]);
  });
});
