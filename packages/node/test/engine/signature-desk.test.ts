import type { Attestation, BatchVerdict } from "@mach/bls";
import { type Hex, ZERO_HASH } from "@mach/core";
import { describe, expect, it } from "vitest";
import type { Sender } from "../../src/engine/sender-standing.ts";
import { createSignatureDesk, type SignatureDesk } from "../../src/engine/signature-desk.ts";

const STRANGER: Sender = { peerId: "stranger" };
const BOUND: Sender = { peerId: "bound", operator: `0x${"01".repeat(20)}` };
const publicKey: Hex = `0x${"11".repeat(48)}`;
const GOOD = new Uint8Array(96);
const BAD = new Uint8Array(96).fill(1);

/** A desk before a verifier that knows bad signatures by their first byte. */
function create() {
  const clock = { now: 1_000_000 };
  const asked: Attestation[] = [];
  const desk = createSignatureDesk({
    verifier: {
      async verify(attestation): Promise<BatchVerdict> {
        asked.push(attestation);
        return attestation.signature[0] === 1
          ? { ok: false, code: "bad-signature" }
          : ({ ok: true, signature: GOOD } as unknown as BatchVerdict);
      },
    },
    now: () => clock.now,
  });
  return { desk, asked, clock };
}

async function send(desk: SignatureDesk, sender: Sender, signature: Uint8Array): Promise<void> {
  await desk.verify(sender, { message: ZERO_HASH, publicKey, signature });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Checks of one signature each that do not end before they are told to. */
function holdChecks(desk: SignatureDesk, sender: Sender, count: number) {
  let begun = 0;
  let end = (): void => undefined;
  const held = new Promise<boolean>((resolve) => {
    end = () => resolve(true);
  });
  const check = (): Promise<boolean> => {
    begun += 1;
    return held;
  };
  const all = Array.from({ length: count }, () => desk.withRoom(sender, { count: 1, check }));
  return {
    begun: () => begun,
    async end(): Promise<readonly (boolean | null)[]> {
      end();
      return await Promise.all(all);
    },
  };
}

async function roomOf(desk: SignatureDesk, sender: Sender): Promise<number> {
  const checks = holdChecks(desk, sender, 300);
  await turn();
  const room = checks.begun();
  await checks.end();
  return room;
}

describe("the signature desk", () => {
  it("trusts an operator's peer, and another after eight good signatures", async () => {
    const { desk } = create();
    expect([desk.isTrusted(BOUND), desk.isTrusted(STRANGER)]).toEqual([true, false]);
    for (let i = 0; i < 8; i++) await send(desk, STRANGER, GOOD);
    expect(desk.isTrusted(STRANGER)).toBe(true);
  });

  it("gives a peer room by what is known of it", async () => {
    const { desk } = create();
    expect(await roomOf(desk, BOUND)).toBe(256);
    expect(await roomOf(desk, STRANGER)).toBe(16);
    for (let i = 0; i < 8; i++) await send(desk, STRANGER, GOOD);
    expect(await roomOf(desk, STRANGER)).toBe(128);
    await send(desk, STRANGER, BAD);
    expect(await roomOf(desk, STRANGER)).toBe(4);
  });

  it("has what finds no room wait, each for its own sender only, and refuses far too much", async () => {
    const { desk } = create();
    const checks = holdChecks(desk, STRANGER, 300);
    await turn();
    expect(checks.begun()).toBe(16);
    const other = holdChecks(desk, { peerId: "another" }, 1);
    await turn();
    expect(other.begun()).toBe(1);
    const ended = await checks.end();
    expect(checks.begun()).toBe(16 + 256);
    expect(ended.filter((each) => each === null)).toHaveLength(300 - 16 - 256);
    await other.end();
  });

  it("lets a check of more than there is room for go alone", async () => {
    const { desk } = create();
    const first = holdChecks(desk, STRANGER, 1);
    const large = desk.withRoom(STRANGER, { count: 64, check: async () => "done" });
    await turn();
    await first.end();
    expect(await large).toBe("done");
  });

  it("doubts every peer of an operator one of whose peers brought a bad signature", async () => {
    const { desk, clock } = create();
    await send(desk, BOUND, BAD);
    const again: Sender = { ...BOUND, peerId: "again" };
    expect([desk.isTrusted(BOUND), desk.isTrusted(again)]).toEqual([false, false]);
    for (let i = 0; i < 20; i++) await send(desk, again, GOOD);
    expect(desk.isTrusted(again)).toBe(false);
    clock.now += 600_001;
    expect(desk.isTrusted(again)).toBe(true);
  });

  it("checks nothing more of a peer after ten bad ones, not even what waited", async () => {
    const { desk, asked } = create();
    const message = { message: ZERO_HASH, publicKey, signature: BAD };
    const checks = Array.from({ length: 64 }, () =>
      desk.withRoom(STRANGER, { count: 1, check: () => desk.verify(STRANGER, message) }),
    );
    const verdicts = await Promise.all(checks);
    expect(asked.length).toBeLessThanOrEqual(16 + 4);
    expect(verdicts.filter((each) => each === null)).toHaveLength(64 - asked.length);
    expect(await roomOf(desk, { ...BOUND, peerId: "bound to another" })).toBe(256);
  });

  it("leaves the others' standing alone", async () => {
    const { desk } = create();
    await send(desk, STRANGER, BAD);
    expect(desk.isTrusted(BOUND)).toBe(true);
    expect(await roomOf(desk, { peerId: "another" })).toBe(16);
  });

  it("has what a sender had waiting checked last once its first bad one is found", async () => {
    const { desk, asked } = create();
    await send(desk, BOUND, GOOD);
    const [waiting] = asked;
    expect(waiting?.isDoubtful?.()).toBe(false);
    await send(desk, BOUND, BAD);
    expect(waiting?.isDoubtful?.()).toBe(true);
  });

  it("lets all that are not trusted hold up the main thread for a part of the time", async () => {
    const { desk, clock } = create();
    const strangers = Array.from({ length: 200 }, (_, i): Sender => ({ peerId: `${i}` }));
    const held = strangers.filter((each) => desk.mayHoldUp(each, 1));
    expect(held).toHaveLength(128);
    expect(desk.mayHoldUp(BOUND, 100)).toBe(true);
    clock.now += 1_000;
    expect(strangers.filter((each) => desk.mayHoldUp(each, 1))).toHaveLength(64);
    desk.onBad(BOUND);
    expect(desk.mayHoldUp(BOUND, 1)).toBe(false);
  });

  it("takes nothing of that time for what it refuses", () => {
    const { desk } = create();
    expect(desk.mayHoldUp(STRANGER, 66)).toBe(true);
    expect(desk.mayHoldUp(STRANGER, 66)).toBe(false);
    expect(desk.mayHoldUp({ peerId: "other" }, 2)).toBe(true);
  });
});
