import "../../packages/node/src/polyfill.ts";
import { type BatchVerifier, createBatchVerifier } from "@mach/bls";
import { attestationsLength } from "../../packages/node/src/gossip/wire.ts";
import { createBareChecks } from "./bare-checks.ts";
import { residentBytes } from "./process-figures.ts";
import { cpuMicros } from "./rounds.ts";
import { type Counted, createScaleNode, type ScaleNode } from "./scale-node.ts";
import type { Size } from "./scale-traffic.ts";

/** What a process holds, in bytes. */
export interface Memory {
  /** Of JavaScript after a collection, above what was there before the node: heap and buffers. */
  readonly heap: number;
  readonly rss: number;
}

export interface Lived {
  /** Per second of the network; what made the traffic is not in it. */
  readonly micros: number;
  /** The same signatures checked by the library alone, and the node's own made. */
  readonly bareMicros: number;
  /** Bytes of messages per height, and attestations in them. */
  readonly bytes: number;
  readonly attestations: number;
  readonly counted: Counted;
}

/** A node that takes a network's traffic. */
export type ScaleProcess = {
  open(options: {
    readonly size: Size;
    readonly folder: string | null;
    readonly isChecked: boolean;
  }): Promise<void>;
  /** Takes the next seconds with signatures that are checked, each within `spreadMs`. */
  live(options: { readonly seconds: number; readonly spreadMs: number }): Promise<Lived>;
  /**
   * Takes the seconds up to `until`: one in `sampleEvery` with all its attestations, taken for
   * checked, the others with their certificates alone.
   */
  pass(options: { readonly until: number; readonly sampleEvery: number }): Promise<Memory>;
  counted(): Counted;
};

/** As the configuration has it where nothing else is asked for. */
const GATHER_MS = 10;

/** The role of a child process; it has to be able to collect garbage when it is asked to. */
export function createRole(): ScaleProcess {
  let node: ScaleNode | null = null;
  let verifier: BatchVerifier | null = null;
  let second = 0;
  let heapBefore = 0;

  function opened(): ScaleNode {
    if (node === null) throw new Error("not opened");
    return node;
  }

  return {
    async open({ size, folder, isChecked }) {
      await node?.close();
      // One for all of them: a thread that starts while the loader is busy with one that ends may
      // wait for ever.
      if (isChecked) verifier ??= await createBatchVerifier({ gatherMs: GATHER_MS });
      node = null;
      if (!isChecked) heapBefore = memoryNow().heap;
      node = await createScaleNode(size, { folder, verifier: isChecked ? verifier : null });
      second = 0;
    },
    async live({ seconds, spreadMs }) {
      const { traffic, live, counted } = opened();
      const checks = createBareChecks(traffic);
      let [micros, bytes] = [0, 0];
      let bareMicros = 0;
      for (let i = 0; i < seconds; i++, second++) {
        const messages = traffic.messagesAt(second, "real");
        bytes += messages.reduce((sum, message) => sum + message.length, 0);
        const before = cpuMicros();
        await live(second, messages, spreadMs);
        const between = cpuMicros();
        checks.check(messages);
        micros += between - before;
        bareMicros += cpuMicros() - between;
      }
      const heights = seconds * traffic.size.rollups;
      const each = attestationsLength(1, 192) - attestationsLength(0, 192);
      return {
        micros: micros / seconds,
        bareMicros: bareMicros / seconds,
        bytes: bytes / heights,
        attestations: Math.floor(bytes / each / heights),
        counted: counted(),
      };
    },
    async pass({ until, sampleEvery }) {
      const { traffic, live, hear } = opened();
      for (; second < until; second++) {
        if (second % sampleEvery !== 0) await hear(second);
        else await live(second, traffic.messagesAt(second, "made-up"), 0);
      }
      const { heap, rss } = memoryNow();
      return { heap: Math.max(heap - heapBefore, 1), rss };
    },
    counted: () => opened().counted(),
  };
}

/** Twice: what the first collection finalises, the second frees. */
function memoryNow(): Memory {
  if (globalThis.gc === undefined) throw new Error("started without --expose-gc");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resident = residentBytes("self");
  return { heap: heapUsed + external, rss: Number.isNaN(resident) ? rss : resident };
}
