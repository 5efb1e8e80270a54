import { type Hex, isHex, toHex } from "@mach/core";
import { createAttestationLanes } from "./attestation-lanes.ts";
import type { PendingAttestation, PendingGroup } from "./attribution-queue.ts";
import type { BatchJob, BatchReply } from "./batch-job.ts";
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
  /**
   * Whether it is checked after everything else, in a batch of a few of its kind: where who sent it
   * has sent bad ones, or is not known yet. Asked when it comes and when its turn has come, so that
   * what a sender had waiting goes to the end when its first bad one is found.
   */
  readonly isDoubtful?: () => boolean;
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
  /**
   * Attestations that wait at most; one more is answered `overloaded`. A sixteenth as many doubtful
   * ones beside them.
   */
  readonly maxQueuedAttestations: number;
  /** Sums that wait at most, apart from attestations; one more is answered `overloaded`. */
  readonly maxQueuedSums: number;
}

/** A job for a thread. `settle` takes its answer, or null where the thread died. */
export interface Work {
  readonly job: BatchJob;
  readonly settle: (reply: BatchReply | null) => void;
}

/**
 * What waits to be checked: sums first, attestations of the longest waiting messages next, doubtful
 * ones when nothing else waits.
 */
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
  /** Those of them that are checked last. */
  readonly queuedDoubtful: number;
  readonly queuedSums: number;
  /** Batches, attestations and sums that a thread has answered so far. */
  readonly batches: number;
  readonly attestations: number;
  readonly sums: number;
}

/** So that a run of sums cannot hold up attestations for ever. */
const MAX_SUMS_IN_A_ROW = 8;

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const attestations = createAttestationLanes(options, () => sleepers.pop()?.());
  const sums: Work[] = [];
  const sleepers: (() => void)[] = [];
  const done = { batches: 0, attestations: 0, sums: 0 };
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
    const groups = attestations.take();
    if (groups === null) return null;
    return {
      job: batchJob(groups),
      settle(reply) {
        if (reply !== null) done.batches += 1;
        const { answered, undecided } = answerGroups(groups, reply, failure());
        done.attestations += answered;
        // Again, in the lanes that their senders belong into by now.
        for (const { message, attestation } of undecided) {
          if (stopped === null) attestations.push(message, attestation);
          else attestation.answer({ ok: false, code: stopped });
        }
      },
    };
  }

  return {
    pushAttestation({ message, publicKey, signature, isDoubtful = isNever }) {
      if (!isHex(message, MESSAGE_BYTES)) return refuse("bad-message");
      if (!isHex(publicKey, PUBLIC_KEY_BYTES)) return refuse("bad-public-key");
      if (!isSignatureEncoding(signature)) return refuse("bad-signature");
      if (stopped !== null) return refuse(stopped);
      // A copy: the caller's buffer may be a view into a whole packet, or be written to again.
      const own = new Uint8Array(signature);
      return new Promise((answer) => {
        const isTaken = attestations.push(message, {
          publicKey,
          signature: own,
          isDoubtful,
          answer,
        });
        if (isTaken) sleepers.pop()?.();
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
      for (const sum of sums.splice(0)) sum.settle(null);
      answerGroups(attestations.close(), null, failure());
      for (const wake of sleepers.splice(0)) wake();
    },
    statistics: () => ({
      ...done,
      queuedAttestations: attestations.size,
      queuedDoubtful: attestations.doubtful,
      queuedSums: sums.length,
    }),
  };
}

const isNever = (): boolean => false;

function refuse(code: BatchFailure): Promise<BatchVerdict> {
  return Promise.resolve({ ok: false, code });
}

interface Answered {
  /** How many had an answer. */
  readonly answered: number;
  /** What the thread did not come to. */
  readonly undecided: readonly {
    readonly message: Hex;
    readonly attestation: PendingAttestation;
  }[];
}

function answerGroups(
  groups: readonly PendingGroup[],
  reply: BatchReply | null,
  failure: BatchFailure,
): Answered {
  const attributions = reply?.kind === "attribution" ? reply.attributions : [];
  const undecided: { message: Hex; attestation: PendingAttestation }[] = [];
  let answered = 0;
  for (const [index, { message, attestations }] of groups.entries()) {
    for (const [position, attestation] of attestations.entries()) {
      const code = attributions[index]?.[position];
      if (code === "undecided") {
        undecided.push({ message: toHex(message), attestation });
        continue;
      }
      if (code !== undefined) answered += 1;
      // Only the thread's explicit null is a yes; a missing answer is none.
      const { answer, signature } = attestation;
      answer(code === null ? acceptSignature(signature) : { ok: false, code: code ?? failure });
    }
  }
  return { answered, undecided };
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
