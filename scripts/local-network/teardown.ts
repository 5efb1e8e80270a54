import { setTimeout as sleep } from "node:timers/promises";
import { type Child, stopChildren } from "./child.ts";
import { removeFolder } from "./folder.ts";
import type { Guard } from "./guard.ts";
import type { LifelineServer } from "./lifeline-server.ts";
import type { NodeProcess } from "./node-process.ts";
import type { Trickle } from "./trickle.ts";

/** What a network has started so far, so that it can be ended from any point on. */
export interface Parts {
  readonly folder: string;
  /** In any order; each is told of what connects to the lifeline. */
  readonly nodes: NodeProcess[];
  readonly chainChildren: Child[];
  readonly nodeChildren: Child[];
  readonly trickles: Trickle[];
  lifeline: LifelineServer | undefined;
  guard: Guard | undefined;
  /** Whether the folder is this launcher's to remove. */
  ownsFolder: boolean;
  isEnding: boolean;
  /** Aborted when all is being ended, for what waits. */
  readonly ending: AbortController;
}

const NODE_GRACE_MS = 2_500;
const CHAIN_GRACE_MS = 800;

/** A network of which nothing is started yet. */
export function noParts(folder: string): Parts {
  return {
    folder,
    nodes: [],
    chainChildren: [],
    nodeChildren: [],
    trickles: [],
    lifeline: undefined,
    guard: undefined,
    ownsFolder: false,
    isEnding: false,
    ending: new AbortController(),
  };
}

/** Takes a process into the parts; one that comes when all is being ended is ended at once. */
export function track(parts: Parts, children: Child[], child: Child): void {
  if (parts.isEnding) {
    child.process.kill("SIGKILL");
    return;
  }
  children.push(child);
  parts.guard?.watch(child);
}

/** Ends every process, nodes before chains, within 5 s, and removes the folder. */
export async function tearDown(parts: Parts): Promise<void> {
  parts.isEnding = true;
  parts.ending.abort();
  for (const trickle of parts.trickles) trickle.stop();
  const byHand = nodesByHand(parts);
  parts.lifeline?.close();
  await Promise.all([
    stopChildren(parts.nodeChildren, NODE_GRACE_MS),
    endForeign(byHand, NODE_GRACE_MS),
  ]);
  await stopChildren(parts.chainChildren, CHAIN_GRACE_MS);
  if (parts.ownsFolder) removeFolder(parts.folder);
  await parts.guard?.release();
}

/** Nodes of this network that were started again by hand, by what their processes run. */
function nodesByHand(parts: Parts): readonly number[] {
  const own = new Set(parts.nodeChildren.map((child) => child.pid));
  // What connects could name any process id: only one that runs a node of ours is believed.
  return (parts.lifeline?.nodes() ?? [])
    .filter((held) => !own.has(held.pid) && parts.nodes.some((node) => node.adopt(held)))
    .map((held) => held.pid);
}

/** Waits for processes that are not this one's children, and kills those that stay. */
async function endForeign(pids: readonly number[], graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  const left = (): readonly number[] => pids.filter((pid) => sendSignal(pid, 0));
  while (left().length > 0 && Date.now() < deadline) await sleep(50);
  for (const pid of left()) sendSignal(pid, "SIGKILL");
}

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // It has ended.
    return false;
  }
}
