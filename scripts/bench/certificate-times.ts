import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "@mach/core";
import { WebSocketClient } from "@mach/rpc";
import type { BenchContext } from "./bench-context.ts";
import { readFrames } from "./event-frames.ts";
import { median } from "./row.ts";

/** The steps from a block to its certificate at a reader, in their order. */
export const STAGES = ["attested", "threshold", "stored", "pushed"] as const;
export type Stage = (typeof STAGES)[number];

/** Milliseconds since the block was visible, each at the median of the operators. */
export type CertificateTimes = Readonly<Record<Stage, number>>;

export interface CertificateWatch {
  /** The times of the next certificates that every operator told of; fails where none come. */
  next(count: number, timeoutMs: number): Promise<readonly CertificateTimes[]>;
  /** Certificates that some operator did not tell of before several newer ones. */
  incomplete(): number;
}

/** What is known of one certificate at one operator; times of this process's clock. */
interface AtOperator {
  attestedAt?: number;
  certified?: {
    readonly pushedAt: number;
    readonly thresholdMs: number;
    readonly storedMs: number;
  };
}

interface Open {
  visibleAt: number | null;
  readonly at: Map<string, AtOperator>;
}

/** What is watched: a local network, or a part of one. */
export interface WatchedNetwork {
  readonly operators: readonly {
    readonly apiUrl: string;
    readonly registered: { readonly address: Hex };
  }[];
  readonly rollups: readonly { readonly rollupId: bigint; readonly wsUrl: string }[];
}

const MAX_OPEN = 64;

/**
 * Watches the rollups as a source of their blocks, and every operator's event stream: when its own
 * attestation was made, how long the threshold and the store took by its own clock, and when a
 * reader had the certificate. One machine, one clock.
 */
export async function watchCertificates(
  context: BenchContext,
  network: WatchedNetwork,
): Promise<CertificateWatch> {
  const { operators, rollups } = network;
  const open = new Map<string, Open>();
  let complete: CertificateTimes[] = [];
  let incomplete = 0;

  function openAt(rollupId: string, blockNumber: string): Open {
    const key = `${rollupId}/${blockNumber}`;
    const known = open.get(key);
    if (known !== undefined) return known;
    const made: Open = { visibleAt: null, at: new Map() };
    open.set(key, made);
    const [oldest] = open;
    if (open.size > MAX_OPEN && oldest !== undefined) {
      open.delete(oldest[0]);
      if (!isComplete(oldest[1]) && oldest[1].visibleAt !== null) incomplete += 1;
    }
    return made;
  }

  function isComplete({ visibleAt, at }: Open): boolean {
    const all = [...at.values()].filter((each) => each.attestedAt && each.certified);
    return visibleAt !== null && all.length === operators.length;
  }

  function note(place: Open, apiUrl: string, found: AtOperator): void {
    const wasComplete = isComplete(place);
    const before = place.at.get(apiUrl);
    // What is told again is an improvement: the first one counts.
    place.at.set(apiUrl, { ...found, ...before });
    if (!wasComplete && isComplete(place)) complete.push(timesOf(place));
  }

  for (const { rollupId, wsUrl } of rollups) {
    const client = watchHeads(wsUrl, (blockNumber) => {
      openAt(`${rollupId}`, blockNumber).visibleAt ??= performance.now();
    });
    context.defer(() => client.close());
  }
  for (const { apiUrl, registered } of operators) {
    const close = await readFrames(apiUrl, "attestation,finality", (frame) => {
      const now = performance.now();
      const event = toldBy(frame);
      if (event === null) return;
      if (event.topic === "attestation") {
        if (event.operator !== registered.address) return;
        note(openAt(event.rollupId, event.blockNumber), apiUrl, { attestedAt: now });
        return;
      }
      const { thresholdMs, storedMs } = event;
      const certified = { pushedAt: now, thresholdMs, storedMs };
      note(openAt(event.rollupId, event.blockNumber), apiUrl, { certified });
    });
    context.defer(close);
  }
  return {
    async next(count, timeoutMs) {
      complete = [];
      const deadline = performance.now() + timeoutMs;
      while (complete.length < count) {
        context.signal.throwIfAborted();
        if (performance.now() > deadline) {
          throw new Error(`${complete.length} of ${count} certificates in ${timeoutMs} ms`);
        }
        await sleep(20);
      }
      return complete.slice(0, count);
    },
    incomplete: () => incomplete,
  };
}

function timesOf({ visibleAt, at }: Open): CertificateTimes {
  const from = visibleAt ?? 0;
  const all = [...at.values()];
  const over = (pick: (each: AtOperator) => number | undefined): number =>
    median(all.map((each) => Math.max(0, pick(each) ?? Number.NaN)));
  return {
    attested: over(({ attestedAt }) => (attestedAt ?? Number.NaN) - from),
    threshold: over(({ certified }) => certified?.thresholdMs),
    stored: over(({ certified }) => certified?.storedMs),
    pushed: over(({ certified }) => (certified?.pushedAt ?? Number.NaN) - from),
  };
}

function watchHeads(url: string, onHead: (blockNumber: string) => void): WebSocketClient {
  const options = { timeoutMs: 10_000, maxResponseBytes: 1_048_576, maxInFlight: 4 };
  const client = new WebSocketClient(
    { url, ...options, minBackoffMs: 100, maxBackoffMs: 1_000 },
    {
      onOpen() {
        void client.subscribe(["newHeads"], (head) => {
          onHead(`${BigInt((head as { readonly number: string }).number)}`);
        });
      },
      // It comes back by itself; whoever waits for certificates sees that none come.
      onLost: () => undefined,
    },
  );
  return client;
}

type Told = { readonly rollupId: string; readonly blockNumber: string } & (
  | { readonly topic: "attestation"; readonly operator: string }
  | { readonly topic: "finality"; readonly thresholdMs: number; readonly storedMs: number }
);

interface Claimed {
  readonly claim: { readonly rollupId: string; readonly blockNumber: string };
}

/** Trusts what it reads: the node is one that the benchmark started. */
function toldBy(frame: string): Told | null {
  const topic = /^event: (.*)$/m.exec(frame)?.[1];
  const text = /^data: (.*)$/m.exec(frame)?.[1];
  if (text === undefined) return null;
  if (topic === "attestation") {
    const { data } = JSON.parse(text) as { readonly data: Claimed & { readonly operator: string } };
    return { topic, operator: data.operator, ...data.claim };
  }
  if (topic !== "finality") return null;
  const { data } = JSON.parse(text) as {
    readonly data: {
      readonly latencyMs: number | null;
      readonly certificate: Claimed | null;
      readonly agesMs: { readonly certificate: number | null };
    };
  };
  const { latencyMs, certificate, agesMs } = data;
  if (certificate === null || latencyMs === null) return null;
  const { rollupId, blockNumber } = certificate.claim;
  const storedMs = latencyMs + (agesMs.certificate ?? 0);
  return { topic, rollupId, blockNumber, thresholdMs: latencyMs, storedMs };
}
