import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMachClient, type MachClient } from "../src/index.ts";
import { type L1Endpoint, startL1 } from "./l1-endpoint.ts";
import { type ReplayedNode, startNode } from "./replayed-node.ts";
import { certify, chainTo, claimOf, NETWORK, NOW, ROLLUP, setOf } from "./signed-network.ts";

const CHAIN = chainTo(4);
const CERTIFICATE = certify(
  claimOf(CHAIN[4] ?? { blockNumber: 0n, blockHash: "0x", header: "0x" }),
);

let node: ReplayedNode;
let l1: readonly [L1Endpoint, L1Endpoint, L1Endpoint];
beforeEach(async () => {
  node = await startNode();
  node.putChain(CHAIN, CERTIFICATE);
  l1 = [await startL1(), await startL1(), await startL1()];
  for (const { sets, thresholds } of l1) {
    sets.set(3n, setOf(3n).operatorSetHash);
    thresholds.set(ROLLUP, 7000n);
  }
});
afterEach(async () => {
  await Promise.all([node.stop(), ...l1.map((endpoint) => endpoint.stop())]);
});

function client(agree?: number, now: () => number = () => NOW): MachClient {
  const rpcUrls = l1.map(({ url }) => url);
  return createMachClient({
    endpoints: [node.url],
    network: NETWORK,
    trust: { l1: agree === undefined ? { rpcUrls } : { rpcUrls, agree } },
    now,
  });
}

async function codeOf(mach: MachClient): Promise<string> {
  const verdict = await mach.verifyCertificate(CERTIFICATE);
  return "code" in verdict ? verdict.code : verdict.status;
}

describe("trust in L1", () => {
  it("is read at the finalized block, pinned by its hash", async () => {
    const verdict = await client().verifyCertificate(CERTIFICATE);
    expect(verdict).toMatchObject({ status: "valid", facts: { thresholdBps: 7000 } });
    expect([...l1[0].askedAt]).toEqual(["finalized", expect.stringContaining("blockHash")]);
  });

  it("holds a certificate to the rollup's own threshold", async () => {
    for (const { thresholds } of l1) thresholds.set(ROLLUP, 7001n);
    expect(await codeOf(client())).toBe("below-threshold");
  });

  it("knows a rollup that the registry does not have", async () => {
    for (const { thresholds } of l1) thresholds.clear();
    expect(await codeOf(client())).toBe("unknown-rollup");
  });

  it("refuses two hashes for one epoch, whoever says them", async () => {
    l1[1].sets.set(3n, setOf(3n, 41n).operatorSetHash);
    expect(await codeOf(client())).toBe("l1-disagreement");
    expect(await codeOf(client(2))).toBe("l1-disagreement");
  });

  it("waits for endpoints that lag, unless fewer are asked to agree", async () => {
    l1[1].sets.clear();
    expect(await codeOf(client())).toBe("l1-unavailable");
    expect(await codeOf(client(2))).toBe("valid");
  });

  it("believes no endpoint of another chain", async () => {
    l1[1].chainId = 1n;
    expect(await codeOf(client())).toBe("l1-unavailable");
    expect(await codeOf(client(2))).toBe("valid");
  });

  it("says that an epoch is not fixed", async () => {
    for (const { sets } of l1) sets.clear();
    expect(await codeOf(client())).toBe("not-fixed");
  });

  it("ends with the set's validity, but not for what was accepted before", async () => {
    const late = NOW + 120_000;
    expect(await codeOf(client(1, () => late))).toBe("stale-set");
    let now = NOW;
    const mach = client(1, () => now);
    expect(await codeOf(mach)).toBe("valid");
    now = late;
    expect(await codeOf(mach)).toBe("valid");
  });

  it("takes no set from a node that does not hash to what L1 has", async () => {
    node.putSet(setOf(3n, 41n));
    expect(await codeOf(client())).toBe("inconsistent-set");
  });
});
