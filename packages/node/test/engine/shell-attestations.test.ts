import { type Certificate, verifyCertificate } from "@mach/core";
import { describe, expect, it } from "vitest";
import {
  attest,
  blockAt,
  bls,
  certifiedIds,
  certify,
  claimAt,
  createEngineNode,
  type EngineNode,
  type EngineNodeOptions,
  forge,
  OPERATORS,
  operatorAt,
  operatorSetOf,
  ROLLUP_ID,
  signerOf,
  useVerifier,
} from "./engine-node.ts";

const verifier = useVerifier();
const WAIT = { timeout: 10_000 };

/** A node that knows the first sets and has seen block 1. */
function ready(options: Partial<EngineNodeOptions> = {}): EngineNode {
  const node = createEngineNode({ verifier: verifier(), ...options });
  node.learn(0n, 1n);
  node.block(1n);
  return node;
}

function counted(node: EngineNode): readonly string[] {
  return node.announced.flatMap((each) =>
    each.type === "report" && each.report.code === "attestation-counted"
      ? [each.report.attestation.operator]
      : [],
  );
}

/** Nothing is under way before the desk has let in what was received. */
async function expectCertified(node: EngineNode, signers: readonly number[]): Promise<void> {
  const { certificateId } = certify(claim, signers);
  await expect.poll(() => certifiedIds(node), WAIT).toEqual({ "1": certificateId });
}

const claim = claimAt(1n);
const stranger = attest(4, claim);
const foreign = attest(0, { ...claim, rollupId: 7n });
const stale = attest(0, { ...claimAt(1n), blockNumber: 0n });

describe("verdicts", () => {
  it.each([
    ["good", [attest(0, claim)], { accept: true }],
    ["forged", [forge(0, claim)], { accept: false, code: "bad-signature", blame: true }],
    ["by no operator", [stranger], { accept: false, code: "not-an-operator", blame: true }],
    ["of another rollup", [foreign], { accept: false, code: "unknown-rollup", blame: false }],
    [
      "of an epoch that is not its timestamp's",
      [attest(0, { ...claim, epoch: 1n })],
      { accept: false, code: "epoch-mismatch", blame: true },
    ],
    [
      "of a level that the rollup does not attest",
      [attest(0, { ...claim, verification: 2 })],
      { accept: false, code: "not-attested", blame: true },
    ],
    [
      "far above the newest block",
      [attest(0, claimAt(18n))],
      { accept: false, code: "too-far-ahead", blame: false },
    ],
    [
      "of an epoch without a set here",
      [attest(0, { ...claim, timestamp: 1_120n, epoch: 2n })],
      { accept: false, code: "unknown-operator-set", blame: false },
    ],
    [
      "good and foreign",
      [attest(0, claim), foreign],
      { accept: false, code: "unknown-rollup", blame: false },
    ],
    [
      "good and forged",
      [attest(0, claim), forge(1, claim)],
      { accept: false, code: "bad-signature", blame: true },
    ],
    ["none", [], { accept: false, code: "empty", blame: true }],
  ])("a message that is %s", async (_, message, verdict) => {
    expect(await ready().shell.receiveAttestations(message)).toEqual(verdict);
  });

  it("one below the open heights is stale, and one counted before is a duplicate", async () => {
    const node = ready();
    for (let number = 2n; number <= 16n; number += 1n) node.block(number);
    const old = await node.shell.receiveAttestations([stale]);
    expect(old).toEqual({ accept: false, code: "stale", blame: false });
    const again = attest(0, claimAt(16n));
    expect(await node.shell.receiveAttestations([again])).toEqual({ accept: true });
    const second = await node.shell.receiveAttestations([again]);
    expect(second).toEqual({ accept: false, code: "duplicate", blame: false });
  });

  it("what the verifier cannot check blames nobody and counts for nobody", async () => {
    const overloaded = async () => ({ ok: false, code: "overloaded" }) as const;
    const node = ready({ verifier: { verify: overloaded, verifySum: overloaded } });
    const verdict = await node.shell.receiveAttestations([attest(0, claim)]);
    expect(verdict).toEqual({ accept: false, code: "overloaded", blame: false });
    expect(counted(node)).toEqual([]);
  });
});

