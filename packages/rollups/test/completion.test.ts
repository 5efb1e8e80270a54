import { type Hex, keccak256Text } from "@mach/core";
import { describe, expect, it } from "vitest";
import type { SourceAnswer } from "../src/agreement.ts";
import { type CompletingSource, completeBlock } from "../src/completion.ts";
import type { CheckedBlock, Completion } from "../src/stack.ts";

const block: CheckedBlock = {
  blockNumber: 7n,
  blockHash: keccak256Text("block"),
  parentHash: keccak256Text("parent"),
  stateRoot: keccak256Text("state"),
  outputRoot: null,
  unverifiable: "needs-batch",
  timestamp: 1n,
  headerRlp: "0x12",
};
const rooted = (root: string): CheckedBlock => ({
  ...block,
  outputRoot: keccak256Text(root),
  unverifiable: null,
});

interface Told extends CompletingSource {
  readonly settled: string[];
}

function source(host: string, answer: SourceAnswer | Promise<never>, isReady = true): Told {
  const settled: string[] = [];
  return {
    host,
    isReady,
    settled,
    settle: (outcome) => settled.push(outcome),
    ask: () => Promise.resolve({ ok: false, code: "missing" }),
    complete: () => Promise.resolve(answer),
  };
}

const says = (root: string): SourceAnswer => ({ ok: true, block: rooted(root) });
const fails = (code: "missing" | "timeout"): SourceAnswer => ({ ok: false, code });
const by = (evidence: Completion["evidence"]): Completion => ({
  evidence,
  connect: () => () => Promise.resolve({ ok: false, code: "missing" }),
});
const complete = (
  sources: readonly CompletingSource[],
  evidence: Completion["evidence"],
  change: Partial<CheckedBlock> = {},
) => completeBlock(sources, { agree: 2, block: { ...block, ...change }, completion: by(evidence) });

describe("roots that are only said", () => {
  it("count once enough hosts say the same, and do not wait for those that hang", async () => {
    const hanging = new Promise<never>(() => undefined);
    const sources = [source("a", says("root")), source("b", says("root")), source("c", hanging)];
    expect(await complete(sources, "word")).toEqual({ ok: true, block: rooted("root") });
    expect(sources.map(({ settled }) => settled)).toEqual([["agrees"], ["agrees"], []]);
  });

  it("are not doubled by two endpoints of one host", async () => {
    const sources = [source("a", says("root")), source("a", says("root"))];
    expect(await complete(sources, "word")).toMatchObject({ ok: false });
  });

  it("disagree where sources say different ones of one block hash", async () => {
    const sources = [
      source("a", says("root")),
      source("b", says("lie")),
      source("c", fails("missing")),
    ];
    expect(await complete(sources, "word")).toMatchObject({ ok: false, code: "sources-disagree" });
  });

  it("blame the one that the others contradict", async () => {
    const sources = [
      source("a", says("lie")),
      source("b", says("root")),
      source("c", says("root")),
    ];
    expect(await complete(sources, "word")).toEqual({ ok: true, block: rooted("root") });
    expect(sources[0]?.settled).toEqual(["disagrees"]);
  });

  it("are waited for while too few know the batch", async () => {
    const sources = [source("a", says("root")), source("b", fails("missing"))];
    expect(await complete(sources, "word")).toMatchObject({ ok: false, code: "source-lagging" });
    const down = [source("a", fails("timeout")), source("b", fails("timeout"))];
    expect(await complete(down, "word")).toMatchObject({ ok: false, code: "sources-unavailable" });
  });
});

describe("roots that are proven", () => {
  it("take one source, those that nothing is held against first", async () => {
    const sources = [source("a", says("late"), false), source("b", says("root"))];
    expect(await complete(sources, "proof")).toEqual({ ok: true, block: rooted("root") });
  });

  it("leave the block unsigned where no source proves them", async () => {
    const lying: SourceAnswer = { ok: false, code: "invalid-proof" };
    const sources = [source("a", fails("missing")), source("b", lying)];
    expect(await complete(sources, "proof")).toEqual({ ok: true, block });
  });

  it("are waited for while a source that may prove them does not answer", async () => {
    const sources = [source("a", { ok: false, code: "rpc-error" }), source("b", fails("timeout"))];
    expect(await complete(sources, "proof")).toMatchObject({
      ok: false,
      code: "sources-unavailable",
      sources: [
        { host: "a", code: "rpc-error" },
        { host: "b", code: "timeout" },
      ],
    });
  });
});

it("a block that needs nothing is not asked about", async () => {
  const asked: Hex[] = [];
  const curious = {
    ...source("a", says("root")),
    complete: (each: CheckedBlock) => {
      asked.push(each.blockHash);
      return Promise.resolve(says("root"));
    },
  };
  for (const unverifiable of [null, "no-claim"] as const) {
    expect(await complete([curious], "word", { unverifiable })).toMatchObject({
      block: { unverifiable },
    });
  }
  expect(asked).toEqual([]);
});
