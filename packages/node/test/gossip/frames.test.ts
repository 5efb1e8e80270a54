import type { Stream } from "@libp2p/interface";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type FrameResult, readFrame } from "../../src/gossip/frames.ts";

/** What is read of a frame that comes in these pieces. */
async function read(pieces: readonly Uint8Array[], maxBytes = 64): Promise<FrameResult> {
  const stream = Object.assign(new EventTarget(), { readableEnded: false });
  const frame = readFrame(stream as unknown as Stream, { maxBytes, timeoutMs: 60_000 });
  for (const data of pieces) {
    stream.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
  stream.dispatchEvent(new Event("end"));
  return await frame;
}

function frameOf(body: Uint8Array): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

it("a frame is what it is, however it is cut", async () => {
  const cuts = fc.array(fc.nat({ max: 68 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), cuts, async (body, places) => {
      const frame = frameOf(body);
      const ends = [...places.map((each) => Math.min(each, frame.length)), frame.length];
      ends.sort((a, b) => a - b);
      const pieces = ends.map((end, i) => frame.subarray(ends[i - 1] ?? 0, end));
      expect(await read(pieces)).toEqual({ ok: true, bytes: new Uint8Array(body) });
    }),
    { numRuns: 200 },
  );
});

it("a frame has a code where it is too long, followed by more, or cut off", async () => {
  const frame = frameOf(new Uint8Array(64));
  const bytes = [...frame].map((byte) => Uint8Array.of(byte));
  expect(await read(bytes, 63)).toEqual({ ok: false, code: "oversized" });
  expect(await read([...bytes.slice(0, -1), Uint8Array.of(0, 0)])).toEqual({
    ok: false,
    code: "malformed",
  });
  expect(await read(bytes.slice(0, -1))).toEqual({ ok: false, code: "disconnected" });
  expect(await read(bytes.slice(0, 3))).toEqual({ ok: false, code: "disconnected" });
});
