import { afterEach, beforeEach, expect, it } from "vitest";
import { doubleAttestationBy } from "../../../sdk/test/double-attestation.ts";
import { type L1Endpoint, startL1 } from "../../../sdk/test/l1-endpoint.ts";
import { type ReplayedNode, startNode } from "../../../sdk/test/replayed-node.ts";
import {
  certify,
  chainTo,
  claimOf,
  EPOCH_SECONDS,
  GENESIS,
  headersBetween,
  NETWORK,
  NOW,
  ROLLUP,
  setOf,
} from "../../../sdk/test/signed-network.ts";
import { createChecker } from "../../src/explorer/check-certificate.ts";
import type { ReaderTrust } from "../../src/explorer/reader-trust.ts";

const CHAIN = chainTo(6);
const [, , , BLOCK, , , TOP] = CHAIN;
if (TOP === undefined || BLOCK === undefined) throw new Error("no block");
const CERTIFICATE = certify(claimOf(TOP));
const HOUR_MS = 3_600_000;

let node: ReplayedNode;
let l1: L1Endpoint;
beforeEach(async () => {
  [node, l1] = await Promise.all([startNode(), startL1()]);
  l1.sets.set(3n, setOf(3n).operatorSetHash);
  l1.thresholds.set(ROLLUP, 6667n);
});
afterEach(async () => {
  await Promise.all([node.stop(), l1.stop()]);
});

function checker(now: () => number = () => NOW) {
  return createChecker({ endpoint: node.url, network: NETWORK, now });
}

function question(trust: ReaderTrust | null = null, certificate = CERTIFICATE) {
  return { certificate, thresholdBps: 6667, trust };
}

const ownL1 = (): ReaderTrust => ({ kind: "l1", rpcUrl: l1.url, network: NETWORK });

it("finds a good certificate consistent with the set that the node names, and no more", async () => {
  const result = await checker().check(question());
  expect(result).toMatchObject({
    ...{ status: "sound", basis: "named-by-node" },
    facts: { operatorSetHash: setOf(3n).operatorSetHash, signers: 2 },
  });
});

it("verifies it by the reader's own L1 node, under the rollup's own threshold", async () => {
  expect(await checker().check(question(ownL1()))).toMatchObject({
    ...{ status: "sound", basis: "own-trust" },
  });
  l1.thresholds.set(ROLLUP, 10_000n);
  expect(await checker().check(question(ownL1()))).toEqual({
    ...{ status: "refused", basis: "own-trust", code: "below-threshold" },
  });
});

it("refuses a certificate that was changed", async () => {
  const other = certify(claimOf(BLOCK));
  const forged = { ...CERTIFICATE, signature: other.signature };
  const signers = { ...CERTIFICATE, signers: "0x0f" as const };
  for (const trust of [null, ownL1()]) {
    expect(await checker().check(question(trust, forged))).toMatchObject({
      ...{ status: "refused", code: "bad-signature" },
    });
    expect(await checker().check(question(trust, signers))).toMatchObject({
      ...{ status: "refused", code: "malformed" },
    });
  }
});

it("takes no set from the node that is not the one which the reader trusts", async () => {
  // Consistent with itself: the node names these operators, and these operators have signed.
  const named = setOf(3n, 41n);
  node.putSet(named);
  const trust = { kind: "hash", epoch: 3n, operatorSetHash: setOf(3n).operatorSetHash } as const;
  const result = await checker().check(question(trust));
  expect(result).toMatchObject({ status: "refused", basis: "own-trust" });
  expect(await checker().check(question(ownL1()))).toMatchObject({ basis: "own-trust" });
});

it("says that a set's time is over, and does not call its certificates sound", async () => {
  const late = checker(() => NOW + HOUR_MS);
  expect(await late.check(question())).toMatchObject({ status: "expired" });
  const other = certify(claimOf(BLOCK));
  const forged = { ...CERTIFICATE, signature: other.signature };
  expect(await late.check(question(null, forged))).toMatchObject({ status: "refused" });
});

it("knows nothing where the node gives no set, or the L1 does not answer", async () => {
  node.forget("/v1/epochs/3");
  expect(await checker().check(question())).toEqual({
    ...{ status: "unchecked", basis: "named-by-node", code: "no-set" },
  });
  l1.sets.delete(3n);
  expect(await checker().check(question(ownL1()))).toMatchObject({
    ...{ status: "unchecked", code: "not-fixed" },
  });
});

it("holds a block below a certificate to the headers between", async () => {
  const { blockNumber, blockHash } = BLOCK;
  const headers = headersBetween(CHAIN, 6, 3);
  const covered = { rollupId: ROLLUP, blockNumber, blockHash, timestamp: 1n, headers };
  expect(await checker().check({ ...question(), covered })).toMatchObject({ status: "sound" });
  const elsewhere = { ...covered, blockNumber: 4n };
  const without = { ...covered, headers: null };
  const broken = { ...covered, headers: headers.toReversed() };
  for (const [each, code, status] of [
    [elsewhere, "wrong-subject", "refused"],
    [{ ...covered, rollupId: 902n }, "wrong-subject", "refused"],
    [broken, "broken-header-chain", "refused"],
    [without, "truncated-header-chain", "unchecked"],
  ] as const) {
    expect(await checker().check({ ...question(), covered: each })).toMatchObject({ status, code });
  }
});

it("takes no other time for a certified block than the one that was signed", async () => {
  const { rollupId, blockNumber, blockHash, timestamp } = CERTIFICATE.claim;
  const covered = { rollupId, blockNumber, blockHash, timestamp, headers: [] };
  const check = (each: typeof covered) => checker().check({ ...question(), covered: each });
  expect(await check(covered)).toMatchObject({ status: "sound" });
  expect(await check({ ...covered, timestamp: timestamp + 1n })).toMatchObject({
    ...{ status: "refused", code: "wrong-subject" },
  });
});

it("calls nothing sound of a rollup that it saw contradicted, in the epochs after it either", async () => {
  const fork = chainTo(6, 1)[6];
  if (fork === undefined) throw new Error("no fork");
  const later = { timestamp: GENESIS + 4n * EPOCH_SECONDS, epoch: 4n };
  const one = checker(() => NOW + Number(EPOCH_SECONDS) * 1_000);
  node.putSet(setOf(4n));
  const next = () => one.check(question(null, certify(claimOf(fork, later))));
  expect(await next()).toMatchObject({ status: "sound" });
  expect(await one.check(question())).toMatchObject({ status: "sound" });
  expect(await one.check(question(null, certify(claimOf(fork))))).toMatchObject({
    status: "contradicted",
  });
  expect(await next()).toMatchObject({ status: "contradicted", basis: "named-by-node" });
});

it("accuses nobody by evidence that does not hold, or that nothing can be held against", async () => {
  const evidence = doubleAttestationBy(1);
  const asked = { evidence, thresholdBps: 6667 };
  expect(await checker().checkEvidence(asked)).toEqual({ status: "sound" });
  const agreeing = { ...evidence, second: evidence.first };
  expect(await checker().checkEvidence({ ...asked, evidence: agreeing })).toEqual({
    ...{ status: "refused", code: "not-conflicting" },
  });
  node.forget("/v1/epochs/3");
  expect(await checker().checkEvidence(asked)).toEqual({ status: "unchecked", code: "no-set" });
});
