import type { Hex } from "@mach/core";
import { expect, it, onTestFinished } from "vitest";
import { startAnvil } from "../../../rollups/test/support/anvil.ts";

import { type ExecutionConfig, execution } from "../../src/config/execution.ts";
import { createBlockExecutors } from "../../src/engine/block-executors.ts";

const ROLLUP = {
  ...{ rpcUrls: [], wsUrls: [], agree: 1, pollMs: 500, timeoutMs: 3_000 },
  rollupId: 901n,
} as const;

function configOf(settings: Record<string, unknown>): ExecutionConfig {
  return execution.parse(settings);
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
  const executors = createBlockExecutors([
    { ...ROLLUP, execution: configOf(proofs) },
    { ...ROLLUP, rollupId: 902n, execution: configOf({ urls, by: "external" }) },
    { ...ROLLUP, rollupId: 903n, execution: configOf({ ...proofs, forks: { later: "1" } }) },
    { ...ROLLUP, rollupId: 904n, execution: configOf({ urls }) },
    { ...ROLLUP, rollupId: 905n },
  ]);
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
