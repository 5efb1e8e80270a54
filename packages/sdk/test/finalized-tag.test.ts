import { describe, expect, it } from "vitest";
import { createFinalizedTag, type RpcRequest } from "../src/finalized-tag.ts";
import type { FinalityAnswer } from "../src/index.ts";
import { factsOf } from "../src/verdict.ts";
import { certify, chainTo, claimOf, NOW, ROLLUP } from "./signed-network.ts";

const BLOCK = chainTo(26)[26] ?? { blockNumber: 0n, blockHash: "0x", header: "0x" };
const CERTIFICATE = certify(claimOf(BLOCK));
const { blockHash } = BLOCK;
const HEAD: FinalityAnswer = {
  status: "fast-final",
  rollupId: ROLLUP,
  block: { blockNumber: 26n, blockHash, timestamp: CERTIFICATE.claim.timestamp },
  certificate: CERTIFICATE,
  facts: factsOf(CERTIFICATE, NOW),
  reported: { observed: null, safe: null, finalized: null },
  endpoints: [],
};

/** What reaches the RPC of a request, with the head that the client verified. */
async function sent(request: RpcRequest, answer: FinalityAnswer = HEAD): Promise<RpcRequest> {
  let passed: RpcRequest = { method: "none" };
  const send = createFinalizedTag(
    (each) => {
      const isCheck = request.method === "eth_getLogs" && each.method === "eth_getBlockByNumber";
      if (isCheck) return Promise.resolve({ hash: blockHash, number: "0x1a" });
      passed = each;
      return Promise.resolve(each.method === "eth_getLogs" ? [] : null);
    },
    { mach: { getFinality: () => Promise.resolve(answer) }, rollupId: ROLLUP },
  );
  await send(request);
  return passed;
}

