import { type Hex, isHex } from "@mach/core";
import { createAttributionQueue, type PendingGroup } from "./attribution-queue.ts";
import type { BatchJob, BatchReply } from "./batch-job.ts";
import { createGathering } from "./gathering.ts";
import {
  isSignatureEncoding,
  MESSAGE_BYTES,
  PUBLIC_KEY_BYTES,
  parseHex,
} from "./point-encoding.ts";
import { acceptSignature, type BatchFailure, type SignatureVerdict } from "./verdict.ts";

export type BatchVerdict = SignatureVerdict<BatchFailure>;

export interface Attestation {
  readonly message: Hex;
  readonly publicKey: Hex;
  readonly signature: Uint8Array;
}

export interface SumRequest {
  readonly message: Hex;
  readonly publicKeys: readonly Hex[];
  readonly signatures: readonly Uint8Array[];
}

export interface WorkQueueOptions {
  /**
   * Attestations in one batch, 1 to 1024: more of them cost less each and delay a sum longer, 8 ms
   * for 128 good ones, 0.3 s for 128 bad ones.
   */
  readonly maxBatch: number;
  /**
   * How long an attestation waits for others to share its batch, milliseconds; a full batch does
   * not wait, and a sum never does.
   */
  readonly gatherMs: number;
  /** Attestations that wait at most; one more is answered `overloaded`. */
  readonly maxQueuedAttestations: number;
  /** Sums that wait at most, apart from attestations; one more is answered `overloaded`. */
  readonly maxQueuedSums: number;
}

/** A job for a thread. `settle` takes its answer, or null where the thread died. */
export interface Work {
  readonly job: BatchJob;
  readonly settle: (reply: BatchReply | null) => void;
}

/** What waits to be checked: sums first, attestations of the longest waiting messages next. */
export interface WorkQueue {
  pushAttestation(attestation: Attestation): Promise<BatchVerdict>;
  pushSum(request: SumRequest): Promise<BatchVerdict>;
  /** The next job, as soon as there is one; null once the queue is stopped. */
  next(): Promise<Work | null>;
  /** Answers with this code whatever waits, is under way without an answer, or comes later. */
  stop(code: "closed" | "verifier-failed"): void;
  statistics(): WorkQueueStatistics;
}

export interface WorkQueueStatistics {
  readonly queuedAttestations: number;
  readonly queuedSums: number;
  /** Batches, attestations and sums that a thread has answered so far. */
  readonly batches: number;
  readonly attestations: number;
  readonly sums: number;
}

