import type { Finality } from "@mach/api";
import { expect, it } from "vitest";
import { drawScreen, repeat } from "../../src/cli/status.ts";
import { describeFailure, type StatusWords } from "../../src/cli/status-words.ts";
import type { NodeView } from "../../src/http/node-view.ts";
import { alert, finality, operatorReport, rollup } from "../http/memory-view.ts";
import { startTestServer } from "../http/test-server.ts";
import { mach, machJson } from "./cli-runs.ts";

const FINAL: Finality = {
  ...finality,
  reason: null,
  participation: { signed: 80n, total: 100n },
};
const HEALTH = {
  status: "ok",
  role: "operator",
  operator: operatorReport.operator,
  software: "mach/0.1.0",
  uptimeMs: 65_000,
  peers: 3,
  checks: [],
} as const;

function viewOf(answer: Finality, more: Partial<NodeView> = {}): Partial<NodeView> {
  return {
    finality: () => ({ ok: true, value: answer }),
    health: () => HEALTH,
    alerts: () => [],
    ...more,
  };
}

async function serve(answer: Finality, more?: Partial<NodeView>): Promise<string> {
  return (await startTestServer({ parts: viewOf(answer, more) })).url;
}

async function stateOf(answer: Finality, more?: Partial<NodeView>): Promise<unknown> {
  const told = await machJson("status", "--api", await serve(answer, more));
  const { exitCode, rollups } = told as {
    exitCode: number;
    rollups: readonly { state: string; code: string | null }[];
  };
  return [exitCode, rollups[0]?.state, rollups[0]?.code];
}

it("says that all is well where all is, with the operator's own attestations and their reasons", async () => {
  const api = await serve(FINAL);
  const { exitCode, stdout } = await mach("status", "--api", api, "--once");
  expect(exitCode).toBe(0);
  expect(stdout.replaceAll(api, "API")).toMatchInlineSnapshot(`
    "OK       API  mach/0.1.0, up 65 s
    operator 0x02d7218e7e4ee75d8bd53da7d0006dc2815ddd4b, epoch 100, 3 peer(s)

    42161  evm  FINAL
      head        5549722477, 0.1 s old
      attested    5549722476, certified
      fast-final  5549722476, 1.1 s old, certified 12 ms after its first sight
      weight      80 of 100 present (80 %)
      own         epoch 100: 5 of 9 attestations made, 1 late, 1 missed, 1 disagreeing, 1 unseen (1 missed: silent; newest 31 after-window)
    "
  `);
});

type Case = readonly [string, readonly unknown[], Finality, Partial<NodeView>?];
const CASES: readonly Case[] = [
  ["below its threshold", [1, "waiting", "below-threshold"], finality],
  ["without a block", [1, "unknown", "no-block"], { ...FINAL, observed: null }],
  [
    "with an old head",
    [1, "old", "head-old"],
    { ...FINAL, agesMs: { ...FINAL.agesMs, observed: 121_000 } },
  ],
  [
    "whose head has no age",
    [1, "old", "head-old"],
    { ...FINAL, agesMs: { ...FINAL.agesMs, observed: null } },
  ],
  ["without a certificate", [1, "waiting", "no-certificate"], { ...FINAL, fastFinal: null }],
  [
    "that is contradicted",
    [1, "contradicted", "contradicted"],
    {
      ...FINAL,
      reason: {
        code: "contradicted",
        blockNumber: null,
        presentWeight: null,
        requiredWeight: null,
        abstention: null,
      },
    },
  ],
  [
    "that the node abstains from",
    [1, "abstaining", "sources-disagree"],
    FINAL,
    { rollups: async () => [{ ...rollup, abstention: "sources-disagree" }] },
  ],
  [
    "that cannot be read",
    [1, "unknown", "unknown-rollup"],
    FINAL,
    { finality: () => ({ ok: false, code: "unknown-rollup" }) },
  ],
];

it.each(CASES.map(([name, expected, answer, more]) => ({ name, expected, answer, more })))(
  "never calls a rollup final $name",
  async ({ expected, answer, more }) => {
    expect(await stateOf(answer, more)).toEqual(expected);
  },
);

it("is not well where the node is not", async () => {
  const check = { name: "l1", status: "degraded", rollupId: null, code: "l1-unavailable" } as const;
  const api = await serve(FINAL, {
    health: () => ({ ...HEALTH, status: "degraded", checks: [{ ...check, ageMs: 40_000 }] }),
  });
  const { exitCode, stdout } = await mach("status", "--api", api, "--once");
  expect([exitCode, stdout]).toEqual([1, expect.stringContaining("degraded: l1, l1-unavailable")]);
});

it("says that nothing is known of a node that does not answer", async () => {
  const nowhere = "http://127.0.0.1:9";
  expect(await machJson("status", "--api", nowhere)).toEqual({
    ...{ exitCode: 1, ok: false, code: "unreachable", api: nowhere },
  });
  const words = describeFailure(nowhere, { ok: false, code: "stale" }, 12_000);
  expect(words).toMatchObject({
    isFine: false,
    lines: ["UNKNOWN  http://127.0.0.1:9: no answer (stale); its last answer was 12 s ago"],
  });
});

it("lets no node write to the terminal", async () => {
  const message = "\u001b]0;owned\u0007\u001b[2J\nFINAL";
  const api = await serve(FINAL, { alerts: () => [{ ...alert, message }] });
  const { stdout } = await mach("status", "--api", api, "--once");
  expect(stdout).toContain("?]0;owned??[2J?FINAL");
});

it("draws a screen that fits, over the one before", () => {
  const words: StatusWords = { isFine: true, lines: ["abcdef", "b", "c", "d"], json: {} };
  const draw = drawScreen(() => ({ columns: 4, rows: 4 }));
  expect(draw(words)).toBe("\u001b[Habcd\u001b[K\nb\u001b[K\n...\u001b[K\n\u001b[J");
});

it("shows until it is stopped", async () => {
  const controller = new AbortController();
  const shown: StatusWords[] = [];
  const words: StatusWords = { isFine: true, lines: [], json: {} };
  await repeat({ look: async () => words, intervalMs: 1, signal: controller.signal }, (each) => {
    shown.push(each);
    if (shown.length === 3) controller.abort();
  });
  expect(shown).toEqual([words, words, words]);
});

it.each([
  [["status"]],
  [["status", "--api", "ftp://127.0.0.1"]],
  [["status", "--api", "http://127.0.0.1:9", "--interval", "0"]],
  [["status", "--api", "http://127.0.0.1:9", "--operator", "0x12"]],
])("refuses %j as wrong usage", async (args) => {
  expect((await mach(...args)).exitCode).toBe(2);
});
