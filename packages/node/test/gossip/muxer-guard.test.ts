import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { guardMuxer } from "../../src/gossip/muxer-guard.ts";
import { DOMAIN, TestNetwork, type TestNode, until } from "./network.ts";
import { type Outsider, startOutsider } from "./outsider.ts";
import { muxerOf, SYN, yamuxHeader } from "./yamux-frames.ts";

let network: TestNetwork;
let victim: TestNode;
let outsider: Outsider;
beforeEach(async () => {
  network = new TestNetwork();
  victim = await network.add({ limits: { strikeLimit: 3 } });
  outsider = await startOutsider({ domain: DOMAIN });
});
afterEach(async () => {
  await outsider.stop();
  await network.close();
});

const address = (): string => victim.gossip.addresses()[0] ?? "";
const countOf = (code: string): number => victim.gossip.stats().total[code] ?? 0;

async function expectHungUp(code: string): Promise<void> {
  await until(() => countOf(code) === 1);
  await until(() => outsider.libp2p.getConnections().length === 0);
  expect(victim.gossip.stats().peers[outsider.peerId]).toMatchObject({ [code]: 1, strike: 1 });
}

describe("a peer is hung up on, with a strike", () => {
  it("for a frame that says it is longer than any window, before it is there", async () => {
    const { maConn } = muxerOf(await outsider.connect(address()));
    maConn.send(yamuxHeader({ type: 0, flags: SYN, stream: 101, length: 0xff_ff_ff_ff }));
    await expectHungUp("oversized-mux-frame");
  });

  it("for what is no frame at all", async () => {
    const { maConn } = muxerOf(await outsider.connect(address()));
    maConn.send(new Uint8Array(64).fill(7));
    await expectHungUp("malformed-mux-frame");
  });

  it("for streams that it opens and resets without end", async () => {
    const { maConn } = muxerOf(await outsider.connect(address()));
    const reset = 8;
    for (let stream = 1_001; stream < 3_001; stream += 2) {
      maConn.send(yamuxHeader({ type: 1, flags: SYN, stream, length: 0 }));
      maConn.send(yamuxHeader({ type: 1, flags: reset, stream, length: 0 }));
    }
    await expectHungUp("too-many-streams");
  });

  it("for small frames without end", async () => {
    const { maConn } = muxerOf(await outsider.connect(address()));
    const update = yamuxHeader({ type: 1, flags: 0, stream: 9_999, length: 0 });
    const many = Buffer.concat(Array.from({ length: 5_000 }, () => update));
    for (let i = 0; i < 40 && maConn.status === "open"; i++) maConn.send(many);
    await expectHungUp("too-much-traffic");
  });
});

it("another yamux than the one that is known is refused", () => {
  const options = { now: Date.now, onTrouble: () => undefined };
  expect(() => guardMuxer({ decoder: {} }, {}, options)).toThrow(
    expect.objectContaining({ code: "unsupported-yamux" }),
  );
});

/** A muxer of the known shape that does this with what it receives. */
function guarded(onData: () => void) {
  const troubles: string[] = [];
  const buffer = { byteLength: 0, get: () => 0, getUint32: () => 0 };
  const none = (): void => undefined;
  const muxer = {
    decoder: { buffer, readFrame: none },
    ...{ onData: (_: { byteLength: number }) => onData(), handleFrame: none, incomingStream: none },
  };
  const encrypted = { stream: {} };
  guardMuxer(muxer, encrypted, { now: () => 0, onTrouble: (_, code) => troubles.push(code) });
  return { troubles, receive: (byteLength: number) => muxer.onData({ byteLength }) };
}

it.each([
  ["StreamStateError", []],
  ["UnRequestedPingError", []],
  ["InvalidFrameError", ["malformed-mux-frame"]],
  ["ReceiveWindowExceededError", ["malformed-mux-frame"]],
])("for a %s of the muxer a peer is blamed with %j", (name, expected) => {
  const error = Object.assign(new Error("ended"), { name });
  const { troubles, receive } = guarded(() => {
    throw error;
  });
  // The muxer ends the connection in any case.
  expect(() => receive(12)).toThrow(error);
  expect(troubles).toEqual(expected);
});

it("bytes that come one by one are within the bound on frames", () => {
  const { troubles, receive } = guarded(() => undefined);
  for (let i = 0; i < 100_000; i++) receive(1);
  expect(() => receive(1)).toThrow("too-much-traffic");
  expect(troubles).toEqual(["too-much-traffic"]);
});
