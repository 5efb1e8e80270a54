import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createSigner } from "../../src/signer/local-signer.ts";
import { claimAt, createTestKey, hashOf, NO_BLS, NOW_MS, requestFor } from "./test-claims.ts";
import { lockedFolder, recordIn, temporaryPath } from "./test-folders.ts";

type Message =
  | { readonly type: "last"; readonly height: string }
  | { readonly type: "refused"; readonly height: string; readonly code: string | null }
  | {
      readonly type: "released";
      readonly height: string;
      readonly blockHash: string;
      readonly signature: string;
    };

const CHILD = new URL("./signing-child.ts", import.meta.url).pathname;
const FLAGS = ["--conditions=@mach/source", "--import", "tsx"];
const KILLS = process.env["MACH_LONG"] === "1" ? 500 : 20;

interface Run {
  readonly child: ChildProcess;
  readonly messages: Message[];
  /** Resolves with the first message: the record is open. */
  readonly started: Promise<void>;
  readonly ended: Promise<string | number | null>;
}

function runChild(path: string, ...death: readonly string[]): Run {
  return runCommand([process.execPath, ...FLAGS, CHILD, path, ...death]);
}

function runCommand([command = "", ...parameters]: readonly string[]): Run {
  const child = spawn(command, parameters, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const messages: Message[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => messages.push(JSON.parse(line) as Message));
  const started = once(lines, "line").then(() => undefined);
  const ended = Promise.all([once(child, "exit"), once(lines, "close")]).then(
    ([[code, signal]]) => (signal ?? code) as string | number | null,
  );
  return { child, messages, started, ended };
}

/** A folder with a record that no process holds. */
async function initialisedPath(): Promise<string> {
  const path = await temporaryPath();
  const folder = await lockedFolder(path);
  await (await recordIn(folder)).close();
  await folder.release();
  return path;
}

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
    const run = runChild(path, boundary, "3");
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
  timeout: 30_000 + KILLS * 4_000,
}, async () => {
  const path = await initialisedPath();
  const released = new Map<string, Message>();
  let highest = 0n;
  for (let kill = 0; kill < KILLS; kill++) {
    const run = runChild(path);
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
  const run = runCommand(["bash", "-c", limited, process.execPath, ...FLAGS, CHILD, path]);
  expect(await run.ended).toBe(70);
  const released = run.messages.filter((message) => message.type === "released");
  const protection = await recordIn(await lockedFolder(path));
  expect(released.length).toBeGreaterThan(0);
  for (const { height, blockHash } of released) {
    const record = protection.at({ rollupId: 901n, blockNumber: BigInt(height) });
    expect(record?.claim.blockHash).toBe(blockHash);
  }
  await protection.close();
});
