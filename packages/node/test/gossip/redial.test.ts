import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRedial, type Redial } from "../../src/gossip/redial.ts";

let dials: number[];
let connected: Set<string>;
let answer: () => Promise<string>;
let redial: Redial;
let yieldMs: number;
beforeEach(() => {
  yieldMs = 0;
  vi.useFakeTimers({ now: 0 });
  dials = [];
  connected = new Set();
  answer = () => Promise.reject(new Error("refused"));
});
afterEach(() => {
  redial.stop();
  vi.useRealTimers();
});

function redialOf(peerId: string | undefined): Redial {
  redial = createRedial(
    [{ address: "/ip4/127.0.0.1/tcp/1", peerId }],
    { minMs: 1_000, maxMs: 15_000 },
    {
      self: "self",
      yieldMs: () => yieldMs,
      isConnected: (each) => connected.has(each),
      dial: () => {
        dials.push(Date.now());
        return answer();
      },
      onFailed: () => {},
    },
  );
  redial.start();
  return redial;
}

describe("redialling", () => {
  it("pauses for 1, 2, 4, 8 and then 15 seconds, for ever", async () => {
    redialOf("boot");
    await vi.advanceTimersByTimeAsync(46_000);
    expect(dials).toEqual([0, 1_000, 3_000, 7_000, 15_000, 30_000, 45_000]);
  });

  it("waits longer each time where the other side is the one to dial first", async () => {
    yieldMs = 300;
    redialOf("boot");
    await vi.advanceTimersByTimeAsync(4_000);
    expect(dials).toEqual([300, 1_600, 3_900]);
  });

  it("stays with a connected peer, and dials a second after it has left", async () => {
    answer = async () => {
      connected.add("boot");
      return "boot";
    };
    const running = redialOf("boot");
    await vi.advanceTimersByTimeAsync(40_000);
    running.onReady("boot");
    expect(dials).toEqual([0]);
    connected.delete("boot");
    running.onDisconnected("boot");
    await vi.advanceTimersByTimeAsync(1_500);
    expect(dials).toEqual([0, 41_000]);
  });

  it("backs off from a peer that connects and leaves before the hello", async () => {
    answer = async () => "boot";
    const running = redialOf("boot");
    for (let i = 0; i < 4; i++) {
      await vi.advanceTimersByTimeAsync(i === 0 ? 0 : 1_000 * 2 ** (i - 1));
      running.onDisconnected("boot");
    }
    expect(dials).toEqual([0, 1_000, 3_000, 7_000]);
  });

  it("never dials itself twice, and learns the peer id of an address without one", async () => {
    answer = async () => "self";
    redialOf(undefined);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(dials).toEqual([0]);
    redial.stop();
    redialOf("self");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(dials).toHaveLength(1);
  });
});
