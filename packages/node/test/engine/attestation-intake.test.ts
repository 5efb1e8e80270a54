import type { BatchVerdict } from "@mach/bls";
import {
  admitAttestation,
  createEngineState,
  type EngineState,
  type Input,
  step,
  type WireAttestation,
} from "@mach/core";
import { describe, expect, it } from "vitest";
import {
  type AttestationIntake,
  createAttestationIntake,
} from "../../src/engine/attestation-intake.ts";
import { createSignatureDesk } from "../../src/engine/signature-desk.ts";
import {
  attest,
  blockAt,
  claimAt,
  ENGINE_OPTIONS,
  forge,
  operatorSetOf,
  PARAMETERS,
  ROLLUP_ID,
  useVerifier,
} from "./engine-node.ts";

const verifier = useVerifier();
const PEER = { peerId: "peer" };
const BOUND = { peerId: "bound", operator: `0x${"01".repeat(20)}` } as const;

interface Setup {
  readonly intake: AttestationIntake;
  readonly state: () => EngineState;
  readonly inputs: Input["type"][];
  /** How many signatures were checked. */
  readonly checks: () => number;
}

/** An intake before an engine that has seen block 1; the verifier is the real one, or held back. */
function create(held?: Promise<BatchVerdict>): Setup {
  let state = createEngineState(ENGINE_OPTIONS);
  let checks = 0;
  const inputs: Input["type"][] = [];
  const input = (each: Input): void => {
    inputs.push(each.type);
    ({ state } = step(state, each, 1));
  };
  input({ type: "set-known", operatorSet: operatorSetOf(0n), rollups: [PARAMETERS] });
  const block = blockAt(1n);
  input({ type: "block-verified", rollupId: ROLLUP_ID, block, observedAtMs: 1 });
  const desk = createSignatureDesk({
    verifier: {
      verify: (attestation) => {
        checks += 1;
        return held ?? verifier().verify(attestation);
      },
    },
    now: () => 1,
  });
  const intake = createAttestationIntake({
    desk,
    state: () => state,
    input,
  });
  return { intake, inputs, state: () => state, checks: () => checks };
}

const claims = Array.from({ length: 64 }, (_, i) => claimAt(BigInt((i % 16) + 1), i >> 4));
const good = (count: number): WireAttestation[] =>
  claims.slice(0, count).map((claim, i) => ({ ...attest(i % 4, claim) }));
const isCounted = ({ state }: Setup, each: WireAttestation): boolean => {
  const admission = admitAttestation(state(), each);
  return !admission.ok && admission.code === "duplicate";
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a message of several attestations", () => {
  const [one, two] = [attest(0, claimAt(1n)), attest(0, claimAt(2n))];
  const foreign = attest(0, { ...claimAt(1n), rollupId: 7n });
  const ignored = (code: string): unknown => ({ accept: false, code, blame: false });

  it("with one that cannot be checked here is not forwarded, and the others count", async () => {
    const setup = create();
    expect(await setup.intake.receive([foreign, one], PEER)).toEqual(ignored("unknown-rollup"));
    expect(isCounted(setup, one)).toBe(true);
  });

  it("is forwarded where one is new and the others are counted in the same bytes", async () => {
    const { intake } = create();
    expect(await intake.receive([one], PEER)).toEqual({ accept: true });
    expect(await intake.receive([one, two], PEER)).toEqual({ accept: true });
    expect(await intake.receive([two, one], PEER)).toEqual(ignored("duplicate"));
  });

  it("with other bytes for what is counted is not forwarded: they were never checked", async () => {
    const { intake, checks } = create();
    await intake.receive([one], PEER);
    const junk = { ...one, signature: new Uint8Array(192).fill(9) };
    expect(await intake.receive([junk, two], PEER)).toEqual(ignored("duplicate"));
    expect(checks()).toBe(2);
  });

  it("that is checked while another brings the same is not forwarded a second time", async () => {
    const { intake } = create();
    const both = await Promise.all([intake.receive([one], PEER), intake.receive([one], PEER)]);
    expect(both).toEqual([{ accept: true }, ignored("duplicate")]);
  });

  it("with one that is to blame by itself costs no signature check", async () => {
    const { intake, checks } = create();
    const stranger = attest(4, claimAt(1n));
    const verdict = await intake.receive([one, stranger], PEER);
    expect(verdict).toEqual({ accept: false, code: "not-an-operator", blame: true });
    expect(checks()).toBe(0);
  });

  it.each([
    ["four, from an operator's peer", BOUND, 4],
    ["one, from another", PEER, 1],
  ])("full of forgeries costs the check of its first %s", async (_, sender, count) => {
    const { intake, checks, inputs } = create();
    const forged = claims.map((claim) => forge(0, claim));
    const verdict = await intake.receive(forged, sender);
    expect(verdict).toEqual({ accept: false, code: "bad-signature", blame: true });
    expect(checks()).toBe(count);
    expect(inputs.filter((each) => each === "attestation-refused")).toHaveLength(count);
  });

  it("with the same one again and again costs one check, and proves its sender once", async () => {
    const { intake, checks, inputs } = create();
    expect(await intake.receive(Array(64).fill(one), PEER)).toEqual({ accept: true });
    expect(checks()).toBe(1);
    await intake.receive([two], PEER);
    expect(inputs).not.toContain("attestation-arrived");
    const forged = forge(0, claimAt(3n));
    expect(await intake.receive([forged, forged], PEER)).toMatchObject({ code: "bad-signature" });
    expect(checks()).toBe(3);
  });

  it("all of them good is checked whole", async () => {
    const { intake, checks } = create();
    expect(await intake.receive(good(16), PEER)).toEqual({ accept: true });
    expect(checks()).toBe(16);
  });
});

describe("the bound on one peer's signatures in the check", () => {
  it("is kept, and leaves others alone", async () => {
    let answer = (_verdict: BatchVerdict): void => undefined;
    const held = new Promise<BatchVerdict>((resolve) => {
      answer = resolve;
    });
    const { intake, checks } = create(held);
    const waiting = Array.from({ length: 64 }, () => intake.receive(good(4), BOUND));
    await turn();
    expect(checks()).toBe(256);
    const beyond = intake.receive(good(1), BOUND);
    const other = intake.receive(good(1), { peerId: "another" });
    await turn();
    expect(checks()).toBe(257);
    answer({ ok: false, code: "overloaded" });
    await Promise.all([...waiting, beyond, other]);
    expect(checks()).toBe(258);
  });
});

describe("an attestation that is still being checked", () => {
  it("completes a sum where its sender is an operator's peer, and of no other peer", async () => {
    const { intake, inputs } = create();
    await intake.receive([attest(0, claimAt(1n))], PEER);
    expect(inputs).not.toContain("attestation-arrived");
    await intake.receive([attest(1, claimAt(1n))], BOUND);
    expect(inputs).toContain("attestation-arrived");
  });

  it("completes none once its sender has brought a forged one, and counts all the same", async () => {
    const setup = create();
    const { intake, inputs } = setup;
    const again = { ...BOUND, peerId: "another peer of that operator" };
    await intake.receive([forge(0, claimAt(1n))], BOUND);
    const before = inputs.length;
    await intake.receive([attest(1, claimAt(1n))], again);
    expect(inputs.slice(before)).toEqual(["attestation-verified"]);
    expect(isCounted(setup, attest(1, claimAt(1n)))).toBe(true);
  });
});
