import { describe, expect, it } from "vitest";
import {
  certificate,
  headers,
  proofOf,
  realBlock,
  serveTransaction,
  transactionHashes,
} from "../../../sdk/test/proven-transactions.ts";
import type { ReplayedNode } from "../../../sdk/test/replayed-node.ts";
import {
  blockStatus,
  certify,
  chainTo,
  claimOf,
  finalityStatus,
  forge,
  NOW,
  ROLLUP,
} from "../../../sdk/test/signed-network.ts";
import {
  blockAt,
  CERTIFICATE,
  CERTIFIED,
  CHAIN,
  openPage,
  startNodes,
  TRUSTING,
  urlsOf,
} from "./page-of-badges.ts";

/** Tests share their machine with others. */
const PATIENT = { timeout: 15_000, interval: 20 };
const FINALITY = `/v1/rollups/${ROLLUP}/finality`;
/** By the signatures of operators that compared headers, as if they had executed. */
const RAISED = {
  ...certify(claimOf(CERTIFIED, { verification: 2 })),
  signature: CERTIFICATE.signature,
};
const CONTRADICTED = { ...blockStatus(CERTIFIED, CERTIFICATE), status: "contradicted" };

describe("a badge that checks", () => {
  it("goes from observed to fast-final when the certificate is pushed", async () => {
    const [node] = await startNodes(1);
    node?.putChain(CHAIN, null);
    const badge = openPage().ask({ endpoints: node?.url, height: "10", ...TRUSTING });
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("observed");
    await expect.poll(() => node?.streams(), PATIENT).toBe(1);
    node?.putChain(CHAIN, CERTIFICATE);
    node?.pushFinality();
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
    expect(badge.now()).toMatchObject({
      isVerified: true,
      code: null,
      block: { blockNumber: 10n, blockHash: CERTIFIED.blockHash },
      rule: { signedWeight: 70n, totalWeight: 100n, thresholdBps: 6667, verification: 1 },
      certificate: { certificateId: CERTIFICATE.certificateId },
    });
  });

  it("takes the proof of one endpoint where the others are silent", async () => {
    const nodes = await startNodes(3);
    nodes[1]?.hang();
    await nodes[2]?.stop();
    const badge = openPage().ask({ endpoints: urlsOf(nodes), height: "10", ...TRUSTING });
    await expect.poll(() => badge.now()?.isVerified, PATIENT).toBe(true);
  });

  it("shows no tampered certificate, but says that it does not hold", async () => {
    const [node] = await startNodes(1);
    node?.putChain(CHAIN, { ...CERTIFICATE, ...forge(CERTIFICATE) });
    const badge = openPage().ask({ endpoints: node?.url, height: "10", ...TRUSTING });
    await expect.poll(() => badge.now()?.code, PATIENT).toBe("bad-signature");
    expect(badge.now()).toMatchObject({ state: "unknown", isVerified: false });
    expect(statesOf(badge)).not.toContain("fast-final");
  });

  it.each([
    ["under the certificate's own id", "malformed", CERTIFICATE.certificateId],
    ["under an id of its own", "bad-signature", RAISED.certificateId],
  ])("shows no level that operators did not sign, %s", async (_, code, certificateId) => {
    const [node] = await startNodes(1);
    node?.putChain(CHAIN, { ...RAISED, certificateId });
    const ask = { endpoints: node?.url, height: "10", ...TRUSTING, "min-verification": "2" };
    const badge = openPage().ask(ask);
    await expect.poll(() => badge.now()?.code, PATIENT).toBe(code);
    expect(badge.now()).toMatchObject({ state: "unknown", isVerified: false });
    expect(statesOf(badge)).not.toContain("fast-final");
  });

  it("says of a certificate whose set's time is over that it is too late, forged or not", async () => {
    const [node, forger] = await startNodes(2);
    forger?.putChain(CHAIN, { ...CERTIFICATE, ...forge(CERTIFICATE) });
    const page = openPage();
    page.skip(120_000);
    for (const endpoints of [node?.url, forger?.url]) {
      const badge = page.ask({ endpoints, height: "10", ...TRUSTING });
      await expect.poll(() => badge.now()?.code, PATIENT).toBe("stale-set");
      expect(badge.now()).toMatchObject({ state: "unknown", isVerified: false });
      expect(statesOf(badge)).not.toContain("fast-final");
    }
  });

  it("waits where operators checked less, or less has signed, than is asked for", async () => {
    const [node] = await startNodes(1);
    const page = openPage();
    const ask = { endpoints: node?.url ?? "", height: "10", ...TRUSTING };
    const executed = page.ask({ ...ask, "min-verification": "2" });
    const heavier = page.ask({ ...ask, "min-weight-bps": "7001" });
    const most = page.ask({ ...ask, "min-signed-weight": "71" });
    const least = page.ask({ ...ask, "min-weight-bps": "7000", "min-signed-weight": "70" });
    await expect.poll(() => executed.now()?.code, PATIENT).toBe("below-min-verification");
    await expect.poll(() => heavier.now()?.code, PATIENT).toBe("below-min-weight");
    await expect.poll(() => most.now()?.code, PATIENT).toBe("below-min-signed-weight");
    for (const badge of [executed, heavier, most]) {
      expect(badge.now()).toMatchObject({ state: "not-yet", rule: { signedWeight: 70n } });
      expect(statesOf(badge)).not.toContain("fast-final");
    }
    await expect.poll(() => least.now()?.state, PATIENT).toBe("fast-final");
  });

  it("never falls back to the endpoints' word where it cannot check", async () => {
    const [node] = await startNodes(1);
    const page = openPage({
      loadVerifier: () => Promise.reject(new TypeError("refused by the page")),
    });
    const badge = page.ask({ endpoints: node?.url, height: "10", ...TRUSTING });
    await expect.poll(() => badge.now()?.code, PATIENT).toBe("verifier-unavailable");
    expect(badge.now()?.state).toBe("unknown");
    const network = TRUSTING.network.replace(/"epochSeconds":"\d+"/, '"epochSeconds":"1"');
    const wrong = openPage().ask({ endpoints: node?.url, height: "10", ...TRUSTING, network });
    await expect.poll(() => wrong.now()?.code, PATIENT).toBe("wrong-epoch");
    expect([...statesOf(badge), ...statesOf(wrong)]).not.toContain("fast-final");
  });

  it("asks again by itself for a proof that is still being made", async () => {
    const [node] = await startNodes(1);
    const hash = transactionHashes[20] ?? "0x";
    if (node !== undefined) serveTransaction(node, hash, { proofGap: "unavailable" });
    // By a clock that stands still nothing is ever due.
    const clock = { now: () => ({ steadyMs: 0, wallMs: NOW }) };
    const ask = { endpoints: node?.url, transaction: hash, ...TRUSTING };
    const badge = openPage({ clock }).ask(ask);
    await expect.poll(() => badge.now()?.code, PATIENT).toBe("unavailable");
    expect(badge.now()?.state).toBe("not-yet");
    if (node !== undefined) serveTransaction(node, hash, { proof: proofOf(20) });
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
  });

  it("turns to contradicted by one endpoint of three that proves another block", async () => {
    const nodes = await startNodes(3);
    const page = openPage();
    const badge = page.ask({ endpoints: urlsOf(nodes), block: CERTIFIED.blockHash, ...TRUSTING });
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
    const fork = chainTo(12, 9);
    nodes[2]?.putChain(fork, certify(claimOf(blockAt(fork, 10))));
    page.wake();
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("contradicted");
    expect(badge.now()?.code).toBe("conflicting-certificates");
  });

  it("knows by its receipt what a transaction did, and then asks for its block alone", async () => {
    const [node] = await startNodes(1);
    const hash = transactionHashes[20] ?? "0x";
    if (node !== undefined) serveTransaction(node, hash, { proof: proofOf(20) });
    const page = openPage();
    const ask = { endpoints: node?.url ?? "", transaction: hash, ...TRUSTING };
    const badge = page.ask(ask);
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
    expect(badge.now()).toMatchObject({
      isSuccess: true,
      isVerified: true,
      block: { blockHash: realBlock.blockHash },
      certificate: { certificateId: certificate.certificateId },
    });
    const byHeight = `/v1/rollups/${ROLLUP}/blocks/${realBlock.blockNumber}`;
    node?.put(byHeight, blockStatus(realBlock, certificate, headers));
    const asked = node?.asked.length ?? 0;
    const before = badge.now()?.confirmedAtMs ?? 0;
    page.skip(15_000);
    page.wake();
    await expect.poll(() => badge.now()?.confirmedAtMs ?? 0, PATIENT).toBeGreaterThan(before);
    expect(badge.now()).toMatchObject({ isSuccess: true, state: "fast-final" });
    const later = node?.asked.slice(asked).filter((path) => !path.includes("/finality"));
    expect(new Set(later)).toEqual(new Set([byHeight]));
  });
});

