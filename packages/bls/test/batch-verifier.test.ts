import { fromHex, type Hex } from "@mach/core";
import { afterEach, describe, expect, it } from "vitest";
import {
  type BatchVerifier,
  type BatchVerifierOptions,
  createBatchVerifier,
  createBatchVerifierOn,
  DEFAULT_BATCH_VERIFIER_OPTIONS,
} from "../src/batch-verifier.ts";
import { BlsError } from "../src/errors.ts";
import { createNativeBls } from "../src/native.ts";
import { startWorkerThread, type WorkerThread } from "../src/worker-thread.ts";
import {
  digestOf,
  INFINITY_SIGNATURE,
  PUBLIC_KEY_OUT_OF_GROUP,
  SIGNATURE_OUT_OF_GROUP,
  secretKeyBytes,
} from "./vector-files.ts";

const native = createNativeBls();
const message = digestOf(0x51);
const OPERATORS = 64;

interface Signed {
  readonly message: Hex;
  readonly publicKey: Hex;
  readonly signature: Uint8Array;
}

function signAs(seed: number, digest: Hex): Signed {
  const secretKey = native.secretKeyFromBytes(secretKeyBytes(seed));
  if (secretKey === null) throw new Error("not a secret key");
  const { uncompressed } = native.sign(secretKey, digest);
  return { message: digest, publicKey: native.publicKeyOf(secretKey), signature: uncompressed };
}

const attestations = Array.from({ length: OPERATORS }, (_, seed) => signAs(seed, message));
const [first, second] = attestations;
if (first === undefined || second === undefined) throw new Error("no attestations");
const sum = {
  message,
  publicKeys: attestations.map((each) => each.publicKey),
  signatures: attestations.map((each) => each.signature),
};

const open: BatchVerifier[] = [];

async function openVerifier(options: Partial<BatchVerifierOptions> = {}): Promise<BatchVerifier> {
  const verifier = await createBatchVerifier(options);
  open.push(verifier);
  return verifier;
}

/** A verifier whose real threads the test can stop or replace. */
async function openOn(
  startThread: () => Promise<WorkerThread>,
  options: Partial<BatchVerifierOptions> = {},
): Promise<BatchVerifier> {
  const all = { ...DEFAULT_BATCH_VERIFIER_OPTIONS, ...options };
  const verifier = await createBatchVerifierOn({ startThread }, all);
  open.push(verifier);
  return verifier;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((verifier) => verifier.close()));
});

function verifyAll(verifier: BatchVerifier, all: readonly Signed[]): Promise<(true | string)[]> {
  const checks = all.map((each) => verifier.verify(each));
  return Promise.all(checks).then((verdicts) =>
    verdicts.map((verdict) => verdict.ok || verdict.code),
  );
}

