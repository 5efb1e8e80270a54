import type { Hex } from "@mach/core";
import type { RpcClient, RpcResult } from "@mach/rpc";
import { describe, expect, it } from "vitest";
import { createExternalExecutor } from "../src/block-executor.ts";
import { realHeaders } from "./support/real-blocks.ts";

const [real] = realHeaders;
const HASH = (real?.hash ?? "0x") as Hex;

/** A node that has a real block and its state, but for what a test changes. */
function node(changes: Readonly<Record<string, RpcResult>> = {}): RpcClient {
  const answers: Readonly<Record<string, RpcResult>> = {
    eth_syncing: { ok: true, value: false },
    eth_getBlockByHash: { ok: true, value: { ...real?.header, hash: HASH } },
    eth_getBalance: { ok: true, value: "0x0" },
    ...changes,
  };
  return {
    call: async (method) => answers[method] ?? { ok: false, code: "rpc-error" },
    close: () => Promise.resolve(),
  };
}

describe("an external executor", () => {
  it("says that a block is valid which its node holds with the state after it", async () => {
    const verdict = await createExternalExecutor(node()).execute(HASH);
    expect(verdict).toMatchObject({ outcome: "valid", blockHash: HASH });
  });

  it.each<[string, Readonly<Record<string, RpcResult>>]>([
    ["is still syncing", { eth_syncing: { ok: true, value: { currentBlock: "0x1" } } }],
    ["does not say whether it is", { eth_syncing: { ok: true, value: null } }],
    ["does not answer that", { eth_syncing: { ok: false, code: "rpc-error" } }],
    ["has no such block", { eth_getBlockByHash: { ok: true, value: null } }],
    ["lacks the state after it", { eth_getBalance: { ok: false, code: "rpc-error" } }],
    [
      "gives another block",
      { eth_getBlockByHash: { ok: true, value: { ...realHeaders[1]?.header } } },
    ],
  ])("says nothing where its node %s", async (_name, changes) => {
    const verdict = await createExternalExecutor(node(changes)).execute(HASH);
    expect(verdict).toMatchObject({ outcome: "unverifiable" });
  });
});
