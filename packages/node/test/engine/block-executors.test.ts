import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hex } from "@mach/core";
import { expect, it, onTestFinished } from "vitest";
import { type Anvil, startAnvil } from "../../../rollups/test/support/anvil.ts";
import { type ExecutionConfig, execution } from "../../src/config/execution.ts";
import { createBlockExecutors } from "../../src/engine/block-executors.ts";
import { createInvalidBlocks } from "../../src/engine/invalid-blocks.ts";
import { machJson } from "../cli/cli-runs.ts";

const ROLLUP = {
  ...{ rpcUrls: [], wsUrls: [], agree: 1, pollMs: 500, timeoutMs: 3_000 },
  rollupId: 901n,
} as const;

function configOf(settings: Record<string, unknown>): ExecutionConfig {
  return execution.parse(settings);
}

function blockAt(anvil: Anvil, number: bigint): Promise<{ hash: Hex; parentHash: Hex }> {
  return anvil.call("eth_getBlockByNumber", [`0x${number.toString(16)}`, false]);
}

it("the blocks of a local chain are executed as its configuration says", {
  timeout: 60_000,
}, async () => {
  const anvil = await startAnvil({ flavour: "op" });
  const [from, to] = await anvil.call<string[]>("eth_accounts");
  await anvil.mine();
  await anvil.call("eth_sendTransaction", [{ from, to, value: "0x1" }]);
  await anvil.mine();
  const { hash } = await anvil.call<{ hash: Hex }>("eth_getBlockByNumber", ["0x2", false]);
  const urls = [anvil.httpUrl];
  const proofs = { urls, by: "proofs", profile: "anvil-op", forks: { isthmus: "0" } };
  const executors = createBlockExecutors(
    [
      { ...ROLLUP, execution: configOf(proofs) },
      { ...ROLLUP, rollupId: 902n, execution: configOf({ urls, by: "external" }) },
      { ...ROLLUP, rollupId: 903n, execution: configOf({ ...proofs, forks: { later: "1" } }) },
      { ...ROLLUP, rollupId: 904n, execution: configOf({ urls }) },
      { ...ROLLUP, rollupId: 905n },
    ],
    { onInvalid: () => Promise.reject(new Error("none is")) },
  );
  onTestFinished(() => executors.stop());
  const verdict = (rollupId: bigint) => executors.of(rollupId)?.execute(hash);
  const valid = { outcome: "valid", blockHash: hash, gasUsed: 21_000n };
  expect(await verdict(901n)).toMatchObject(valid);
  expect(await verdict(902n)).toMatchObject(valid);
  expect(await verdict(903n)).toMatchObject({ code: "unsupported-fork" });
  // anvil serves no witness.
  expect(await verdict(904n)).toMatchObject({ code: "unavailable" });
  expect(executors.of(905n)).toBeUndefined();
});

it("a block with a transaction that nobody signed is invalid, and again from its file", {
  timeout: 60_000,
}, async () => {
  const anvil = await startAnvil({ flavour: "op" });
  const [from, to] = await anvil.call<string[]>("eth_accounts");
  const pay = (recipient = to, value = "0x1") =>
    anvil.call("eth_sendTransaction", [{ from, to: recipient, value }]);
  const victim = `0x${"ab".repeat(20)}`;
  await anvil.mine(2);
  const dataDir = mkdtempSync(join(tmpdir(), "mach-invalid-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const invalidBlocks = createInvalidBlocks(dataDir);
  const settings = { urls: [anvil.httpUrl], by: "proofs", profile: "anvil-op" };
  const executors = createBlockExecutors(
    [{ ...ROLLUP, execution: configOf({ ...settings, forks: { isthmus: "0" } }) }],
    { onInvalid: (rollupId, invalid) => invalidBlocks.keep(rollupId, invalid) },
  );
  onTestFinished(() => executors.stop());
  await anvil.call("anvil_impersonateAccount", [victim]);
  await pay(victim, "0xde0b6b3a7640000");
  await anvil.mine();
  // As a sequencer could that takes what nobody has signed.
  await anvil.call("eth_sendTransaction", [{ from: victim, to, value: "0x1234" }]);
  await pay();
  await anvil.mine(2);
  const head = await anvil.blockNumber();
  const block = await blockAt(anvil, head - 1n);
  const verdict = await executors.of(901n)?.execute(block.hash);
  expect(verdict).toMatchObject({ outcome: "invalid", field: "transactions[0]" });
  const file = invalidBlocks.fileOf({ blockNumber: head - 1n, blockHash: block.hash });
  const again = await machJson("execute", join(dataDir, file ?? ""));
  expect(again).toMatchObject({ ...verdict, exitCode: 1 });
  for (const hash of [block.parentHash, (await blockAt(anvil, head)).hash]) {
    expect(await executors.of(901n)?.execute(hash)).toMatchObject({ outcome: "valid" });
  }
  // Its state has then changed under the block before: anvil cannot prove what that one commits to.
  await anvil.call("anvil_setBalance", [victim, "0x1"]);
  await anvil.mine();
  const changed = await blockAt(anvil, head + 1n);
  const unknown = { outcome: "unverifiable", code: "missing-preimage" };
  expect(await executors.of(901n)?.execute(changed.hash)).toMatchObject(unknown);
});

it.each([
  {},
  { urls: [] },
  { urls: ["ws://localhost:1"] },
  { urls: ["http://localhost:1"], by: "hearsay" },
  { urls: ["http://localhost:1"], profile: "orbit" },
  { urls: ["http://localhost:1"], forks: { holocene: -1 } },
  { urls: ["http://localhost:1"], fork: {} },
])("an execution of %j is no configuration", (settings) => {
  expect(execution.safeParse(settings).success).toBe(false);
});