describe("attestations", () => {
  it("a valid one is answered with its signature in the form of documents", async () => {
    const verifier = await openVerifier();
    const signature = native.compressSignature(first.signature);
    const compressed = fromHex(signature ?? "0x");
    expect(await verifier.verify(first)).toEqual({ ok: true, signature });
    expect(await verifier.verify({ ...first, signature: compressed })).toEqual({
      ok: true,
      signature,
    });
  });

  it("of a mixed batch exactly the bad ones are refused, each with its reason", async () => {
    const verifier = await openVerifier();
    const spoiled: readonly [number, Partial<Signed>, string][] = [
      [3, { signature: second.signature }, "bad-signature"],
      [4, { publicKey: first.publicKey }, "bad-signature"],
      [17, { signature: fromHex(SIGNATURE_OUT_OF_GROUP) }, "bad-signature"],
      [30, { signature: fromHex(INFINITY_SIGNATURE) }, "bad-signature"],
      [31, { publicKey: PUBLIC_KEY_OUT_OF_GROUP }, "bad-public-key"],
      [40, { publicKey: "0x" }, "bad-public-key"],
      [41, { signature: new Uint8Array(96) }, "bad-signature"],
      [62, { message: digestOf(0x52) }, "bad-signature"],
      [63, { message: "0x52" }, "bad-message"],
    ];
    const mixed = [...attestations];
    const expected: (true | string)[] = mixed.map(() => true);
    for (const [index, change, code] of spoiled) {
      mixed[index] = { ...(mixed[index] ?? first), ...change };
      expected[index] = code;
    }
    expect(await verifyAll(verifier, mixed)).toEqual(expected);
    // The spoiled ones leave nothing behind.
    expect(await verifyAll(verifier, attestations)).toEqual(attestations.map(() => true));
  });

  it("of many messages at once exactly the bad ones are refused", async () => {
    const verifier = await openVerifier();
    const mixed = Array.from({ length: 30 }, (_, index) =>
      signAs(index % 5, digestOf(0x60 + (index % 11))),
    );
    const spoiled = mixed.map((each, index) =>
      index % 7 === 3 ? { ...each, message: digestOf(0x60 + ((index + 1) % 11)) } : each,
    );
    const expected = spoiled.map((_, index) => index % 7 !== 3 || "bad-signature");
    expect(await verifyAll(verifier, mixed)).toEqual(mixed.map(() => true));
    expect(await verifyAll(verifier, spoiled)).toEqual(expected);
  });

  it("what arrives in one turn is one batch, and what arrives meanwhile is the next", async () => {
    const verifier = await openVerifier();
    const turn = verifyAll(verifier, attestations.slice(0, 20));
    // The batch is taken in a microtask: after these it is under way.
    for (let i = 0; i < 10; i++) await Promise.resolve();
    expect(verifier.statistics()).toMatchObject({ queuedAttestations: 0, batches: 0 });
    const meanwhile = verifyAll(verifier, attestations.slice(20));
    expect(verifier.statistics()).toMatchObject({ queuedAttestations: 44 });
    await Promise.all([turn, meanwhile]);
    expect(verifier.statistics()).toMatchObject({ batches: 2, attestations: OPERATORS });
  });

  it("attestations that arrive within the time to gather are one batch", async () => {
    const verifier = await openVerifier({ gatherMs: 300 });
    const early = verifyAll(verifier, attestations.slice(0, 2));
    const single = { message, publicKeys: [first.publicKey], signatures: [first.signature] };
    await Promise.all(Array.from({ length: 10 }, () => verifier.verifySum(single)));
    expect(verifier.statistics()).toMatchObject({ queuedAttestations: 2, batches: 0, sums: 10 });
    const late = verifyAll(verifier, attestations.slice(2, 4));
    expect(await Promise.all([early, late])).toEqual([
      [true, true],
      [true, true],
    ]);
    expect(verifier.statistics()).toMatchObject({ batches: 1, attestations: 4 });
    expect(await verifyAll(verifier, [first])).toEqual([true]);
  });

  it("a full batch waits for nobody, and closing ends the wait", async () => {
    const verifier = await openVerifier({ gatherMs: 1_000, maxBatch: 2 });
    const startedAt = performance.now();
    expect(await verifyAll(verifier, attestations.slice(0, 2))).toEqual([true, true]);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    const waiting = verifyAll(verifier, [first]);
    await verifier.close();
    expect(await waiting).toEqual(["closed"]);
  });

  it("the caller may write to its buffer once it has handed it over", async () => {
    const verifier = await openVerifier();
    const signature = Uint8Array.from(first.signature);
    const verdict = verifier.verify({ ...first, signature });
    signature.fill(0);
    expect(await verdict).toEqual({
      ok: true,
      signature: native.compressSignature(first.signature),
    });
  });

  it("s1 + D and s2 - D are refused one by one and accepted as a sum", async () => {
    const verifier = await openVerifier();
    // D = s1 - s2: each holds the other's signature, and the sum is the honest one.
    const swapped = [
      { ...first, signature: second.signature },
      { ...second, signature: first.signature },
    ];
    expect(await verifyAll(verifier, swapped)).toEqual(["bad-signature", "bad-signature"]);
    const pair = {
      message,
      publicKeys: swapped.map((each) => each.publicKey),
      signatures: swapped.map((each) => each.signature),
    };
    expect(await verifier.verifySum(pair)).toMatchObject({ ok: true });
  });
});

