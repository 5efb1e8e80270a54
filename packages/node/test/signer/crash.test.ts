import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createSigner } from "../../src/signer/local-signer.ts";
import {
  initialisedPath,
  type Message,
  releasedAndRecorded,
  runCommand,
  signingCommand,
} from "./signing-run.ts";
import { claimAt, createTestKey, hashOf, NO_BLS, NOW_MS, requestFor } from "./test-claims.ts";
import { lockedFolder, recordIn } from "./test-folders.ts";

const KILLS = process.env["MACH_LONG"] === "1" ? 500 : 6;

test.each([
  ["before-record", { recorded: 2n, released: 2 }],
  ["in-record", { recorded: 2n, released: 2 }],
  ["after-record", { recorded: 3n, released: 2 }],
  ["after-signing", { recorded: 3n, released: 2 }],
  ["after-release", { recorded: 3n, released: 3 }],
])(
  "a process that dies %s leaves a record that covers what it released",
  async (boundary, left) => {
    const path = await initialisedPath();
    const run = runCommand(signingCommand(path, boundary, "3"));
    expect(await run.ended).toBe("SIGKILL");
    const released = run.messages.filter((message) => message.type === "released");
    expect(released).toHaveLength(left.released);

    const protection = await recordIn(await lockedFolder(path));
    const key = createTestKey();
    const signer = createSigner(
      {
        protection,
        key,
        bls: NO_BLS,
        onFatal: (error) => expect.fail(String(error)),
        now: () => NOW_MS,
      },
      { maxAheadBlocks: 0n, maxQueued: 10 },
    );
    const last = await signer.lastSigned(901n);
    expect(last?.claim.blockNumber).toBe(left.recorded);
    for (const { height, blockHash } of released) {
      expect((await signer.signedAt(901n, BigInt(height)))?.claim.blockHash).toBe(blockHash);
    }
    const fork = claimAt(left.recorded, { blockHash: hashOf("another fork") });
    expect(await signer.sign(requestFor(fork))).toMatchObject({ code: "height-not-above-last" });
    const again = await signer.sign(requestFor(last?.claim ?? fork));
    expect(again).toMatchObject({ ok: true, signed: { claim: last?.claim } });
    await signer.stop();
  },
);

test(`${KILLS} kills at any moment: never two claims at a height, none lost, none refused`, {
  timeout: 30_000 + KILLS * 10_000,
}, async () => {
  const path = await initialisedPath();
  const released = new Map<string, Message>();
  let highest = 0n;
  for (let kill = 0; kill < KILLS; kill++) {
    const run = runCommand(signingCommand(path));
    await run.started;
    // The moment of the kill is the one thing here that has to be left to chance.
    await sleep(Math.random() * 60);
    run.child.kill("SIGKILL");
    expect(await run.ended).toBe("SIGKILL");
    for (const message of run.messages) {
      const height = BigInt(message.height);
      if (message.type === "last") {
        expect(height).toBeGreaterThanOrEqual(highest);
        continue;
      }
      // "refused": an honest height, or the last claim itself.
      expect(message.type).toBe("released");
      expect(message).toEqual(released.get(message.height) ?? message);
      released.set(message.height, message);
      if (height > highest) highest = height;
    }
  }
  expect(released.size).toBeGreaterThan(0);
});

test("a disk that is full ends the process, and what it released is on record", async () => {
  const path = await initialisedPath();
  // The kernel refuses any write beyond 256 KiB of a file, as a full disk would.
  const limited = `ulimit -f 256; exec "$0" "$@"`;
  const run = runCommand(["bash", "-c", limited, ...signingCommand(path)]);
  expect(await run.ended).toBe(70);
  const { released, recorded } = await releasedAndRecorded(path, run);
  expect(released.length).toBeGreaterThan(0);
  expect(recorded).toEqual(released);
});