describe("a badge that only repeats", () => {
  it("says fast-final when more than half of the endpoints do, and that it checked nothing", async () => {
    const nodes = await startNodes(3);
    await nodes[2]?.stop();
    const badge = openPage().ask({ endpoints: urlsOf(nodes), block: CERTIFIED.blockHash });
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
    expect(badge.now()).toMatchObject({ isVerified: false, voices: 2, isSuccess: null });
  });

  it("is not moved by one liar among three", async () => {
    const nodes = await startNodes(3);
    for (const node of nodes.slice(1)) node.putChain(CHAIN, null);
    const page = openPage();
    const promised = page.ask({ endpoints: urlsOf(nodes), height: "10" });
    await expect.poll(() => promised.now()?.endpoints.length, PATIENT).toBe(3);
    expect(promised.now()).toMatchObject({ state: "observed", code: "no-agreement" });
    expect(statesOf(promised)).not.toContain("fast-final");

    const honest = await startNodes(3);
    honest[0]?.put(`/v1/rollups/${ROLLUP}/blocks/10`, CONTRADICTED);
    const denied = page.ask({ endpoints: urlsOf(honest), height: "10" });
    await expect.poll(() => denied.now()?.endpoints.length, PATIENT).toBe(3);
    expect(denied.now()).toMatchObject({ state: "fast-final", voices: 2 });
  });

  it("names no block where endpoints name different ones", async () => {
    const nodes = await startNodes(2);
    const other = chainTo(12, 9);
    nodes[1]?.putChain(other, certify(claimOf(blockAt(other, 10))));
    const badge = openPage().ask({ endpoints: urlsOf(nodes), height: "10" });
    await expect.poll(() => badge.now()?.code, PATIENT).toBe("no-agreement");
    expect(statesOf(badge)).not.toContain("fast-final");
  });
});