describe("sums", () => {
  it("a sum is answered like the native check on this thread", async () => {
    const verifier = await openVerifier();
    for (const request of [
      sum,
      { ...sum, message: digestOf(0x52) },
      { ...sum, message: "0x52" as Hex },
      { ...sum, publicKeys: sum.publicKeys.slice(1) },
      { ...sum, publicKeys: [] },
      { ...sum, signatures: [] },
      { ...sum, signatures: [...sum.signatures, fromHex(INFINITY_SIGNATURE)] },
    ]) {
      expect(await verifier.verifySum(request)).toEqual(native.verifySum(request));
    }
  });

  it("a sum goes ahead of attestations that wait", async () => {
    const verifier = await openVerifier({ maxBatch: 8 });
    let answered = 0;
    const waiting = attestations.map((each) => verifier.verify(each).then(() => answered++));
    expect(await verifier.verifySum(sum)).toMatchObject({ ok: true });
    expect(answered).toBeLessThanOrEqual(8);
    await Promise.all(waiting);
  });

  it("a run of sums lets attestations through", async () => {
    const verifier = await openVerifier();
    let answered = 0;
    const single = { message, publicKeys: [first.publicKey], signatures: [first.signature] };
    const sums = Array.from({ length: 20 }, () =>
      verifier.verifySum(single).then(() => answered++),
    );
    await verifier.verify(second);
    expect(answered).toBeLessThanOrEqual(10);
    await Promise.all(sums);
  });
});

describe("bounds", () => {
  it("attestations beyond the queue are overloaded, the others are answered", async () => {
    const verifier = await openVerifier({ maxQueuedAttestations: 3 });
    expect(await verifyAll(verifier, attestations.slice(0, 5))).toEqual([
      true,
      true,
      true,
      "overloaded",
      "overloaded",
    ]);
    expect(await verifyAll(verifier, [first])).toEqual([true]);
  });

  it("sums have a queue of their own, which attestations cannot fill", async () => {
    const verifier = await openVerifier({ maxQueuedAttestations: 1, maxQueuedSums: 2 });
    const waiting = verifyAll(verifier, [first, second]);
    const sums = await Promise.all([sum, sum, sum].map((each) => verifier.verifySum(each)));
    expect(sums.map((verdict) => verdict.ok || verdict.code)).toEqual([true, true, "overloaded"]);
    expect(await waiting).toEqual([true, "overloaded"]);
  });

  it("a message's attestations come out in batches of the given size", async () => {
    const verifier = await openVerifier({ maxBatch: 10 });
    expect(await verifyAll(verifier, attestations)).toEqual(attestations.map(() => true));
    expect(verifier.statistics()).toMatchObject({ batches: 7, attestations: OPERATORS });
  });

  it("options out of their bounds are refused", async () => {
    for (const options of [
      { workers: 0 },
      { workers: 17 },
      { maxBatch: 0.5 },
      { maxBatch: -1 },
      { gatherMs: -1 },
      { gatherMs: 1_001 },
    ]) {
      await expect(createBatchVerifier(options)).rejects.toThrow(RangeError);
    }
  });

  it("several threads share the work", async () => {
    const verifier = await openVerifier({ workers: 2, maxBatch: 4 });
    expect(await verifyAll(verifier, attestations)).toEqual(attestations.map(() => true));
    expect(verifier.statistics()).toMatchObject({ threads: 2, attestations: OPERATORS });
  });
});

