import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import type { ArenaNode } from "./arena.ts";

/** Resident memory, beyond what an undisturbed node of the same age has grown by meanwhile. */
export interface Grown {
  /** What is left of it once the attack is over and the collector has had its time. */
  readonly megabytes: number;
  /** The most while it went on. */
  readonly mostMegabytes: number;
}

const INTERVAL_MS = 250;
/** For the garbage collector, which comes when a node needs memory and not when an attack is over. */
const SETTLE_MS = 90_000;

/**
 * Watches a node from now on, beside one that nobody attacks. At the end it waits for a while until
 * the node has grown by less than so many megabytes.
 */
export function watchUsage(
  node: ArenaNode,
  undisturbed: ArenaNode,
): { stop(lessThanMegabytes: number): Promise<Grown> } {
  const before = { node: node.usage().rssBytes, undisturbed: undisturbed.usage().rssBytes };
  const grown = (): number => {
    // A node that gives memory back does not make another's growth any larger.
    const usual = Math.max(0, undisturbed.usage().rssBytes - before.undisturbed);
    return Math.round((node.usage().rssBytes - before.node - usual) / 1e5) / 10;
  };
  let most = grown();
  const timer = setInterval(() => {
    most = Math.max(most, grown());
  }, INTERVAL_MS);
  onTestFinished(() => clearInterval(timer));
  return {
    async stop(lessThanMegabytes): Promise<Grown> {
      clearInterval(timer);
      let megabytes = grown();
      const deadline = performance.now() + SETTLE_MS;
      while (megabytes >= lessThanMegabytes && performance.now() < deadline) {
        await sleep(INTERVAL_MS);
        megabytes = grown();
      }
      return { megabytes, mostMegabytes: Math.max(most, megabytes) };
    },
  };
}