describe.each([
  ["that checks", TRUSTING],
  ["that only repeats", {}],
] as const)("a badge %s", (_, trust) => {
  it("turns to contradicted, and stays so whatever is said later", async () => {
    const [node] = await startNodes(1);
    const page = openPage();
    const badge = page.ask({ endpoints: node?.url, height: "10", ...trust });
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
    await expect.poll(() => node?.streams(), PATIENT).toBe(1);
    for (const name of [CERTIFIED.blockHash, "10"]) {
      node?.put(`/v1/rollups/${ROLLUP}/blocks/${name}`, CONTRADICTED);
    }
    const unknown = { presentWeight: null, requiredWeight: null, abstention: null };
    const reason = { code: "contradicted", blockNumber: "10", ...unknown };
    node?.put(FINALITY, { ...finalityStatus(CERTIFICATE, 12n), reason });
    node?.pushFinality();
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("contradicted");
    node?.putChain(CHAIN, CERTIFICATE);
    const looked = badge.shown.length;
    page.wake();
    // Once by the clock, and once by the answer.
    await expect.poll(() => badge.shown.length, PATIENT).toBeGreaterThan(looked + 1);
    expect(badge.now()).toMatchObject({ state: "contradicted", code: "reported-contradiction" });
  });

  it("goes stale by its own clock, and is fast-final again when it is confirmed", async () => {
    const [node] = await startNodes(1);
    const page = openPage();
    const badge = page.ask({ endpoints: node?.url, height: "10", ...trust });
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
    node?.cut();
    page.skip(29_000);
    page.wake();
    expect(badge.now()?.state).toBe("fast-final");
    await expect.poll(() => badge.now()?.confirmedAtMs, PATIENT).toBeGreaterThan(0);
    page.skip(31_000);
    page.wake();
    expect(badge.now()).toMatchObject({
      state: "stale",
      code: "stale",
      knownState: "fast-final",
      isVerified: false,
      block: { blockNumber: 10n },
    });
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
  });

  it("says that its endpoints keep nothing as old, and not that it may come", async () => {
    const [node] = await startNodes(1);
    const nothing = { blockNumber: null, presentWeight: null, requiredWeight: null };
    const reason = { ...nothing, code: "pruned", abstention: null };
    const gone = { ...blockStatus(CERTIFIED, null), status: "unknown", block: null, reason };
    node?.put(`/v1/rollups/${ROLLUP}/blocks/10`, gone);
    const badge = openPage().ask({ endpoints: node?.url, height: "10", ...trust });
    await expect.poll(() => badge.now()?.code, PATIENT).toBe("pruned");
    expect(badge.now()).toMatchObject({ state: "unknown", certificate: null });
  });

  it("is unreachable where nobody answers, or only rubbish", async () => {
    const [down, rubbish] = await startNodes(2);
    await down?.stop();
    rubbish?.putRaw(`/v1/rollups/${ROLLUP}/blocks/10`, { data: { status: "fast-final" } });
    rubbish?.putRaw(FINALITY, [1, 2, 3]);
    const page = openPage();
    const first = page.ask({ endpoints: down?.url, height: "10", ...trust });
    const second = page.ask({ endpoints: rubbish?.url, height: "10", ...trust });
    await expect.poll(() => first.now()?.code, PATIENT).toBe("unreachable");
    await expect.poll(() => second.now()?.code, PATIENT).toBe("bad-answer");
    expect([first.now()?.state, second.now()?.state]).toEqual(["unreachable", "unreachable"]);
    expect([...statesOf(first), ...statesOf(second)]).not.toContain("fast-final");
  });
});

