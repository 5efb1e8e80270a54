import { type Hex, ZERO_HASH } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agreeOnBlock, type BlockSource, type SourceAnswer } from "../src/agreement.ts";
import type { CheckedBlock } from "../src/stack.ts";

const hash = (byte: number): Hex => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;

function block(byte: number, parentHash: Hex = ZERO_HASH): CheckedBlock {
  return {
    blockNumber: 7n,
    blockHash: hash(byte),
    parentHash,
    stateRoot: ZERO_HASH,
    outputRoot: ZERO_HASH,
    unverifiable: null,
    timestamp: 1n,
    headerRlp: "0x",
  };
}

interface Scripted extends BlockSource {
  readonly outcomes: string[];
}

/** Answers after a number of turns of the event loop; null never does. */
function source(host: string, answer: SourceAnswer | null, turns = 0): Scripted {
  const outcomes: string[] = [];
  return {
    host,
    outcomes,
    async ask() {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      return answer ?? new Promise<never>(() => {});
    },
    settle: (outcome) => outcomes.push(outcome),
  };
}

const sound = (byte: number, parentHash?: Hex): SourceAnswer => ({
  ok: true,
  block: block(byte, parentHash),
});
const selector = { by: "number", blockNumber: 7n, fresh: true } as const;

describe("agreement", () => {
  it("stands as soon as enough hosts agree, however long another takes", async () => {
    const sources = [source("a", sound(1)), source("b", null), source("c", sound(1))];
    const agreement = await agreeOnBlock(sources, { agree: 2, selector });
    expect(agreement).toMatchObject({ ok: true, block: { blockHash: hash(1) } });
    expect(sources.map(({ outcomes }) => outcomes)).toEqual([["agrees"], [], ["agrees"]]);
  });

  it("counts two endpoints of one host once", async () => {
    const sources = [source("a", sound(1)), source("a", sound(1)), source("b", sound(2))];
    const agreement = await agreeOnBlock(sources, { agree: 2, selector });
    expect(agreement).toEqual({
      ok: false,
      code: "sources-disagree",
      sources: [
        { host: "a", code: "ok" },
        { host: "a", code: "ok" },
        { host: "b", code: "ok" },
      ],
    });
  });

  it("blames the source that differs, even when it comes late", async () => {
    const late = source("c", sound(2), 50);
    const sources = [source("a", sound(1)), source("b", sound(1)), late];
    expect(await agreeOnBlock(sources, { agree: 2, selector })).toMatchObject({ ok: true });
    await new Promise((resolve) => setImmediate(resolve));
    expect(late.outcomes).toEqual(["disagrees"]);
  });

  it("waits for the block that links before it takes one that does not", async () => {
    const request = { agree: 1, selector, parentHash: hash(9) };
    const linking = [source("a", sound(1)), source("b", sound(2, hash(9)), 50)];
    expect(await agreeOnBlock(linking, request)).toMatchObject({ block: { blockHash: hash(2) } });
    const parting = [source("a", sound(1)), source("b", { ok: false, code: "missing" }, 50)];
    expect(await agreeOnBlock(parting, request)).toMatchObject({ block: { blockHash: hash(1) } });
  });

  it("does not choose between two blocks of equal support", async () => {
    const request = { agree: 1, selector, parentHash: hash(9) };
    const sources = [source("a", sound(1)), source("b", sound(2))];
    expect(await agreeOnBlock(sources, request)).toMatchObject({ code: "sources-disagree" });
  });

  it.each([
    [["wrong-chain", "hash-mismatch", "missing"], "wrong-chain"],
    [["missing", "hash-mismatch", "timeout"], "hash-mismatch"],
    [["invalid-field", "timeout", "timeout"], "invalid-field"],
    [["malformed", "timeout", "missing"], "malformed"],
    [["wrong-block", "timeout", "missing"], "wrong-block"],
    [["missing", "timeout", "unreachable"], "source-lagging"],
    [["rpc-error", "timeout", "unreachable"], "sources-unavailable"],
    [["busy", "http-status", "too-large"], "sources-unavailable"],
  ] as const)("names the gravest of %j: %s", async (codes, expected) => {
    const sources = codes.map((code, index) => source(`${index}`, { ok: false, code }));
    const agreement = await agreeOnBlock(sources, { agree: 1, selector });
    expect(agreement).toMatchObject({ ok: false, code: expected });
  });

  it("is never a block that fewer hosts gave than were wanted", async () => {
    const answer = fc.oneof(
      fc.integer({ min: 1, max: 3 }).map((byte) => sound(byte)),
      fc.constantFrom("timeout", "missing", "hash-mismatch").map((code) => ({
        ok: false as const,
        code: code as "timeout",
      })),
    );
    const scripted = fc.record({
      host: fc.constantFrom("a", "b", "c", "d"),
      answer,
      turns: fc.nat({ max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(scripted, { minLength: 1, maxLength: 7 }),
        fc.integer({ min: 1, max: 4 }),
        async (scripts, agree) => {
          const sources = scripts.map(({ host, answer, turns }) => source(host, answer, turns));
          const agreement = await agreeOnBlock(sources, { agree, selector });
          const support = (blockHash: Hex) =>
            new Set(
              scripts.flatMap(({ host, answer }) =>
                answer.ok && answer.block.blockHash === blockHash ? [host] : [],
              ),
            ).size;
          if (agreement.ok) {
            expect(support(agreement.block.blockHash)).toBeGreaterThanOrEqual(agree);
          } else {
            for (const byte of [1, 2, 3]) expect(support(hash(byte))).toBeLessThan(agree);
          }
        },
      ),
    );
  });
});
