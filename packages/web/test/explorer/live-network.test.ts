import type { Finality, FollowedRollup, Network, NodeEvent, NodeReader } from "@mach/sdk/reader";
import { afterEach, beforeEach, expect, it } from "vitest";
import { certify, chainTo, claimOf, DOMAIN, ROLLUP } from "../../../sdk/test/signed-network.ts";
import type { CheckQuestion, CheckResult } from "../../src/explorer/check-certificate.ts";
import { followNetwork, type LiveNetwork } from "../../src/explorer/live-network.ts";

const CERTIFICATES = chainTo(4).map((block) => certify(claimOf(block)));
const REFUSED: CheckResult = { status: "refused", basis: "named-by-node", code: "bad-signature" };
const UNCHECKED: CheckResult = { status: "unchecked", basis: "named-by-node", code: "no-set" };

/** What the node says, which the tests change. */
let height = 0;
let isDown = false;
let genesisTime = 1n;
/** The checks that were asked for, to be answered when a test likes. */
let asked: { readonly question: CheckQuestion; answer(result: CheckResult): void }[] = [];
let onDrawn: () => void = () => undefined;
let ended = 0;
let tell: (event: NodeEvent) => void = () => undefined;
let live: LiveNetwork;

beforeEach(() => {
  height = 0;
  isDown = false;
  genesisTime = 1n;
  asked = [];
  ended = 0;
  live = followNetwork({
    reader: fakeReader(),
    createChecker: () => ({
      checkEvidence: () => Promise.reject(new Error("no evidence is shown")),
      check: (question) =>
        new Promise((answer) => {
          asked.push({ question, answer });
        }),
      stop: () => {
        ended += 1;
      },
    }),
    trust: () => null,
    clock: () => ({ monotonicMs: 0, wallMs: 0 }),
    onChange: () => onDrawn(),
  });
});
afterEach(() => live.stop());

function fakeReader(): NodeReader {
  const answerTo = ({ id }: { readonly id: string }): unknown => {
    if (isDown) return { ok: false, code: "unreachable", message: "" };
    const data = documentOf(id);
    return data === null
      ? { ok: false, code: "unavailable", message: "" }
      : { ok: true, answer: { data } };
  };
  return {
    endpoint: "http://node.example/",
    // A twin of the client: the compiler does not follow a route's name into its answer.
    get: (async (id: string) => answerTo({ id })) as unknown as NodeReader["get"],
    batch: (async (reads: readonly { readonly id: string }[]) =>
      reads.map(answerTo)) as unknown as NodeReader["batch"],
    follow: (_, handlers) => {
      tell = handlers.onEvent;
      return Promise.resolve();
    },
  };
}

function documentOf(id: string): unknown {
  if (id === "network") {
    const network: Network = {
      ...{ domain: DOMAIN, genesisTime, epochSeconds: 60n, currentEpoch: 3n },
      versions: { protocol: 1, api: 1, software: "0.1.0" },
    };
    return network;
  }
  if (id === "rollups") {
    const rollup: Pick<FollowedRollup, "rollupId" | "thresholdBps"> = {
      ...{ rollupId: ROLLUP, thresholdBps: 7000 },
    };
    return [rollup];
  }
  return id === "finality" ? finality() : id === "alerts" ? [] : null;
}

function finality(): Partial<Finality> {
  const certificate = CERTIFICATES[height] ?? null;
  const block = certificate && { ...certificate.claim };
  return {
    rollupId: ROLLUP,
    observed: block,
    fastFinal: block,
    certificate,
    latencyMs: 7,
    reason: null,
  };
}

/** Asks the node again, until a condition holds. */
async function until(condition: () => boolean): Promise<void> {
  live.refresh();
  while (!condition()) {
    await new Promise<void>((resolve) => {
      onDrawn = resolve;
    });
  }
}

const rollup = () => live.state.rollups.get(ROLLUP);

it("takes a head for checked only when its certificate was, under the rollup's threshold", async () => {
  await until(() => asked.length === 1);
  expect(rollup()).toMatchObject({ head: null, heard: { finality: { rollupId: ROLLUP } } });
  expect(asked[0]?.question).toMatchObject({ thresholdBps: 7000, certificate: CERTIFICATES[0] });
  asked[0]?.answer(REFUSED);
  await until(() => rollup()?.head?.result === REFUSED);
});

it("checks the newest head after the one that is under way, and none between", async () => {
  await until(() => asked.length === 1);
  for (const next of [1, 2, 3]) {
    height = next;
    await until(() => rollup()?.heard?.finality.certificate === CERTIFICATES[next]);
  }
  expect(asked).toHaveLength(1);
  asked[0]?.answer(REFUSED);
  await until(() => asked.length === 2);
  expect(asked[1]?.question.certificate).toBe(CERTIFICATES[3]);
  expect(rollup()?.samples.map(({ blockNumber }) => blockNumber)).toEqual([0n, 1n, 2n, 3n]);
});

it("takes from events what is newer than it has heard, and asks about what is not", async () => {
  height = 1;
  await until(() => rollup()?.heard?.finality.certificate === CERTIFICATES[1]);
  const tellOf = (told: number, reason: { readonly code: string } | null = null): void => {
    height = told;
    const answer = { data: { ...finality(), reason } };
    height = 3;
    tell({ topic: "finality", answer } as unknown as NodeEvent);
  };
  tellOf(2);
  expect(rollup()?.heard?.finality.certificate).toBe(CERTIFICATES[2]);
  tellOf(0);
  expect(rollup()?.heard?.finality.certificate).toBe(CERTIFICATES[2]);
  tellOf(0, { code: "contradicted" });
  expect(rollup()?.heard?.finality).toMatchObject({ reason: { code: "contradicted" } });
  await until(() => rollup()?.heard?.finality.certificate === CERTIFICATES[3]);
});

it("checks again what could not be held against anything", async () => {
  await until(() => asked.length === 1);
  asked[0]?.answer(UNCHECKED);
  await until(() => asked.length === 2);
  expect(asked[1]?.question.certificate).toBe(CERTIFICATES[0]);
});

it("drops what it knew of another network, and of another trust", async () => {
  await until(() => asked.length === 1);
  asked[0]?.answer(REFUSED);
  await until(() => rollup()?.head !== null);
  live.recheck();
  expect(rollup()?.head).toBeNull();
  asked[1]?.answer(REFUSED);
  const before = rollup();
  genesisTime = 2n;
  expect(ended).toBe(0);
  await until(() => rollup() !== before);
  expect(rollup()?.head).toBeNull();
  await until(() => ended === 1);
});

it("keeps what it knew, and when, of a node that does not answer", async () => {
  await until(() => live.state.heardAt !== null);
  const { heardAt } = live.state;
  isDown = true;
  await until(() => live.state.fault !== null);
  expect(live.state).toMatchObject({ heardAt, fault: { code: "unreachable" } });
  expect(rollup()?.heard).not.toBeNull();
  isDown = false;
  await until(() => live.state.fault === null);
});