describe("the tag finalized", () => {
  const cases: readonly [string, readonly unknown[], string, readonly unknown[]][] = [
    ["eth_getBlockByNumber", ["finalized", true], "eth_getBlockByHash", [blockHash, true]],
    ["eth_call", [{ to: "0x1" }, "finalized"], "eth_call", [{ to: "0x1" }, { blockHash }]],
    ["eth_getBalance", ["0x1", "finalized"], "eth_getBalance", ["0x1", { blockHash }]],
    [
      "eth_getBalance",
      ["0x1", { blockNumber: "finalized" }],
      "eth_getBalance",
      ["0x1", { blockHash }],
    ],
    [
      "eth_getStorageAt",
      ["0x1", "0x0", "finalized"],
      "eth_getStorageAt",
      ["0x1", "0x0", { blockHash }],
    ],
    ["eth_getBlockReceipts", ["finalized"], "eth_getBlockReceipts", [{ blockHash }]],
    [
      "eth_getLogs",
      [{ fromBlock: "0x1", toBlock: "finalized" }],
      "eth_getLogs",
      [{ fromBlock: "0x1", toBlock: "0x1a" }],
    ],
    [
      "eth_getLogs",
      [{ fromBlock: "finalized", toBlock: "finalized" }],
      "eth_getLogs",
      [{ blockHash }],
    ],
    [
      "eth_getTransactionByBlockNumberAndIndex",
      ["finalized", "0x0"],
      "eth_getTransactionByBlockHashAndIndex",
      [blockHash, "0x0"],
    ],
  ];

  it.each(cases)("of %s %j is pinned", async (method, params, asMethod, asParams) => {
    expect(await sent({ method, params })).toEqual({ method: asMethod, params: asParams });
  });

  it.each([
    ["a method that is not known", { method: "debug_traceBlockByNumber", params: ["finalized"] }],
    ["a batch within", { method: "eth_call", params: [{ to: "finalized" }, "finalized"] }],
    ["the end of a filter", { method: "eth_newFilter", params: [{ toBlock: "finalized" }] }],
    ["named params", { method: "eth_call", params: { block: "finalized" } }],
    ["topics", { method: "eth_getLogs", params: [{ topics: ["finalized"] }] }],
  ])("in %s is refused rather than passed on", async (_, request) => {
    await expect(sent(request)).rejects.toMatchObject({ code: "unverifiable-request" });
  });

  it("with a policy that nothing could be held to is refused before anything is sent", () => {
    const mach = { getFinality: () => Promise.resolve(HEAD) };
    const options = { mach, rollupId: ROLLUP, policy: { minWeightBps: 5_000 } };
    expect(() => createFinalizedTag(() => Promise.resolve(null), options)).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    );
  });

  it("is an error where no head is final, with the reason", async () => {
    const request = { method: "eth_getBlockByNumber", params: ["finalized", false] };
    const reported = { observed: null, safe: null, finalized: null };
    const late: FinalityAnswer = { status: "not-yet", code: "too-old", reported, endpoints: [] };
    await expect(sent(request, late)).rejects.toMatchObject({
      code: "no-final-block",
      reason: "too-old",
    });
  });

  it.each([
    ["lags behind", null],
    ["is on another branch", { hash: `0x${"00".repeat(32)}`, number: "0x1a" }],
  ])("is an error in a range of logs where the RPC %s", async (_, own) => {
    const options = { mach: { getFinality: () => Promise.resolve(HEAD) }, rollupId: ROLLUP };
    const send = createFinalizedTag(
      ({ method }) => Promise.resolve(method === "eth_getLogs" ? [] : own),
      options,
    );
    const params = [{ fromBlock: "0x1", toBlock: "finalized" }];
    await expect(send({ method: "eth_getLogs", params })).rejects.toMatchObject({
      code: "block-mismatch",
    });
  });

  const fork = `0x${"00".repeat(32)}`;
  it.each([
    ["are of another block at that height", [{ blockNumber: "0x1a", blockHash: fork }]],
    ["are above it", [{ blockNumber: "0x1b", blockHash }]],
    ["have no height", [{ blockHash }]],
    ["are none", null],
  ])("is an error in a range of logs that %s", async (_, logs) => {
    const own = { hash: blockHash, number: "0x1a" };
    const send = createFinalizedTag(
      ({ method }) => Promise.resolve(method === "eth_getLogs" ? logs : own),
      { mach: { getFinality: () => Promise.resolve(HEAD) }, rollupId: ROLLUP },
    );
    const params = [{ fromBlock: "0x1", toBlock: "finalized" }];
    await expect(send({ method: "eth_getLogs", params })).rejects.toMatchObject({
      code: "block-mismatch",
    });
  });

  it("is an error where the RPC leaves the chain while it answers", async () => {
    let own = { hash: blockHash, number: "0x1a" };
    const send = createFinalizedTag(
      async ({ method }) => {
        if (method === "eth_getBlockByNumber") return own;
        own = { ...own, hash: fork as typeof blockHash };
        return {};
      },
      { mach: { getFinality: () => Promise.resolve(HEAD) }, rollupId: ROLLUP },
    );
    const request = { method: "eth_feeHistory", params: ["0x1", "finalized", []] };
    await expect(send(request)).rejects.toMatchObject({ code: "block-mismatch" });
  });

  it("is an error where the RPC gives another block", async () => {
    const options = { mach: { getFinality: () => Promise.resolve(HEAD) }, rollupId: ROLLUP };
    const lie = { hash: `0x${"00".repeat(32)}`, number: "0x1a" };
    const send = createFinalizedTag(() => Promise.resolve(lie), options);
    await expect(
      send({ method: "eth_getBlockByNumber", params: ["finalized", false] }),
    ).rejects.toMatchObject({ code: "block-mismatch" });
  });

  it.each(["latest", "safe", "0x1a"])("is not %s, which passes as it is", async (tag) => {
    const request = { method: "eth_getBalance", params: ["0x1", tag] };
    expect(await sent(request)).toEqual(request);
  });
});
