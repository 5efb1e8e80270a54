import type { WireAttestation } from "@mach/core";
import { beforeEach, describe, expect, it } from "vitest";
import { createOutbox, type Outbox } from "../../src/gossip/outbox.ts";
import { attestationAt } from "./network.ts";

let sent: (readonly WireAttestation[])[];
let dropped: number;
const effects = {
  send: (group: readonly WireAttestation[]) => void sent.push(group),
  onDropped: () => {
    dropped += 1;
  },
};
beforeEach(() => {
  sent = [];
  dropped = 0;
});

function outboxOf(options: { maxQueued?: number; maxPerMessage?: number } = {}): Outbox {
  return createOutbox({ maxQueued: 100, maxPerMessage: 64, delayMs: 0, ...options }, effects);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const heights = (): bigint[][] => sent.map((group) => group.map((each) => each.claim.blockNumber));

describe("the outbox", () => {
  it("sends all of one turn together, also what is added between promises", async () => {
    const outbox = outboxOf();
    outbox.add(attestationAt(1n));
    await Promise.resolve();
    outbox.add(attestationAt(2n));
    expect(sent).toEqual([]);
    await turn();
    outbox.add(attestationAt(3n));
    await turn();
    expect(heights()).toEqual([[1n, 2n], [3n]]);
  });

  it("makes a message per operator and signature length, none longer than allowed", async () => {
    const outbox = outboxOf({ maxPerMessage: 2 });
    const compressed = { ...attestationAt(9n), signature: new Uint8Array(96) };
    outbox.add(attestationAt(1n));
    outbox.add(compressed);
    outbox.add(attestationAt(2n, `0x${"b2".repeat(20)}`));
    outbox.add(attestationAt(3n));
    outbox.add(attestationAt(4n));
    await turn();
    expect(heights()).toEqual([[1n, 3n], [9n], [2n], [4n]]);
  });

  it("drops the oldest when too many wait, and says so", async () => {
    const outbox = outboxOf({ maxQueued: 2 });
    for (const height of [1n, 2n, 3n, 4n]) outbox.add(attestationAt(height));
    await turn();
    expect(heights()).toEqual([[3n, 4n]]);
    expect(dropped).toBe(2);
  });

  it("sends nothing after it was closed", async () => {
    const outbox = outboxOf();
    outbox.add(attestationAt(1n));
    outbox.close();
    await turn();
    expect(sent).toEqual([]);
  });
});
