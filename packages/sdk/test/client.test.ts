import { encodeCertificate } from "@mach/api";
import { createNativeBls } from "@mach/bls";
import type { VerifiedCertificate } from "@mach/core";
import { afterEach, describe, expect, it } from "vitest";
import { createMachClient, type MachClient, type MachClientOptions } from "../src/index.ts";
import { type ReplayedNode, startNode } from "./replayed-node.ts";
import {
  blockStatus,
  certify,
  certifyBelow,
  chainTo,
  claimOf,
  DOMAIN,
  EPOCH_SECONDS,
  forge,
  headersBetween,
  NETWORK,
  NOW,
  ROLLUP,
  setOf,
  type TestBlock,
  updateInto,
} from "./signed-network.ts";

/** Tests share their machine with others. */
const PATIENT = { timeout: 10_000 };

const nodes: ReplayedNode[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});

const CHAIN = chainTo(12);
const CERTIFIED = blockAt(CHAIN, 10);
const CERTIFICATE = certify(claimOf(CERTIFIED));
const TRUST = { epoch: 2n, operatorSetHash: setOf(2n).operatorSetHash };

function blockAt(chain: readonly TestBlock[], height: number): TestBlock {
  const block = chain[height];
  if (block === undefined) throw new RangeError(`no block ${height}`);
  return block;
}

/** So many nodes that serve the chain with its certificate at height 10. */
async function honestNodes(count: number): Promise<readonly ReplayedNode[]> {
  const started = await Promise.all(Array.from({ length: count }, startNode));
  for (const node of started) node.putChain(CHAIN, CERTIFICATE);
  nodes.push(...started);
  return started;
}

function clientOf(
  asked: readonly ReplayedNode[],
  options: Partial<MachClientOptions> = {},
): MachClient {
  const endpoints = asked.map(({ url }) => url);
  const fixed = { network: NETWORK, trust: TRUST, timeoutMs: 2_000, now: () => NOW };
  return createMachClient({ endpoints, ...fixed, ...options });
}

/** The answer about block 10 of a node that serves another certificate for it. */
async function answerWith(
  certificate: VerifiedCertificate,
  options: Partial<MachClientOptions> = {},
): Promise<unknown> {
  const [node] = await honestNodes(1);
  node?.put(`/v1/rollups/${ROLLUP}/blocks/10`, blockStatus(CERTIFIED, certificate));
  const client = clientOf(nodes, options);
  const { status, ...answer } = await client.getBlock({ rollupId: ROLLUP, block: 10n });
  return { status, code: "code" in answer ? answer.code : null };
}

describe("a block", () => {
  it("under a certificate is fast-final by its hash and by its height, with the rule", async () => {
    const client = clientOf(await honestNodes(1));
    const { blockHash } = blockAt(CHAIN, 7);
    const byHash = await client.getBlock({ rollupId: ROLLUP, block: blockHash });
    const byHeight = await client.getBlock({ rollupId: ROLLUP, block: 7n });
    expect(byHash).toMatchObject({
      status: "fast-final",
      blockNumber: 7n,
      blockHash,
      facts: {
        epoch: 3n,
        operatorSetHash: setOf(3n).operatorSetHash,
        signedWeight: 70n,
        totalWeight: 100n,
        weightBps: 7000,
        thresholdBps: 6667,
        verification: 1,
        signers: 2,
        ageMs: 20_000,
      },
      endpoints: [{ code: "verified" }],
    });
    expect(byHeight).toEqual(byHash);
  });

  it("above every certificate is not yet final, and what is reported is told apart", async () => {
    const client = clientOf(await honestNodes(3));
    const answer = await client.getBlock({ rollupId: ROLLUP, block: 12n });
    expect(answer).toMatchObject({ status: "not-yet", code: "pending", reported: "observed" });
  });

  it("older than the endpoints keep is told apart from one that is to be waited for", async () => {
    const [node] = await honestNodes(1);
    const reason = { code: "pruned", blockNumber: null, presentWeight: null, requiredWeight: null };
    const observed = blockStatus(CERTIFIED, null);
    const gone = { status: "unknown", block: null, agesMs: { block: null, certificate: null } };
    const pruned = { ...observed, ...gone, reason: { ...reason, abstention: null } };
    node?.put(`/v1/rollups/${ROLLUP}/blocks/3`, pruned);
    const client = clientOf(nodes);
    const answer = await client.getBlock({ rollupId: ROLLUP, block: 3n });
    expect(answer).toMatchObject({ status: "not-yet", code: "pruned", reported: "unknown" });
  });

  it("is unknown where no endpoint answers", async () => {
    const [node] = await honestNodes(1);
    const client = clientOf(nodes, { timeoutMs: 200 });
    node?.hang();
    const answer = await client.getBlock({ rollupId: ROLLUP, block: 10n });
    expect(answer).toMatchObject({ status: "unknown", code: "unreachable" });
    const finality = await client.getFinality({ rollupId: ROLLUP });
    expect(finality).toMatchObject({ status: "unknown", code: "unreachable" });
  });
});