describe("a forged attestation", () => {
  it.each([
    ["before", [forge(0, claim), attest(0, claim)]],
    ["after", [attest(0, claim), forge(0, claim)]],
  ])("that comes %s the honest one does not keep it from counting", async (_, messages) => {
    const node = ready();
    const verdicts = await Promise.all(
      messages.map((each) => node.shell.receiveAttestations([each])),
    );
    expect(verdicts.map((each) => each.accept).sort()).toEqual([false, true]);
    expect(counted(node)).toEqual([operatorAt(0)]);
  });

  it("in every operator's name does not keep the certificate from standing", async () => {
    const node = ready();
    const messages = [0, 1, 2, 3].flatMap((i) => [forge(i, claim), attest(i, claim)]);
    await Promise.all(messages.map((each) => node.shell.receiveAttestations([each])));
    await node.shell.settle();
    expect(certifiedIds(node)).toEqual({ "1": certify(claim, [0, 1, 2, 3]).certificateId });
    expect([...counted(node)].sort()).toEqual(OPERATORS.slice(0, 4));
  });
});

it("forged attestations to made-up claims leave nothing in memory", async () => {
  const node = ready();
  for (let branch = 1; branch <= 20; branch++) {
    await node.shell.receiveAttestations([forge(branch % 4, claimAt(1n, branch))]);
  }
  const height = node.shell.state().rollups.get(ROLLUP_ID)?.heights.get(1n);
  expect(height?.pools.size).toBe(0);
});

describe("the sum path", () => {
  it("makes a certificate of what has arrived, before any of it is attributed", async () => {
    let answerAll = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      answerAll = resolve;
    });
    const real = verifier();
    const sums: number[] = [];
    const node = ready({
      verifier: {
        verify: async (attestation) => {
          await held;
          return await real.verify(attestation);
        },
        verifySum: (request) => {
          sums.push(request.signatures.length);
          return real.verifySum(request);
        },
      },
    });
    const received = [1, 2, 3].map((i) => node.shell.receiveAttestations([attest(i, claim)]));
    await expectCertified(node, [1, 2, 3]);
    expect(sums).toEqual([3]);
    expect(counted(node)).toEqual([]);
    answerAll();
    expect(await Promise.all(received)).toEqual([
      { accept: true },
      { accept: true },
      { accept: true },
    ]);
    const stored = await node.store.certificateAt(ROLLUP_ID, 1n);
    expect(stored && isValid(stored)).toBe(true);
  });

  it("takes the honest one where a forged one in its name was refused before", async () => {
    const real = verifier();
    let isHeld = false;
    const node = ready({
      verifier: {
        verify: (attestation) => (isHeld ? new Promise(() => undefined) : real.verify(attestation)),
        verifySum: (request) => real.verifySum(request),
      },
    });
    await node.shell.receiveAttestations([forge(1, claim)]);
    isHeld = true;
    for (const i of [1, 2, 3]) void node.shell.receiveAttestations([attest(i, claim)]);
    await expectCertified(node, [1, 2, 3]);
  });

  it("falls back to attribution where the sum is bad, and is not tried again", async () => {
    const real = verifier();
    let sums = 0;
    const node = ready({
      verifier: {
        verify: (attestation) => real.verify(attestation),
        verifySum: (request) => {
          sums += 1;
          return real.verifySum(request);
        },
      },
    });
    const messages = [forge(1, claim), attest(2, claim), attest(3, claim)];
    const verdicts = await Promise.all(
      messages.map((each) => node.shell.receiveAttestations([each])),
    );
    await node.shell.settle();
    expect(verdicts.map((each) => each.accept)).toEqual([false, true, true]);
    expect([sums, certifiedIds(node)]).toEqual([1, {}]);
    await node.shell.receiveAttestations([attest(0, claim)]);
    await node.shell.settle();
    expect(certifiedIds(node)).toEqual({ "1": certify(claim, [0, 2, 3]).certificateId });
    expect(sums).toBe(1);
  });
});

