import type { BlockStatus, NodeReader, TransactionStatus } from "@mach/sdk/reader";
import { expect, it, onTestFinished, vi } from "vitest";
import { certify, chainTo, claimOf, ROLLUP, setOf } from "../../../sdk/test/signed-network.ts";
import type { CheckResult } from "../../src/explorer/check-certificate.ts";
import type { PageContext } from "../../src/explorer/page.ts";
import { createPage } from "../../src/explorer/pages.ts";
import type { Route } from "../../src/explorer/route.ts";

const [, BLOCK, OTHER] = chainTo(2);
if (BLOCK === undefined || OTHER === undefined) throw new Error("no block");
const CERTIFICATE = certify(claimOf(OTHER));
const TRANSACTION = `0x${"7a".repeat(32)}` as const;

/** What a node says of the other block: right in itself, and certified. */
const STATUS: BlockStatus = {
  ...{ rollupId: ROLLUP, status: "fast-final", certificate: CERTIFICATE, headers: [] },
  block: { ...CERTIFICATE.claim },
  rule: {
    ...{ basis: "certificate", signedWeight: 70n, requiredWeight: 67n, totalWeight: 100n },
    ...{ thresholdBps: 6667, verification: 1, epoch: 3n },
  },
  reason: null,
  agesMs: { block: 1, certificate: 1 },
};
const COUNTS = { expected: 1, made: 1, late: 0, missed: 0, disagreeing: 0, unseen: 0 };
const IN_IT: TransactionStatus = {
  ...{ ...STATUS, transactionHash: TRANSACTION, proof: null, proofGap: "unavailable" },
};

const SOUND: CheckResult = {
  ...{ status: "sound", basis: "named-by-node" },
  facts: {
    ...{ signedWeight: 70n, totalWeight: 100n, thresholdBps: 6667, signers: 2 },
    operatorSetHash: CERTIFICATE.operatorSetHash,
  },
};

/** A page of a node that gives these answers, whatever it is asked. */
function pageOf(route: Route, answer: (id: string, epoch: bigint) => unknown) {
  let onDrawn: () => void = () => undefined;
  const reader = {
    endpoint: "http://node.example/",
    get: async (id: string, { epoch = 3n }: { readonly epoch?: bigint }) => ({
      ...{ ok: true, answer: { data: answer(id, epoch), rule: STATUS.rule } },
    }),
    follow: () => Promise.resolve(),
    // A twin of the client: the compiler does not follow a route's name into its answer.
  } as unknown as NodeReader;
  const live: Partial<PageContext["live"]> = {
    checker: () => ({
      check: async () => SOUND,
      checkEvidence: () => Promise.reject(new Error("no evidence is shown")),
    }),
  };
  const context = {
    ...{ reader, live, trust: () => null, setTrust: () => undefined, navigate: () => undefined },
    clock: () => ({ monotonicMs: 0, wallMs: 0 }),
    update: () => onDrawn(),
  };
  const page = createPage(context as unknown as PageContext, route);
  onTestFinished(() => page.stop?.());
  const drawn = async (isShown: (text: string) => boolean): Promise<string> => {
    while (!isShown(textOf(page.view()))) {
      await new Promise<void>((resolve) => {
        onDrawn = resolve;
      });
    }
    return textOf(page.view());
  };
  return { drawn };
}

/** All that a template would write, tags and all. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join("");
  if (typeof value !== "object" || value === null) {
    return ["string", "number", "bigint"].includes(typeof value) ? String(value) : "";
  }
  const { strings = [], values = [] } = value as { strings?: string[]; values?: unknown[] };
  return strings.map((text, index) => text + textOf(values[index])).join("");
}

const OF_OTHER: Route = { page: "block", rollupId: ROLLUP, block: OTHER.blockNumber };
const ASKED_AND_TOLD: readonly (readonly [route: Route, told: unknown])[] = [
  [{ page: "block", rollupId: ROLLUP, block: BLOCK.blockHash }, STATUS],
  [{ page: "block", rollupId: ROLLUP, block: BLOCK.blockNumber }, STATUS],
  [{ page: "block", rollupId: 902n, block: OTHER.blockNumber }, STATUS],
  [{ page: "transaction", rollupId: ROLLUP, hash: `0x${"7b".repeat(32)}` }, IN_IT],
  [{ page: "transaction", rollupId: 902n, hash: TRANSACTION }, IN_IT],
  [{ page: "certificate", certificateId: `0x${"7c".repeat(32)}` }, CERTIFICATE],
];

it.each(ASKED_AND_TOLD)("shows nothing of what was not asked: $page", async (route, told) => {
  const { drawn } = pageOf(route, () => told);
  const text = await drawn((shown) => !shown.includes("Asking the node"));
  expect(text).toContain("<code>bad-answer</code>");
  expect(text).not.toContain(CERTIFICATE.claim.blockHash);
});

it.each([
  [{ page: "block", rollupId: ROLLUP, block: OTHER.blockHash }, STATUS],
  [{ page: "transaction", rollupId: ROLLUP, hash: TRANSACTION }, IN_IT],
  [{ page: "certificate", certificateId: CERTIFICATE.certificateId }, CERTIFICATE],
] as const)("shows what was asked: $page", async (route, told) => {
  const { drawn } = pageOf(route, (id) => (id === "operatorSet" ? setOf(3n) : told));
  await drawn((shown) => shown.includes(CERTIFICATE.claim.blockHash));
});

it("shows the set of the epoch whose operators it shows, however long it is open", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let epoch = 3n;
  const rows = () => setOf(epoch).operators.map((each) => ({ ...each, ...COUNTS, epoch }));
  const { drawn } = pageOf({ page: "operators", epoch: null }, (id, asked) =>
    id === "operatorSet" ? setOf(asked) : rows(),
  );
  await drawn((text) => text.includes(setOf(3n).operatorSetHash));
  epoch = 4n;
  await vi.advanceTimersByTimeAsync(5_000);
  const text = await drawn((shown) => shown.includes(setOf(4n).operatorSetHash));
  expect(text).not.toContain(setOf(3n).operatorSetHash);
});

it("tells the weight that was checked, whatever the node tells", async () => {
  const told = { ...STATUS, rule: { ...STATUS.rule, signedWeight: 100n } };
  const { drawn } = pageOf(OF_OTHER, (id) => (id === "operatorSet" ? setOf(3n) : told));
  const text = await drawn((shown) => shown.includes("Consistent"));
  expect(text).toContain("70 of 100 weight signed");
  expect(text).not.toContain("100 of 100 weight signed");
  expect(text).toContain("chip final");
});

it("shows nothing green of a block that is contradicted, however valid its certificate", async () => {
  const told = { ...STATUS, status: "contradicted" };
  const { drawn } = pageOf(OF_OTHER, (id) => (id === "operatorSet" ? setOf(3n) : told));
  const text = await drawn((shown) => shown.includes("Consistent") && shown.includes("weight al"));
  expect(text).not.toMatch(/class="[^"]*\bfinal\b/);
});