describe("a refusal has its code:", () => {
  it("a forged certificate", async () => {
    const forged = { ...CERTIFICATE, ...forge(CERTIFICATE) };
    expect(await answerWith(forged)).toEqual({ status: "not-yet", code: "bad-signature" });
  });

  it("a good certificate's name over another claim", async () => {
    const client = clientOf(await honestNodes(1));
    expect(await client.verifyCertificate(CERTIFICATE)).toMatchObject({ status: "valid" });
    const other = { ...CERTIFICATE, claim: { ...CERTIFICATE.claim, blockHash: DOMAIN_HASH } };
    const verdict = await client.verifyCertificate(other);
    expect(verdict).toEqual({ status: "refused", code: "malformed" });
  });

  it("a certificate of another network", async () => {
    const domain = { ...DOMAIN, chainId: 1n };
    const other = certify(claimOf(CERTIFIED), { domain });
    expect(await answerWith(other)).toEqual({ status: "not-yet", code: "other-network" });
  });

  it("a certificate below the threshold", async () => {
    const light = certifyBelow(claimOf(CERTIFIED), [0, 2]);
    expect(await answerWith(light)).toEqual({ status: "not-yet", code: "below-threshold" });
  });

  it("a level above the one that was signed", async () => {
    const raised = certify(claimOf(CERTIFIED, { verification: 2 }));
    const { signature } = CERTIFICATE;
    const answer = await answerWith({ ...raised, signature }, { policy: { minVerification: 2 } });
    expect(answer).toEqual({ status: "not-yet", code: "bad-signature" });
  });

  it("a claim whose epoch is not its timestamp's", async () => {
    const claim = claimOf(CERTIFIED, { timestamp: claimOf(CERTIFIED).timestamp - EPOCH_SECONDS });
    expect(await answerWith(certify(claim))).toEqual({ status: "not-yet", code: "wrong-epoch" });
  });

  it("an epoch that has not come", async () => {
    const claim = claimOf(CERTIFIED, {
      epoch: 5n,
      timestamp: NETWORK.genesisTime + 5n * EPOCH_SECONDS,
    });
    expect(await answerWith(certify(claim))).toEqual({ status: "not-yet", code: "future-epoch" });
  });

  it("a set past its validity, though its signatures are good", async () => {
    const late = NOW + Number(2n * EPOCH_SECONDS) * 1000;
    expect(await answerWith(CERTIFICATE, { now: () => late })).toEqual({
      status: "not-yet",
      code: "stale-set",
    });
  });

  it("a set that does not hash to what is trusted", async () => {
    const [node] = await honestNodes(1);
    const { operatorSetHash } = setOf(2n);
    node?.putSet({ ...setOf(2n, 41n), operatorSetHash });
    const answer = await clientOf(nodes).getBlock({ rollupId: ROLLUP, block: 10n });
    expect(answer).toMatchObject({ status: "not-yet", code: "inconsistent-set" });
  });

  it("a set update that the set before did not sign", async () => {
    const [node] = await honestNodes(1);
    const forged = updateInto(setOf(3n, 41n), setOf(2n));
    node?.putUpdate({ ...forged, operatorSetHash: setOf(3n).operatorSetHash });
    const answer = await clientOf(nodes).getBlock({ rollupId: ROLLUP, block: 10n });
    expect(answer).toMatchObject({ status: "not-yet", code: "forged-update" });
  });

  it("two valid updates into one epoch", async () => {
    const [first] = await honestNodes(2);
    first?.putUpdate(updateInto(setOf(3n, 41n), setOf(2n)));
    const answer = await clientOf(nodes).getBlock({ rollupId: ROLLUP, block: 10n });
    expect(answer).toMatchObject({ status: "not-yet", code: "conflicting-updates" });
  });

  it("a set before the trusted one", async () => {
    const trust = { epoch: 4n, operatorSetHash: setOf(4n).operatorSetHash };
    const answer = await answerWith(CERTIFICATE, { trust });
    expect(answer).toEqual({ status: "not-yet", code: "before-trust" });
  });

  it("a header chain that was cut, broken, or left out", async () => {
    const [node] = await honestNodes(1);
    const client = clientOf(nodes);
    const whole = headersBetween(CHAIN, 10, 7);
    const cases: readonly [readonly `0x${string}`[] | null, string][] = [
      [whole.slice(0, -1), "truncated-header-chain"],
      [whole.slice(1), "broken-header-chain"],
      [null, "truncated-header-chain"],
    ];
    for (const [headers, code] of cases) {
      const status = blockStatus(blockAt(CHAIN, 7), CERTIFICATE, headers);
      node?.put(`/v1/rollups/${ROLLUP}/blocks/7`, status);
      const answer = await client.getBlock({ rollupId: ROLLUP, block: 7n });
      expect(answer).toMatchObject({ status: "not-yet", code });
    }
  });
});

