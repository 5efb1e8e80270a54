import type { Finality } from "@mach/sdk/reader";
import { describe, expect, it } from "vitest";
import { certify, chainTo, claimOf, NOW, ROLLUP } from "../../../sdk/test/signed-network.ts";
import type { CheckResult } from "../../src/explorer/check-certificate.ts";
import type { Moment } from "../../src/explorer/clock.ts";
import {
  BEHIND_AFTER_MS,
  type CheckedHead,
  isOfItsHead,
  judgeHead,
  SILENT_AFTER_MS,
  toneOf,
} from "../../src/explorer/head-verdict.ts";

const BLOCK = chainTo(6)[6] ?? { blockNumber: 0n, blockHash: "0x", header: "0x" };
const CERTIFICATE = certify(claimOf(BLOCK, { timestamp: BigInt(NOW / 1000) }));
const BLOCK_AT = NOW;

const FINALITY: Finality = {
  rollupId: ROLLUP,
  observed: { ...BLOCK, timestamp: CERTIFICATE.claim.timestamp },
  fastFinal: { ...BLOCK, timestamp: CERTIFICATE.claim.timestamp },
  safe: null,
  finalized: null,
  certificate: CERTIFICATE,
  rule: null,
  reason: null,
  participation: { signed: 100n, total: 100n },
  latencyMs: 40,
  agesMs: { observed: 0, fastFinal: 0, safe: null, finalized: null, certificate: 0 },
};
const SOUND: CheckResult = {
  status: "sound",
  basis: "named-by-node",
  facts: {
    operatorSetHash: CERTIFICATE.operatorSetHash,
    ...{ signedWeight: 100n, totalWeight: 100n, thresholdBps: 6667, signers: 4 },
  },
};

const moment = (afterMs: number): Moment => ({ monotonicMs: afterMs, wallMs: BLOCK_AT + afterMs });
const heard = { finality: FINALITY, at: moment(0) };
const headOf = (result: CheckResult): CheckedHead => ({ ...heard, result });

function verdictAfter(ms: number, result: CheckResult | null, finality = FINALITY) {
  const seen = { heard: { finality, at: moment(0) }, head: result && headOf(result) };
  return judgeHead(seen, moment(ms));
}

describe("a head", () => {
  it("is final when this browser has checked it, it is recent, and the node is heard", () => {
    expect(verdictAfter(1_000, SOUND)).toMatchObject({ kind: "final", ageMs: 1_000 });
    expect(toneOf(verdictAfter(1_000, SOUND))).toBe("final");
  });

  it("is not final for the node's word alone", () => {
    expect(verdictAfter(0, null)).toEqual({ kind: "checking" });
  });

  it("greys by the page's own clock, without a word from the node", () => {
    const verdict = verdictAfter(SILENT_AFTER_MS + 1, SOUND);
    expect(verdict).toEqual({ kind: "stale", silentMs: SILENT_AFTER_MS + 1 });
  });

  it("is behind when its block is old, however young the node says that it is", () => {
    const at = moment(BEHIND_AFTER_MS + 1_000);
    const again = { finality: FINALITY, at };
    const repeated = { heard: again, head: { ...again, result: SOUND } };
    expect(judgeHead(repeated, at)).toMatchObject({ kind: "behind", ageMs: 61_000 });
  });

  it("says nothing of now when its block is from the future", () => {
    const early = { monotonicMs: 0, wallMs: BLOCK_AT - 600_000 };
    const seen = { heard: { finality: FINALITY, at: early }, head: headOf(SOUND) };
    expect(judgeHead(seen, early)).toEqual({ kind: "unchecked", code: "wrong-clock" });
  });

  it("is contradicted as soon as the node says so, whatever was checked before", () => {
    const reason = {
      code: "contradicted" as const,
      ...{ blockNumber: null, presentWeight: null, requiredWeight: null, abstention: null },
    };
    expect(verdictAfter(0, SOUND, { ...FINALITY, reason }).kind).toBe("contradicted");
  });

  it("is none where the node names none", () => {
    const none = { ...FINALITY, fastFinal: null, certificate: null };
    expect(verdictAfter(0, null, none).kind).toBe("none");
  });

  const basis = "named-by-node";
  const others: readonly (readonly [kind: string, CheckResult])[] = [
    ["refused", { status: "refused", basis, code: "bad-signature" }],
    ["unchecked", { status: "unchecked", basis, code: "no-set" }],
    ["contradicted", { status: "contradicted", basis, others: [] }],
    ["behind", { ...SOUND, status: "expired" } as CheckResult],
  ];
  it.each(others)("is %s, and not green, where the check says so", (kind, result) => {
    const verdict = verdictAfter(0, result);
    expect(verdict.kind).toBe(kind);
    expect(toneOf(verdict)).not.toBe("final");
  });

  it("is nothing before the node was heard", () => {
    expect(judgeHead({ heard: null, head: headOf(SOUND) }, moment(0))).toEqual({ kind: "unheard" });
  });
});

it("a certificate for another block than the one that it is shown with is not its head's", () => {
  expect(isOfItsHead(FINALITY)).toBe(true);
  const { fastFinal } = FINALITY;
  if (fastFinal === null) throw new Error("no head");
  expect(isOfItsHead({ ...FINALITY, rollupId: 902n })).toBe(false);
  expect(isOfItsHead({ ...FINALITY, fastFinal: { ...fastFinal, blockNumber: 7n } })).toBe(false);
  const blockHash = `0x${"00".repeat(32)}` as const;
  expect(isOfItsHead({ ...FINALITY, fastFinal: { ...fastFinal, blockHash } })).toBe(false);
});