it("an input that comes in the middle of a step waits until the step's effects are done", async () => {
  const order: string[] = [];
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const node = ready({
    engine: { operator: operatorAt(3) },
    signer: {
      ...signerOf(3),
      async sign(request) {
        order.push(`sign ${request.claim.blockNumber}`);
        await gate;
        return await signerOf(3).sign(request);
      },
    },
    bls: {
      verifyAggregate: bls.verifyAggregate,
      aggregateSignatures: (signatures) => {
        order.push("sum");
        return bls.aggregateSignatures(signatures);
      },
    },
  });
  const { push } = node.announced;
  node.announced.push = (...items) => {
    const [item] = items;
    const isOwn = item?.type === "report" && item.report.code === "attestation-counted";
    if (isOwn && item.report.attestation.operator === operatorAt(3)) node.block(2n);
    return push.apply(node.announced, items);
  };
  for (const i of [1, 2]) await node.shell.receiveAttestations([attest(i, claimAt(1n))]);
  open();
  await node.shell.settle();
  expect(order.slice(0, 3)).toEqual(["sign 1", "sum", "sign 2"]);
});

describe("the node's own signer", () => {
  const engine = { operator: operatorAt(3) };

  it("signs each block once and its attestation is published and counted", async () => {
    const node = ready({ engine, signer: signerOf(3) });
    node.block(2n);
    await node.shell.settle();
    expect(node.attestations.map((each) => each.claim.blockNumber)).toEqual([1n, 2n]);
    expect(counted(node)).toEqual([operatorAt(3), operatorAt(3)]);
  });

  it("is handed what its rules are decided from: the headers, and what may release", async () => {
    const asked: unknown[] = [];
    const signer = signerOf(3);
    const node = ready({
      engine,
      signer: {
        ...signer,
        async sign(request) {
          const { verifiedHead, ancestry, release } = request;
          asked.push([verifiedHead, ancestry, release]);
          return await signer.sign(request);
        },
      },
    });
    node.block(2n);
    await node.shell.settle();
    expect(asked).toEqual([
      [1n, [], null],
      [2n, [blockAt(2n).headerRlp], null],
    ]);
  });

  it("signs nothing with a key that the set does not name, and says so", async () => {
    const node = ready({ engine, signer: signerOf(3, 4) });
    await node.shell.settle();
    for (const i of [1, 2]) await node.shell.receiveAttestations([attest(i, claim)]);
    await node.shell.settle();
    expect([node.attestations, certifiedIds(node)]).toEqual([[], {}]);
    const refused = node.announced.find((each) => each.type === "sign-refused");
    expect(refused).toMatchObject({ code: "key-not-in-set", claim: { blockNumber: 1n } });
  });

  it("is heard where it refuses", async () => {
    const sign = async () => ({ ok: false, code: "height-not-above-last" }) as const;
    const node = ready({ engine, signer: { ...signerOf(3), sign } });
    await node.shell.settle();
    const refused = node.announced.find((each) => each.type === "sign-refused");
    expect(refused).toMatchObject({ code: "height-not-above-last" });
    expect(node.fatal).toEqual([]);
  });

  it("is asked whether a block is still wanted, which a reorg ends", async () => {
    const wanted: boolean[] = [];
    const node = ready({
      engine,
      signer: {
        ...signerOf(3),
        async sign({ isStillWanted }) {
          await Promise.resolve();
          wanted.push(isStillWanted());
          return { ok: false, code: "no-longer-wanted" };
        },
      },
    });
    await node.shell.settle();
    node.block(2n);
    node.shell.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: 1n });
    await node.shell.settle();
    expect(wanted).toEqual([true, false]);
  });
});

function isValid(certificate: Certificate): boolean {
  const operatorSet = operatorSetOf(certificate.claim.epoch);
  return verifyCertificate(bls, certificate, { operatorSet, thresholdBps: 6667 }).ok;
}