/** Messages of one batch share a final step; each costs the others about 0.35 ms. */
const MAX_MESSAGES_PER_BATCH = 8;
/** So that a run of sums cannot hold up attestations for ever. */
const MAX_SUMS_IN_A_ROW = 8;

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const attestations = createAttributionQueue();
  const sums: Work[] = [];
  const sleepers: (() => void)[] = [];
  const done = { batches: 0, attestations: 0, sums: 0 };
  const gathering = createGathering(options.gatherMs, () => sleepers.pop()?.());
  let sumsInARow = 0;
  let stopped: "closed" | "verifier-failed" | null = null;

  const failure = (): BatchFailure => stopped ?? "verifier-failed";

  function takeSum(): Work | null {
    const mayGoFirst = sumsInARow < MAX_SUMS_IN_A_ROW || attestations.size === 0;
    const sum = mayGoFirst ? sums.shift() : undefined;
    sumsInARow = sum === undefined ? 0 : sumsInARow + 1;
    return sum ?? null;
  }

  function takeBatch(): Work | null {
    if (attestations.size === 0) return null;
    if (attestations.size < options.maxBatch && !gathering.isOver()) return null;
    const limits = { attestations: options.maxBatch, messages: MAX_MESSAGES_PER_BATCH };
    const groups = attestations.take(limits);
    return {
      job: batchJob(groups),
      settle(reply) {
        if (reply !== null) done.batches += 1;
        done.attestations += answerGroups(groups, reply, failure());
      },
    };
  }

  return {
    pushAttestation({ message, publicKey, signature }) {
      if (!isHex(message, MESSAGE_BYTES)) return refuse("bad-message");
      if (!isHex(publicKey, PUBLIC_KEY_BYTES)) return refuse("bad-public-key");
      if (!isSignatureEncoding(signature)) return refuse("bad-signature");
      if (stopped !== null) return refuse(stopped);
      if (attestations.size >= options.maxQueuedAttestations) return refuse("overloaded");
      // A copy: the caller's buffer may be a view into a whole packet, or be written to again.
      const own = new Uint8Array(signature);
      return new Promise((answer) => {
        if (attestations.size === 0) gathering.begin();
        attestations.push(message, { publicKey, signature: own, answer });
        sleepers.pop()?.();
      });
    },
    pushSum({ message, publicKeys, signatures }) {
      const digest = parseHex(message, MESSAGE_BYTES);
      if (digest === null) return refuse("bad-message");
      if (!signatures.every(isSignatureEncoding)) return refuse("bad-signature");
      if (stopped !== null) return refuse(stopped);
      if (sums.length >= options.maxQueuedSums) return refuse("overloaded");
      const sum = { message: digest, publicKeys: [...publicKeys], signatures: pack(signatures) };
      return new Promise((answer) => {
        sums.push({
          job: { kind: "sum", sum },
          settle(reply) {
            if (reply?.kind !== "sum") return answer({ ok: false, code: failure() });
            done.sums += 1;
            answer(reply.check.ok ? acceptSignature(reply.check.signature) : reply.check);
          },
        });
        sleepers.pop()?.();
      });
    },
    async next() {
      while (stopped === null) {
        // Where it is the attestations' turn and they still gather, a sum goes all the same.
        const work = takeSum() ?? takeBatch() ?? takeSum();
        if (work !== null) return work;
        await new Promise<void>((resolve) => {
          sleepers.push(resolve);
        });
      }
      return null;
    },
    stop(code) {
      stopped ??= code;
      gathering.stop();
      for (const sum of sums.splice(0)) sum.settle(null);
      const all = { attestations: attestations.size, messages: attestations.size };
      answerGroups(attestations.take(all), null, failure());
      for (const wake of sleepers.splice(0)) wake();
    },
    statistics: () => ({
      ...done,
      queuedAttestations: attestations.size,
      queuedSums: sums.length,
    }),
  };
}

function refuse(code: BatchFailure): Promise<BatchVerdict> {
  return Promise.resolve({ ok: false, code });
}

/** Answers each attestation and returns how many of them had an answer. */
function answerGroups(
  groups: readonly PendingGroup[],
  reply: BatchReply | null,
  failure: BatchFailure,
): number {
  const attributions = reply?.kind === "attribution" ? reply.attributions : [];
  let answered = 0;
  for (const [index, group] of groups.entries()) {
    for (const [position, { answer, signature }] of group.attestations.entries()) {
      const code = attributions[index]?.[position];
      if (code !== undefined) answered += 1;
      // Only the thread's explicit null is a yes; a missing answer is none.
      answer(code === null ? acceptSignature(signature) : { ok: false, code: code ?? failure });
    }
  }
  return answered;
}

function batchJob(groups: readonly PendingGroup[]): BatchJob {
  return {
    kind: "attribution",
    groups: groups.map(({ message, attestations }) => ({
      message,
      publicKeys: attestations.map((attestation) => attestation.publicKey),
      signatures: pack(attestations.map((attestation) => attestation.signature)),
    })),
  };
}

/** Copies into one new buffer, so that one transfer hands all of them to the thread. */
function pack(signatures: readonly Uint8Array[]): Uint8Array[] {
  const buffer = new Uint8Array(signatures.reduce((sum, signature) => sum + signature.length, 0));
  let offset = 0;
  return signatures.map((signature) => {
    buffer.set(signature, offset);
    offset += signature.length;
    return buffer.subarray(offset - signature.length, offset);
  });
}
