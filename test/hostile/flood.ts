import { readFileSync } from "node:fs";
import type { ArenaNode } from "./arena.ts";
import type { MemberPeer } from "./member-peer.ts";

/** What came of a flood. */
export interface FloodFigure {
  readonly sent: number;
  readonly perSecond: number;
  /** How many peers it took: each was hung up on and replaced by a new one. */
  readonly identities: number;
}

export interface FloodOptions {
  readonly topic: string;
  /** The next message; null where there is none for now. */
  readonly next: () => Uint8Array | null;
  /** A peer to send by: asked again whenever the last was hung up on. */
  readonly connect: () => Promise<MemberPeer>;
  readonly perSecond: number;
  readonly durationMs: number;
}

const STEP_MS = 10;

/** Sends as many messages a second as is asked for, or as the other side takes. */
export async function flood(options: FloodOptions): Promise<FloodFigure> {
  const { topic, next, connect, perSecond, durationMs } = options;
  const startedAt = performance.now();
  const elapsedMs = (): number => performance.now() - startedAt;
  let [sent, identities] = [0, 0];
  let peer: MemberPeer | null = null;
  while (elapsedMs() < durationMs) {
    if (peer === null || !peer.isOpen()) {
      await peer?.stop();
      peer = await connect().catch(() => null);
      identities += 1;
    }
    const due = Math.min(perSecond, Math.floor((elapsedMs() / 1_000) * perSecond) - sent);
    for (let i = 0; i < due; i++) {
      const message = next();
      if (message === null || peer === null || !(await peer.send(topic, message))) break;
      sent += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  await peer?.stop();
  return { sent, perSecond: Math.round((sent * 1_000) / elapsedMs()), identities };
}

/** From a block to its certificate at a node, by what its log says, in milliseconds: ascending. */
export function certificateDelays(
  node: ArenaNode,
  between: { readonly fromMs: number; readonly toMs: number },
): readonly number[] {
  const first = new Map<string, number>();
  for (const line of readFileSync(node.logFile, "utf8").split("\n")) {
    if (!line.includes('"certificate stands"')) continue;
    const { time, rollupId, blockNumber, latencyMs } = JSON.parse(line);
    const key = `${rollupId}/${blockNumber}`;
    const at = typeof time === "number" ? time : Date.parse(time);
    const isWithin = at >= between.fromMs && at < between.toMs;
    // The first is the one that made the block final; the others are heavier.
    if (isWithin && typeof latencyMs === "number" && !first.has(key)) first.set(key, latencyMs);
  }
  return [...first.values()].sort((a, b) => a - b);
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
