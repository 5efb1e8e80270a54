import type { Alert } from "@mach/api";
import type { Hex, Input } from "@mach/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Anvil, startAnvil } from "../../../rollups/test/support/anvil.ts";
import { CALM_MS, createAlerts } from "../../src/alerts.ts";
import type { RollupConfig } from "../../src/config.ts";
import { followRollups, type RollupFollowing } from "../../src/engine/follow-rollups.ts";
import { PARAMETERS, ROLLUP_ID } from "./engine-node.ts";

interface Followed {
  readonly following: RollupFollowing;
  readonly inputs: Input[];
  readonly moved: bigint[];
  standing(): readonly string[];
  /** What nothing has happened to for so long is cleared. */
  calm(): void;
  heights(): readonly bigint[];
}

const POLL = { interval: 10, timeout: 10_000 };

function follow(anvil: Pick<Anvil, "httpUrl">, options: { readonly from?: bigint } = {}): Followed {
  const inputs: Input[] = [];
  const moved: bigint[] = [];
  const kept = new Map<string, Alert>();
  let ahead = 0;
  const alerts = createAlerts({
    publish: (alert) => kept.set(alert.alertId, alert),
    now: () => Date.now() + ahead,
  });
  const rollup: RollupConfig = {
    ...{ rollupId: ROLLUP_ID, rpcUrls: [anvil.httpUrl], wsUrls: [], agree: 1 },
    ...{ pollMs: 20, timeoutMs: 500 },
  };
  const following = followRollups(
    {
      engine: { input: (input) => inputs.push(input) },
      alerts,
      onBlock: (rollupId) => moved.push(rollupId),
      trustsFinalized: () => true,
      log: () => undefined,
    },
    {
      rollups: [rollup],
      engine: { catchUpBlocks: 64 },
      resumeFrom: () => options.from ?? null,
    },
  );
  onTestFinished(() => following.stop());
  return {
    ...{ following, inputs, moved },
    calm() {
      ahead += CALM_MS;
      alerts.expire();
    },
    standing: () =>
      [...kept.values()]
        .filter((each) => each.clearedAt === null)
        .map((each) => each.code)
        .toSorted(),
    heights: () =>
      inputs.flatMap((each) => (each.type === "block-verified" ? [each.block.blockNumber] : [])),
  };
}

describe("a rollup", () => {
  it("is followed once the registry has listed it, and only if it is configured", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const { following, heights, moved, inputs } = follow(anvil);
    following.onParameters([{ ...PARAMETERS, rollupId: 7n }]);
    expect(following.sources(ROLLUP_ID)).toEqual([]);
    following.onParameters([PARAMETERS]);
    following.onParameters([PARAMETERS]);
    expect(following.sources(ROLLUP_ID)).toHaveLength(1);
    await expect.poll(heights, POLL).toEqual([0n]);
    await anvil.mine(2);
    await expect.poll(heights, POLL).toEqual([0n, 1n, 2n]);
    expect(moved).toEqual([ROLLUP_ID, ROLLUP_ID, ROLLUP_ID]);
    expect(following.abstention(ROLLUP_ID)).toBeNull();
    await expect.poll(() => inputs.some((each) => each.type === "heads"), POLL).toBe(true);
  });

  it("is taken up again a little below where it was left", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(20);
    const { following, heights } = follow(anvil, { from: 15n });
    following.onParameters([PARAMETERS]);
    await expect.poll(() => heights().at(-1), POLL).toBe(20n);
    expect(heights()[0]).toBe(11n);
  });

  it("that is out of reach is abstained from, said so once, and taken up when it is back", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const { following, heights, standing, calm } = follow(anvil);
    following.onParameters([PARAMETERS]);
    await expect.poll(heights, POLL).toEqual([0n]);
    await anvil.stop();
    await expect.poll(standing, POLL).toEqual(["blocks-not-trusted", "source-failing"]);
    expect(following.abstention(ROLLUP_ID)).toBe("sources-unavailable");
    expect(await following.transactions.blockOf(ROLLUP_ID, `0x${"7a".repeat(32)}`)).toBeNull();
    const again = await startAnvil({ flavour: "evm", port: anvil.port });
    await again.mine(1);
    await expect.poll(() => following.abstention(ROLLUP_ID), POLL).toBeNull();
    await expect.poll(() => following.sources(ROLLUP_ID)[0]?.status, POLL).toBe("ready");
    // The chain that came back is another one where its first block has another second.
    const told = (): readonly string[] => standing().filter((code) => code !== "blocks-skipped");
    expect(told()).toEqual(["blocks-not-trusted", "source-failing"]);
    calm();
    expect(told()).toEqual([]);
  });

  it("whose sequencer leaves its branch is told of to the engine, as one alert", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const { following, heights, inputs, standing } = follow(anvil);
    following.onParameters([PARAMETERS]);
    await expect.poll(heights, POLL).toEqual([0n]);
    await anvil.mine(4);
    await expect.poll(() => heights().at(-1), POLL).toBe(4n);
    for (let i = 0; i < 2; i++) {
      await anvil.call("anvil_reorg", [2, []]);
      await anvil.mine(1);
      const reorgs = (): number => inputs.filter((each) => each.type === "reorged").length;
      await expect.poll(reorgs, POLL).toBe(i + 1);
    }
    const [reorg] = inputs.filter((each) => each.type === "reorged");
    expect(reorg).toEqual({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: 2n });
    expect(standing()).toEqual(["reorg"]);
  });

  it("that is replaced below all that is held puts every block in doubt", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    await anvil.mine(9);
    const { following, heights, inputs, standing } = follow(anvil);
    following.onParameters([PARAMETERS]);
    await expect.poll(heights, POLL).toEqual([9n]);
    await anvil.call("anvil_reorg", [4, []]);
    await expect.poll(() => inputs.at(-1), POLL).toMatchObject({ type: "block-verified" });
    await expect.poll(() => heights().length, POLL).toBeGreaterThan(1);
    const [reorg] = inputs.filter((each) => each.type === "reorged");
    expect(reorg).toEqual({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: -1n });
    expect(standing()).toContain("blocks-skipped");
  });

  it("tells the block of a transaction, and of none that it does not have", async () => {
    const anvil = await startAnvil({ flavour: "evm" });
    const { following } = follow(anvil);
    const [from] = await anvil.call<Hex[]>("eth_accounts");
    const hash = await anvil.call<Hex>("eth_sendTransaction", [{ from, to: from }]);
    expect(await following.transactions.blockOf(ROLLUP_ID, hash)).toBeNull();
    await anvil.mine(1);
    const block = await anvil.call<{ hash: Hex }>("eth_getBlockByNumber", ["latest", false]);
    expect(await following.transactions.blockOf(ROLLUP_ID, hash)).toBe(block.hash);
    expect(await following.transactions.blockOf(ROLLUP_ID, block.hash)).toBeNull();
    expect(await following.transactions.blockOf(7n, hash)).toBeNull();
  });
});
