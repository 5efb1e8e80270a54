import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockStatus } from "../../../sdk/test/signed-network.ts";
import { agreeOn, readSaid, type Said, type SaidStatus } from "../../src/badge/said.ts";
import { CERTIFICATE, CERTIFIED } from "./page-of-badges.ts";

const QUESTION = { rollupId: 901n };
const SUBJECT = { kind: "block", block: 10n } as const;
const DOCUMENT = blockStatus(CERTIFIED, CERTIFICATE);
const POLICY = { minWeightBps: 6667, minVerification: 1, minSignedWeight: 0n } as const;

function read(data: unknown, status = 200): Said {
  return readSaid({ status, body: { data } }, QUESTION, SUBJECT);
}

function statusOf(change: Partial<SaidStatus> = {}): SaidStatus {
  const said = read(DOCUMENT);
  if (said.kind !== "status") throw new Error(said.code);
  return { ...said.status, ...change };
}

function agree(statuses: readonly Partial<SaidStatus>[], count = statuses.length) {
  const answers = statuses.map((each): Said => ({ kind: "status", status: statusOf(each) }));
  const endpoints = Array.from({ length: count }, (_, index) => `https://${index}.example/`);
  return agreeOn(answers, { endpoints, policy: POLICY });
}

describe("an answer", () => {
  it("is read as far as a badge shows it", () => {
    expect(read(DOCUMENT)).toEqual({
      kind: "status",
      status: {
        status: "fast-final",
        block: { blockNumber: 10n, blockHash: CERTIFIED.blockHash },
        rule: {
          signedWeight: 70n,
          requiredWeight: 67n,
          totalWeight: 100n,
          thresholdBps: 6667,
          verification: 1,
          epoch: 3n,
        },
        certificate: {
          certificateId: CERTIFICATE.certificateId,
          blockNumber: 10n,
          timestamp: CERTIFICATE.claim.timestamp,
        },
        reason: null,
      },
    });
    const error = { status: 503, body: { code: "stale", message: "" } };
    expect(readSaid(error, QUESTION, SUBJECT)).toEqual({ kind: "refused", code: "stale" });
  });

  it("of another rollup, block or transaction says nothing", () => {
    const hash = `0x${"77".repeat(32)}` as const;
    const bad = { kind: "silent", code: "bad-answer" };
    expect(read({ ...DOCUMENT, rollupId: "902" })).toEqual(bad);
    const body = { data: DOCUMENT };
    const other = [
      { kind: "block", block: 11n },
      { kind: "block", block: hash },
      { kind: "transaction", hash },
    ] as const;
    for (const subject of other) {
      expect(readSaid({ status: 200, body }, QUESTION, subject)).toEqual(bad);
    }
  });

  it("says nothing, and throws nothing, whatever is changed in it", () => {
    const fields = Object.keys(DOCUMENT).filter((field) => !/^(?:headers|agesMs)$/.test(field));
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.jsonValue(), (field, value) => {
        const original: unknown = Reflect.get(DOCUMENT, field);
        const said = read({ ...DOCUMENT, [field]: value });
        const isNull = value === null && /^(?:block|certificate|reason)$/.test(field);
        if (isNull || JSON.stringify(original) === JSON.stringify(value)) return;
        expect(said).toEqual({ kind: "silent", code: "bad-answer" });
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer(), (body, status) => {
        expect(["silent", "refused"]).toContain(readSaid({ status, body }, QUESTION, SUBJECT).kind);
      }),
    );
  });
});

describe("endpoints agree", () => {
  const observed = { status: "observed", certificate: null } as const;

  it("on fast-final by more than half of those that are asked, not of those that answer", () => {
    expect(agree([{}, {}], 3)).toMatchObject({ kind: "fast-final", voices: 2 });
    expect(agree([{}, {}], 4)).toEqual({ kind: "unknown", code: "too-few-answers" });
    expect(agree([{}, observed, observed])).toMatchObject({ kind: "pending", name: "observed" });
  });

  it("on the least weight that any of them names", () => {
    const rule = { ...statusOf().rule, signedWeight: 100n };
    expect(agree([{ rule }, {}, { rule }])).toMatchObject({
      kind: "fast-final",
      status: { rule: { signedWeight: 70n } },
    });
  });

  it("on nothing where weight, total or certificate is not told", () => {
    const rule = { ...statusOf().rule, totalWeight: null };
    expect(agree([{ rule }])).toMatchObject({ kind: "pending", code: "below-min-weight" });
    expect(agree([{ status: "finalized", certificate: null }])).toMatchObject({
      kind: "pending",
      code: "no-certificate",
    });
  });

  it("that a block is too old for them only where more than half say so", () => {
    const unknown = { status: "unknown", block: null, certificate: null } as const;
    const pruned = { ...unknown, reason: "pruned" };
    expect(agree([pruned, pruned, unknown])).toEqual({ kind: "unknown", code: "pruned" });
    expect(agree([pruned, unknown, unknown])).toEqual({ kind: "unknown", code: "unknown" });
    expect(agree([pruned, {}, {}])).toMatchObject({ kind: "fast-final" });
  });

  it("that a block is contradicted by more than half, and by no fewer", () => {
    const contradicted = { status: "contradicted" } as const;
    expect(agree([contradicted, contradicted, {}])).toEqual({ kind: "contradicted" });
    expect(agree([contradicted, {}, {}])).toMatchObject({ kind: "fast-final" });
    expect(agree([contradicted, {}])).toMatchObject({ kind: "unknown", code: "no-agreement" });
  });
});