describe("a policy", () => {
  it.each([
    ["minVerification", { minVerification: 2 }, "below-min-verification"],
    ["minWeightBps", { minWeightBps: 7001 }, "below-min-weight"],
    ["minSignedWeight", { minSignedWeight: 71n }, "below-min-signed-weight"],
    ["maxAgeMs", { maxAgeMs: 19_999 }, "too-old"],
  ] as const)("of %s that is not met is not yet, never a weaker yes", async (_, policy, code) => {
    const client = clientOf(await honestNodes(1), { policy });
    const block = await client.getBlock({ rollupId: ROLLUP, block: 10n });
    expect(block).toMatchObject({ status: "not-yet", code });
    const head = await client.getFinality({ rollupId: ROLLUP });
    expect(head).toMatchObject({ status: "not-yet", code });
    const verdict = await client.verifyCertificate(CERTIFICATE);
    expect(verdict).toMatchObject({ status: "not-yet", code, facts: { signedWeight: 70n } });
  });

  it("of weight is met by an older certificate while the newest one grows", async () => {
    const [node] = await honestNodes(1);
    const heavy = certify(claimOf(blockAt(CHAIN, 9)), { signers: [0, 1, 2] });
    node?.putRaw(`/v1/rollups/${ROLLUP}/certificates?limit=5`, {
      data: [heavy, CERTIFICATE].map(encodeCertificate),
      next: null,
    });
    const client = clientOf(nodes, { policy: { minWeightBps: 9000 } });
    const head = await client.getFinality({ rollupId: ROLLUP });
    expect(head).toMatchObject({ status: "fast-final", block: { blockNumber: 9n } });
  });

  it("below more than two thirds is refused before anything is asked", async () => {
    const asked = await honestNodes(1);
    expect(() => clientOf(asked, { policy: { minWeightBps: 6666 } })).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    );
  });
});

