import { type BlockStatusName, RULE_BASES } from "@mach/api";
import { blockOf, finalityOf } from "@mach/core";
import { describe, expect, it } from "vitest";
import { toBlockStatus, toFinality } from "../../src/view/answers.ts";
import {
  attest,
  blockAt,
  certify,
  claimAt,
  createEngineNode,
  type EngineNode,
  operatorSetOf,
  PARAMETERS,
  ROLLUP_ID,
  SCHEDULE,
  useVerifier,
} from "../engine/engine-node.ts";
import { documentOf } from "./documents.ts";

const verifier = useVerifier();
const ALL = [0, 1, 2, 3];
const NO_RULE = {
  ...{ basis: "nothing", signedWeight: null, requiredWeight: null, totalWeight: null },
  ...{ thresholdBps: null, verification: null, epoch: null },
};

/** A node two seconds after block 10, which it saw at once. */
function create(options: { readonly isSetKnown?: boolean; readonly interval?: bigint } = {}) {
  const node = createEngineNode({ verifier: verifier() });
  const rollups = [{ ...PARAMETERS, attestationInterval: options.interval ?? 1n }];
  if (options.isSetKnown !== false) {
    node.shell.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups });
  }
  for (let number = 1n; number <= 10n; number += 1n) {
    node.clock.now = Number(SCHEDULE.genesisTime + number) * 1_000;
    node.block(number);
  }
  node.clock.now += 2_000;
  return node;
}

function finalityAt(node: EngineNode, abstention: string | null = null) {
  const { now } = node.clock;
  const view = finalityOf(node.shell.state(), ROLLUP_ID, now);
  if (view === null) throw new Error("not followed");
  const finality = toFinality(view, { now, abstention });
  documentOf("finality", finality);
  return finality;
}

function statusAt(node: EngineNode, blockNumber: bigint, abstention: string | null = null) {
  const view = blockOf(node.shell.state(), ROLLUP_ID, { blockNumber });
  if (view === null) throw new Error("not followed");
  const context = { rollupId: ROLLUP_ID, now: node.clock.now, abstention, isPruned: false };
  const status = toBlockStatus(node.shell.state(), view, context);
  documentOf("block", status);
  return status;
}

function heads(node: EngineNode, safe: bigint, finalized: bigint): void {
  const head = (number: bigint) => {
    const { blockNumber, blockHash, timestamp } = blockAt(number);
    return { blockNumber, blockHash, timestamp };
  };
  const known = { safe: head(safe), finalized: head(finalized) };
  node.shell.input({ type: "heads", rollupId: ROLLUP_ID, ...known });
}

describe("finality", () => {
  it("of nothing is nothing, with the reason", () => {
    const node = createEngineNode({ verifier: verifier() });
    expect(finalityAt(node, "sources-unavailable")).toEqual({
      rollupId: ROLLUP_ID,
      ...{ observed: null, fastFinal: null, safe: null, finalized: null },
      ...{ certificate: null, rule: null, latencyMs: null },
      reason: {
        code: "no-block",
        blockNumber: null,
        presentWeight: 0n,
        requiredWeight: 0n,
        abstention: "sources-unavailable",
      },
      participation: { signed: 0n, total: 0n },
      agesMs: { observed: null, fastFinal: null, safe: null, finalized: null, certificate: null },
    });
  });

  it("names the weight that is there and the weight that it takes", async () => {
    const node = create();
    for (const i of [0, 1]) await node.shell.receiveAttestations([attest(i, claimAt(10n))]);
    const { reason, participation, fastFinal } = finalityAt(node);
    expect(reason).toEqual({
      code: "below-threshold",
      blockNumber: 10n,
      presentWeight: 46n,
      requiredWeight: 67n,
      abstention: null,
    });
    expect([participation, fastFinal]).toEqual([{ signed: 46n, total: 100n }, null]);
  });

  it("of a certificate names its rule, its latency, and how old everything is", async () => {
    const node = create();
    heads(node, 5n, 3n);
    await node.shell.receiveCertificate(certify(claimAt(10n), [1, 2, 3]));
    node.clock.now += 500;
    const finality = finalityAt(node);
    expect(finality).toMatchObject({
      fastFinal: { blockNumber: 10n, blockHash: blockAt(10n).blockHash },
      safe: { blockNumber: 5n },
      finalized: { blockNumber: 3n },
      rule: {
        basis: "certificate",
        signedWeight: 78n,
        requiredWeight: 67n,
        totalWeight: 100n,
        thresholdBps: 6667,
        verification: 1,
        epoch: 0n,
      },
      reason: null,
      latencyMs: 2_000,
      agesMs: {
        observed: 2_500,
        fastFinal: 2_500,
        safe: 7_500,
        finalized: 9_500,
        certificate: 500,
      },
    });
  });

  it("without the epoch's set says that", () => {
    expect(finalityAt(create({ isSetKnown: false })).reason).toMatchObject({
      code: "unknown-operator-set",
      blockNumber: 10n,
    });
  });

  it("never gives an age below zero, where a clock is behind the rollup's", () => {
    const node = create();
    node.clock.now = Number(SCHEDULE.genesisTime) * 1_000;
    expect(finalityAt(node).agesMs.observed).toBe(0);
  });
});