describe("badges of one page", () => {
  it("share one stream and one answer, and leave nothing behind", async () => {
    const [node] = await startNodes(1);
    const page = openPage();
    const endpoints = node?.url ?? "";
    const badges = ["10", "10", "9", "8"].map((height) => page.ask({ endpoints, height }));
    for (const badge of badges) {
      await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
    }
    expect(reads(node, "/blocks/10")).toBe(1);
    await expect.poll(() => node?.streams(), PATIENT).toBe(1);
    expect(reads(node, "/v1/events")).toBe(1);
    expect(reads(node, "/v1/batch")).toBe(1);
    for (const badge of badges) badge.leave();
    await expect.poll(() => node?.streams(), PATIENT).toBe(0);
  });

  it("wait for answers where no stream opens", async () => {
    const [node] = await startNodes(1);
    node?.refuseStreams();
    node?.putChain(CHAIN, certify(claimOf(blockAt(CHAIN, 8))));
    const badge = openPage().ask({ endpoints: node?.url, height: "10", ...TRUSTING });
    const held = `${FINALITY}?minBlockNumber=9&wait=20`;
    await expect.poll(() => node?.asked, PATIENT).toContain(held);
    node?.putChain(CHAIN, CERTIFICATE);
    node?.put(held, finalityStatus(CERTIFICATE, 12n));
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
  });

  it("keep no connection while nobody sees them", async () => {
    const [node] = await startNodes(1);
    let isHidden = false;
    const page = openPage({ isHidden: () => isHidden });
    page.ask({ endpoints: node?.url, height: "10" });
    await expect.poll(() => node?.streams(), PATIENT).toBe(1);
    isHidden = true;
    page.wake();
    await expect.poll(() => node?.streams(), PATIENT).toBe(0);
    isHidden = false;
    page.wake();
    await expect.poll(() => node?.streams(), PATIENT).toBe(1);
  });

  it("ask nothing while nobody sees them", async () => {
    const [node] = await startNodes(1);
    let isHidden = false;
    const page = openPage({ isHidden: () => isHidden });
    const badge = page.ask({ endpoints: node?.url, height: "10" });
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
    isHidden = true;
    const asked = reads(node, "/blocks/");
    page.skip(3_600_000);
    page.wake();
    expect(reads(node, "/blocks/")).toBe(asked);
    isHidden = false;
    page.wake();
    expect(badge.now()?.state).toBe("stale");
    await expect.poll(() => badge.now()?.state, PATIENT).toBe("fast-final");
  });
});

function statesOf(badge: { readonly shown: readonly { readonly state: string }[] }): string[] {
  return badge.shown.map(({ state }) => state);
}

function reads(node: ReplayedNode | undefined, part: string): number {
  return node?.asked.filter((path) => path.includes(part)).length ?? 0;
}