describe("two valid certificates that conflict", () => {
  it("at one height contradict each other, for every question after it", async () => {
    const [other] = await honestNodes(3);
    const fork = chainTo(12, 9);
    const second = certify(claimOf(blockAt(fork, 10)));
    other?.putChain(fork, second);
    const client = clientOf(nodes);
    const answer = await client.getBlock({ rollupId: ROLLUP, block: 10n });
    expect(answer).toMatchObject({ status: "contradicted", code: "conflicting-certificates" });
    if (answer.status !== "contradicted" || answer.contradiction === null) throw new Error();
    const { first, second: last } = answer.contradiction;
    const ids = [first, last].map(({ certificateId }) => certificateId).sort();
    expect(ids).toEqual([CERTIFICATE.certificateId, second.certificateId].sort());
    const head = await client.getFinality({ rollupId: ROLLUP });
    expect(head).toMatchObject({ status: "contradicted" });
  });

  it("at two heights are found by the headers between", async () => {
    const [node] = await honestNodes(1);
    const client = clientOf(nodes);
    await client.getBlock({ rollupId: ROLLUP, block: 10n });
    const fork = chainTo(12, 9);
    node?.putChain(fork, certify(claimOf(blockAt(fork, 12))));
    const answer = await client.getBlock({ rollupId: ROLLUP, block: 9n });
    expect(answer).toMatchObject({ status: "contradicted", code: "conflicting-certificates" });
  });

  it("count again only above what L1 has finalised, and never themselves", async () => {
    const client = clientOf(await honestNodes(1));
    const fork = chainTo(12, 9);
    await client.verifyCertificate(CERTIFICATE);
    await client.verifyCertificate(certify(claimOf(blockAt(fork, 10))));
    const resume = (height: bigint) =>
      client.resumeAfterContradiction({ rollupId: ROLLUP, l1FinalizedBlockNumber: height });
    expect([resume(10n), resume(11n)]).toEqual([false, true]);
    expect(await client.verifyCertificate(CERTIFICATE)).toEqual({
      status: "refused",
      code: "contradicted",
    });
    const above = await client.verifyCertificate(certify(claimOf(blockAt(fork, 12))));
    expect(above).toMatchObject({ status: "valid" });
  });
});

describe("the native BLS", () => {
  it("gives the same verdict", async () => {
    const client = clientOf(await honestNodes(1), { bls: createNativeBls() });
    expect(await client.verifyCertificate(CERTIFICATE)).toMatchObject({ status: "valid" });
    const forged = { ...CERTIFICATE, ...forge(CERTIFICATE) };
    expect(await client.verifyCertificate(forged)).toMatchObject({ code: "bad-signature" });
  });
});

describe("waiting", () => {
  it("ends when the block becomes fast-final", async () => {
    const [node] = await honestNodes(1);
    node?.putChain(CHAIN, null);
    const { blockHash: hash } = CERTIFIED;
    const waiting = clientOf(nodes).waitForFinality({ rollupId: ROLLUP, hash, pollMs: 20 });
    await expect.poll(() => node?.asked.length, PATIENT).toBeGreaterThan(2);
    node?.putChain(CHAIN, CERTIFICATE);
    expect(await waiting).toMatchObject({ status: "fast-final", blockHash: hash });
  });

  it("ends at the timeout, and by the signal with its reason", async () => {
    const [node] = await honestNodes(1);
    node?.putChain(CHAIN, null);
    const client = clientOf(nodes, { now: Date.now });
    const question = { rollupId: ROLLUP, hash: CERTIFIED.blockHash, pollMs: 20 };
    const late = await client.waitForFinality({ ...question, timeoutMs: 100 });
    expect(late).toMatchObject({ status: "not-yet", code: "timed-out" });
    const stop = new AbortController();
    const waiting = client.waitForFinality({ ...question, signal: stop.signal });
    stop.abort(new RangeError("the user left"));
    await expect(waiting).rejects.toBe(stop.signal.reason);
  });
});

const DOMAIN_HASH = `0x${"ab".repeat(32)}` as const;