describe("a block's status", () => {
  it("has one basis each", async () => {
    const node = create();
    heads(node, 3n, 2n);
    await node.shell.receiveCertificate(certify(claimAt(6n), ALL));
    await node.shell.receiveAttestations([attest(0, claimAt(8n))]);
    await node.shell.receiveCertificate(certify(claimAt(10n), ALL));
    await node.shell.receiveCertificate(certify(claimAt(10n, 1), ALL));
    await node.shell.settle();
    const found = [99n, 7n, 8n, 5n, 3n, 2n, 10n].map((number) => {
      const { status, rule } = statusAt(node, number);
      return [status, rule.basis];
    });
    const names: readonly BlockStatusName[] = [
      ...(["unknown", "observed", "attested", "fast-final", "safe"] as const),
      ...(["finalized", "contradicted"] as const),
    ];
    expect(found).toEqual(names.map((name, i) => [name, RULE_BASES[i]]));
  });

  it("unknown says so, and whether this node trusts any new block", () => {
    expect(statusAt(create(), 99n, "sources-disagree")).toEqual({
      rollupId: ROLLUP_ID,
      status: "unknown",
      block: null,
      rule: NO_RULE,
      certificate: null,
      headers: null,
      reason: {
        code: "unknown-block",
        blockNumber: null,
        presentWeight: null,
        requiredWeight: null,
        abstention: "sources-disagree",
      },
      agesMs: { block: null, certificate: null },
    });
  });

  it("attested has the weight that is there, under the rule of its epoch", async () => {
    const node = create();
    await node.shell.receiveAttestations([attest(3, claimAt(9n))]);
    expect(statusAt(node, 9n)).toMatchObject({
      status: "attested",
      rule: {
        ...{ basis: "attestations", signedWeight: 28n, requiredWeight: 67n, totalWeight: 100n },
        ...{ thresholdBps: 6667, verification: 1, epoch: 0n },
      },
      reason: { code: "below-threshold", presentWeight: 28n, requiredWeight: 67n },
      agesMs: { block: 3_000, certificate: null },
    });
  });

  it("fast-final under a later certificate names it and its age", async () => {
    const node = create();
    await node.shell.receiveCertificate(certify(claimAt(10n), ALL));
    node.clock.now += 250;
    const status = statusAt(node, 9n);
    expect(status).toMatchObject({
      status: "fast-final",
      block: { blockNumber: 9n },
      certificate: { claim: { blockNumber: 10n } },
      headers: [blockAt(10n).headerRlp],
      reason: null,
      agesMs: { block: 3_250, certificate: 250 },
    });
  });

  it.each<[string, Parameters<typeof create>[0], bigint, string]>([
    ["at a height that is not attested", { interval: 4n }, 9n, "not-covered-yet"],
    ["at one that is", { interval: 4n }, 8n, "below-threshold"],
    ["without its epoch's set", { isSetKnown: false }, 9n, "unknown-operator-set"],
  ])("observed %s gives the reason", (_, options, blockNumber, code) => {
    const status = statusAt(create(options), blockNumber);
    expect([status.status, status.reason?.code]).toEqual(["observed", code]);
  });

  it("observed in an epoch that does not list the rollup gives the reason", () => {
    const node = create();
    node.shell.input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [] });
    expect(statusAt(node, 9n)).toMatchObject({
      reason: { code: "unknown-rollup" },
      rule: { epoch: 0n },
    });
  });

  it("of a block that needs a proof says that it was never signed for that", () => {
    const node = create();
    const block = { ...blockAt(11n), outputRoot: null };
    node.shell.input({ type: "block-verified", rollupId: ROLLUP_ID, block, observedAtMs: 0 });
    expect(statusAt(node, 11n).reason).toMatchObject({
      code: "unverified-block",
      abstention: "needs-proof",
    });
  });

  it("contradicted names the certificate that is", async () => {
    const node = create();
    await node.shell.receiveCertificate(certify(claimAt(10n), ALL));
    await node.shell.receiveCertificate(certify(claimAt(10n, 1), ALL));
    await node.shell.settle();
    expect(statusAt(node, 10n)).toMatchObject({
      status: "contradicted",
      certificate: { claim: { blockHash: blockAt(10n).blockHash } },
      reason: { code: "contradicted", presentWeight: null },
    });
  });
});
