import { readFileSync } from "node:fs";
import {
  type Alert,
  type BlockStatus,
  certificateRule,
  type Finality,
  type FollowedRollup,
  type Health,
  type InclusionProof,
  type NodeEvent,
  type OperatorReport,
  type OperatorSummary,
  type Participation,
  parseCertificate,
  parseEvidence,
  parseOperatorSet,
} from "@mach/api";
import { createPortableBls } from "@mach/bls/portable";
import {
  type Certificate,
  type Evidence,
  type OperatorSet,
  type VerifiedCertificate,
  verifyCertificate,
} from "@mach/core";
import type { NodeView, ServedCertificate, ViewResult } from "../../src/http/node-view.ts";
import { createCalldataEncoder } from "../../src/view/calldata.ts";

function readVectors(name: string): unknown {
  const url = new URL(`../../../../test/vectors/mach/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8"));
}

function must<T>(result: { ok: true; value: T } | { ok: false; path: string }): T {
  if (!result.ok) throw new Error(`malformed at ${result.path}`);
  return result.value;
}

function readFixture(): { certificate: VerifiedCertificate; operatorSet: OperatorSet } {
  const cases = readVectors("certificates") as { certificate: unknown; operatorSet: unknown }[];
  const certificate = must<Certificate>(parseCertificate(cases[0]?.certificate));
  const operatorSet = must(parseOperatorSet(cases[0]?.operatorSet));
  const context = { operatorSet, thresholdBps: 6667 };
  const checked = verifyCertificate(createPortableBls(), certificate, context);
  if (!checked.ok) throw new Error(checked.code);
  return { certificate: checked.certificate, operatorSet };
}

/** A certificate of the vectors, verified, and the set that it was verified under. */
export const fixture = readFixture();

/** Every piece of evidence of the vectors. */
export const evidenceFixture: readonly Evidence[] = (
  readVectors("evidence") as { cases: { evidence: unknown }[] }
).cases.map((each) => must(parseEvidence(each.evidence)));

const { certificate, operatorSet } = fixture;
const { claim } = certificate;
export const rollupId = claim.rollupId;

export const rollup: FollowedRollup = {
  rollupId,
  stack: "evm",
  attestationInterval: 4n,
  thresholdBps: 6667,
  verification: claim.verification,
  epoch: claim.epoch,
  agree: 1,
  abstention: null,
  sources: [
    {
      label: "192.0.2.1:8545",
      transport: "http",
      status: "down",
      code: "http-status",
      since: 1_700_000_000n,
      headBlockNumber: 41n,
      finalizedBlockNumber: null,
      finalizedCode: "http-status",
      lagBlocks: 2n,
      agreed: 40,
      failed: 3,
    },
  ],
  settlement: {
    code: null,
    contract: `0x${"5e".repeat(20)}`,
    l1BlockNumber: 4_000n,
    newest: {
      verdict: "agrees",
      blockNumber: 36n,
      root: `0x${"0f".repeat(32)}`,
      l1BlockNumber: 3_990n,
      transactionHash: `0x${"7a".repeat(32)}`,
    },
    agreed: 2,
    contradicted: 0,
    uncertified: 1,
    isDisputed: false,
  },
};

const counts = { expected: 9, made: 5, late: 1, missed: 1, disagreeing: 1, unseen: 1 };
const [firstOperator] = fixture.operatorSet.operators;

export const operatorSummary: OperatorSummary = {
  operator: firstOperator?.operator ?? "0x",
  epoch: fixture.operatorSet.epoch,
  index: 0,
  weight: firstOperator?.weight ?? 0n,
  ...counts,
};

export const participation: Participation = {
  ...counts,
  newestBlockNumber: 39n,
  reasons: [{ kind: "missed", reason: "silent", count: 1 }],
  lapses: [{ kind: "late", blockNumber: 31n, reason: "after-window", lateMs: 340 }],
};

export const operatorReport: OperatorReport = {
  operator: operatorSummary.operator,
  participation: [
    {
      ...participation,
      rollupId,
      epoch: operatorSummary.epoch,
      throughBlockNumber: 40n,
    },
  ],
};

/** Of the right shape, and of nothing. */
export const inclusionProof: InclusionProof = {
  header: "0xf90200",
  index: 3,
  transaction: { value: "0x02c0", nodes: ["0xf85180", "0xc20102"] },
  receipt: { value: "0x02c1", nodes: ["0xf85181", "0xc20103"] },
};

export const finality: Finality = {
  rollupId,
  observed: { ...block(), blockNumber: claim.blockNumber + 1n },
  fastFinal: block(),
  safe: block(),
  finalized: null,
  certificate,
  rule: certificateRule(certificate),
  reason: {
    code: "below-threshold",
    blockNumber: claim.blockNumber + 4n,
    presentWeight: 22n,
    requiredWeight: 67n,
    abstention: null,
  },
  participation: { signed: 22n, total: 100n },
  latencyMs: 12,
  agesMs: { observed: 100, fastFinal: 1_100, safe: 1_100, finalized: null, certificate: 1_090 },
};

export const unknownBlock: BlockStatus = {
  rollupId,
  status: "unknown",
  block: null,
  rule: {
    basis: "nothing",
    signedWeight: null,
    requiredWeight: null,
    totalWeight: null,
    thresholdBps: null,
    verification: null,
    epoch: null,
  },
  certificate: null,
  headers: null,
  reason: {
    code: "unknown-block",
    blockNumber: null,
    presentWeight: null,
    requiredWeight: null,
    abstention: null,
  },
  agesMs: { block: null, certificate: null },
};

export const certifiedBlock: BlockStatus = {
  rollupId,
  status: "fast-final",
  block: block(),
  rule: certificateRule(certificate),
  certificate,
  headers: [],
  reason: null,
  agesMs: { block: 1_100, certificate: 1_090 },
};

export const health: Health = {
  status: "degraded",
  role: "observer",
  operator: null,
  software: "0.1.0",
  uptimeMs: 60_000,
  peers: 4,
  checks: [{ name: "l1", status: "degraded", rollupId: null, code: "lagging", ageMs: 9_000 }],
};

export const alert: Alert = {
  alertId: "1",
  code: "payer-balance-low",
  severity: "warning",
  rollupId: null,
  message: "Send ETH to the payer.",
  raisedAt: 1_765_001_520n,
  clearedAt: null,
};

/** The in-memory twin of a node's view; its parts can be replaced, and events told. */
export interface MemoryView extends NodeView {
  tell(event: NodeEvent): void;
  listenerCount(): number;
}

/** A view of one rollup with one certificate. */
export function createMemoryView(parts: Partial<NodeView> = {}): MemoryView {
  const listeners = new Set<(event: NodeEvent) => void>();
  const ofRollup = <T>(id: bigint, value: T): ViewResult<T> =>
    id === rollupId ? { ok: true, value } : { ok: false, code: "unknown-rollup" };
  const served: ServedCertificate = { certificate, isImproving: true };
  const isItsBlock = (asked: bigint | string): boolean =>
    asked === claim.blockNumber || asked === claim.blockHash;
  return {
    network: () => ({
      domain: certificate.domain,
      genesisTime: 1_700_000_000n,
      epochSeconds: 60n,
      currentEpoch: claim.epoch,
      versions: { protocol: 1, api: 1, software: "0.1.0" },
    }),
    rollups: async () => [rollup],
    rollup: (id) => ofRollup(id, rollup),
    finality: (id) => ofRollup(id, finality),
    block: async (id, asked) => ofRollup(id, isItsBlock(asked) ? certifiedBlock : unknownBlock),
    transaction: async (id, transactionHash) =>
      ofRollup(id, { transactionHash, ...certifiedBlock, proof: inclusionProof, proofGap: null }),
    certificate: (id, blockNumber) => {
      if (id === rollupId && blockNumber !== claim.blockNumber)
        return { ok: false, code: "not-yet" };
      return ofRollup(id, served);
    },
    certificates: (id, { from = 0n, limit }) => {
      const data = from <= claim.blockNumber ? [certificate].slice(0, limit) : [];
      return ofRollup(id, { data, next: null });
    },
    certificateById: (id) =>
      id === certificate.certificateId
        ? { ok: true, value: served }
        : { ok: false, code: "unknown-certificate" },
    calldata: async (asked) => {
      const value = await createCalldataEncoder(createPortableBls()).encode(asked, operatorSet);
      return value === null ? { ok: false, code: "unavailable" } : { ok: true, value };
    },
    operatorSet: (epoch) =>
      epoch === "current" || epoch === operatorSet.epoch
        ? { ok: true, value: operatorSet }
        : { ok: false, code: "unknown-epoch" },
    setUpdate: () => ({ ok: false, code: "not-yet", detail: "2 of 3 have signed." }),
    operators: (epoch) =>
      epoch === "current" || epoch === operatorSet.epoch
        ? { ok: true, value: [operatorSummary] }
        : { ok: false, code: "unknown-epoch" },
    operator: (operator) =>
      operator === operatorReport.operator
        ? { ok: true, value: { report: operatorReport, next: null } }
        : { ok: false, code: "unknown-operator" },
    evidence: ({ from = 0n, limit }) => {
      const data = evidenceFixture.slice(Number(from), Number(from) + limit);
      const next = from + BigInt(data.length);
      return { data, next: next < BigInt(evidenceFixture.length) ? next : null };
    },
    alerts: () => [alert],
    health: () => health,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(event) {
      for (const listener of listeners) listener(event);
    },
    listenerCount: () => listeners.size,
    ...parts,
  };
}

function block(): NonNullable<Finality["fastFinal"]> {
  const { blockNumber, blockHash, timestamp } = claim;
  return { blockNumber, blockHash, timestamp };
}
