import { type Claim, createEngineState, type EngineState, type Hex } from "@mach/core";
import { describe, expect, it } from "vitest";
import { isSettled } from "../../src/engine/settled-blocks.ts";

const ROLLUP = 901n;

function hashOf(number: bigint, branch = "00"): Hex {
  return `0x${branch}${number.toString(16).padStart(62, "0")}`;
}

function blockAt(blockNumber: bigint, branch?: string) {
  return { blockNumber, blockHash: hashOf(blockNumber, branch) };
}

function claimAt(blockNumber: bigint, verification: 1 | 2): Claim {
  const { blockHash } = blockAt(blockNumber);
  const zero = hashOf(0n);
  const roots = { stateRoot: zero, outputRoot: zero };
  return {
    rollupId: ROLLUP,
    ...blockAt(blockNumber),
    ...roots,
    timestamp: 0n,
    epoch: 0n,
    verification,
    blockHash,
  };
}

function setUp(lastSigned: Claim | null = null) {
  const state: EngineState = createEngineState({
    domain: { chainId: 1n, verifyingContract: `0x${"00".repeat(20)}` },
    schedule: { genesisTime: 0n, epochSeconds: 60n },
    operator: null,
    rollups: [{ rollupId: ROLLUP, lastSigned }],
    ...{ improvementWindowMs: 0, openHeights: 8, earlyAttestations: 8, chainDepth: 8, graceMs: 0 },
  });
  const rollup = state.rollups.get(ROLLUP);
  if (rollup === undefined) throw new Error("no rollup");
  for (let number = 1n; number <= 9n; number++) {
    const { blockNumber, blockHash } = blockAt(number);
    const zero = hashOf(0n);
    rollup.blocks.set(number, {
      ...{ blockNumber, blockHash, parentHash: hashOf(number - 1n), stateRoot: zero },
      ...{ outputRoot: zero, timestamp: 0n, headerRlp: "0x" },
    });
  }
  return {
    state,
    rollup,
    settled: (block: ReturnType<typeof blockAt>) => isSettled(state, ROLLUP, block),
  };
}

describe("a block needs no execution below those that are signed", () => {
  it("where this operator signed it as executed, and not as a header", () => {
    expect(setUp(claimAt(5n, 2)).settled(blockAt(5n))).toBe(true);
    expect(setUp(claimAt(5n, 2)).settled(blockAt(5n, "ff"))).toBe(false);
    expect(setUp(claimAt(5n, 2)).settled(blockAt(4n))).toBe(false);
    expect(setUp(claimAt(5n, 1)).settled(blockAt(5n))).toBe(false);
  });

  it("where L1 has finalised it, or one above it on the followed branch", () => {
    const { rollup, settled } = setUp();
    expect(settled(blockAt(4n))).toBe(false);
    rollup.finalized = { ...blockAt(5n), timestamp: 0n };
    expect([4n, 5n, 6n].map((number) => settled(blockAt(number)))).toEqual([true, true, false]);
    expect([4n, 5n].map((number) => settled(blockAt(number, "ff")))).toEqual([false, false]);
    rollup.finalized = { ...blockAt(5n, "ff"), timestamp: 0n };
    expect(settled(blockAt(4n))).toBe(false);
    expect(settled(blockAt(5n))).toBe(false);
  });

  it("where a certificate stands for it that is not contradicted", () => {
    const { rollup, settled } = setUp();
    const claim = claimAt(5n, 2);
    const digest = hashOf(1n, "dd");
    const certificate = { claim } as never;
    const rest = { openUntilMs: null, publishAtMs: null, certifiedAtMs: 0, latencyMs: null };
    rollup.certified.set(5n, { certificate, digest, ...rest });
    expect(settled(blockAt(5n))).toBe(true);
    expect(settled(blockAt(5n, "ff"))).toBe(false);
    expect(settled(blockAt(6n))).toBe(false);
    rollup.contradicted.set(digest, 5n);
    expect(settled(blockAt(5n))).toBe(false);
  });
});