describe("the end of a verifier and of its threads", () => {
  it("close answers what waits and what comes, and leaves no thread", async () => {
    const verifier = await openVerifier({ maxBatch: 16 });
    const waiting = verifyAll(verifier, attestations);
    const waitingSum = verifier.verifySum(sum);
    await verifier.close();
    expect(new Set(await waiting)).toEqual(new Set(["closed"]));
    expect(await waitingSum).toEqual({ ok: false, code: "closed" });
    expect(await verifyAll(verifier, [first])).toEqual(["closed"]);
    expect(await verifier.verifySum(sum)).toEqual({ ok: false, code: "closed" });
    expect(verifier.statistics()).toMatchObject({ threads: 0, queuedAttestations: 0 });
    await verifier.close();
  });

  it("a thread's death fails its batch, and the next batch runs on a new thread", async () => {
    const threads: WorkerThread[] = [];
    const verifier = await openOn(async () => {
      const thread = await startWorkerThread();
      threads.push(thread);
      return thread;
    });
    const lost = verifyAll(verifier, attestations);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    await threads[0]?.stop();
    expect(new Set(await lost)).toEqual(new Set(["verifier-failed"]));
    expect(await verifyAll(verifier, attestations)).toEqual(attestations.map(() => true));
    expect(verifier.statistics()).toMatchObject({ threads: 1, restarts: 1 });
    // One that has worked may die again, also while it is idle.
    await threads[1]?.stop();
    expect(await verifyAll(verifier, [first])).toEqual([true]);
    expect(verifier.statistics()).toMatchObject({ threads: 1, restarts: 2 });
    await verifier.close();
    const later = new Promise((resolve) => setImmediate(resolve, "not failed"));
    expect(await Promise.race([verifier.failed, later])).toBe("not failed");
  });

  it("a thread that dies before its first job is done is not replaced again", async () => {
    const verifier = await openOn(async () => {
      const thread = await startWorkerThread();
      return {
        ...thread,
        async run() {
          await thread.stop();
          return null;
        },
      };
    });
    for (const restarts of [0, 1, 1, 1]) {
      expect(await verifyAll(verifier, [first])).toEqual(["verifier-failed"]);
      expect(verifier.statistics()).toMatchObject({ threads: 0, restarts });
    }
    expect(await verifier.verifySum(sum)).toEqual({ ok: false, code: "verifier-failed" });
    expect(await verifier.failed).toMatchObject({ code: "worker-unavailable" });
  });

  it("a thread that cannot start again fails what waits", async () => {
    let starts = 0;
    const threads: WorkerThread[] = [];
    const verifier = await openOn(async () => {
      starts += 1;
      if (starts > 1) throw new BlsError("worker-unavailable", "no more threads");
      const thread = await startWorkerThread();
      threads.push(thread);
      return thread;
    });
    await threads[0]?.stop();
    expect(await verifyAll(verifier, [first, second])).toEqual([
      "verifier-failed",
      "verifier-failed",
    ]);
    expect(verifier.statistics()).toMatchObject({ threads: 0, restarts: 0 });
  });

  it("a batch that takes too long fails, and so does not hang", async () => {
    const verifier = await openVerifier({ jobTimeoutMs: 1 });
    // All of them bad: naming each takes a hundred times longer than the limit.
    const bad = attestations.map((each) => ({ ...each, message: digestOf(0x53) }));
    expect(new Set(await verifyAll(verifier, bad))).toEqual(new Set(["verifier-failed"]));
  });

  it("an answer of the wrong shape is a failure, never a yes", async () => {
    const replies = [
      { kind: "attribution", attributions: [] },
      { kind: "attribution", attributions: [[]] },
      { kind: "sum", check: { ok: true, signature: first.signature } },
    ] as const;
    let calls = 0;
    const verifier = await openOn(async () => ({
      hasEnded: () => false,
      run: async () => replies[calls++ % replies.length] ?? null,
      stop: async () => undefined,
    }));
    for (const _ of replies) {
      expect(await verifyAll(verifier, [first])).toEqual(["verifier-failed"]);
    }
  });

  it("a verifier that cannot start all of its threads stops the others and says why", async () => {
    const threads: WorkerThread[] = [];
    let starts = 0;
    const startThread = async (): Promise<WorkerThread> => {
      starts += 1;
      if (starts === 2) throw new BlsError("worker-unavailable", "no more threads");
      const thread = await startWorkerThread();
      threads.push(thread);
      return thread;
    };
    await expect(openOn(startThread, { workers: 2 })).rejects.toMatchObject({
      code: "worker-unavailable",
    });
    expect(threads.map((thread) => thread.hasEnded())).toEqual([true]);
  });
});
