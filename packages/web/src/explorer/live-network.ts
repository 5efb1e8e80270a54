import type { MachNetwork } from "@mach/sdk";
import type {
  Alert,
  BlockReference,
  BlockStatus,
  Finality,
  FollowedRollup,
  Health,
  Network,
  NodeEvent,
  NodeReader,
} from "@mach/sdk/reader";
import type { Checker } from "./check-certificate.ts";
import type { CheckerHandle } from "./checker-handle.ts";
import type { Clock, Moment } from "./clock.ts";
import { type CheckedHead, type Heard, isOfItsHead } from "./head-verdict.ts";
import type { ReaderTrust } from "./reader-trust.ts";

/** One certified block's latency, as the node measured it. */
export interface LatencySample {
  readonly blockNumber: bigint;
  readonly latencyMs: number;
}

/** What is known of one rollup. */
export interface LiveRollup {
  rollup: FollowedRollup;
  heard: Heard | null;
  /** The newest head that this browser has checked. */
  head: CheckedHead | null;
  /** The newest observed block's status, where it is above the fast-final head. */
  newest: BlockStatus | null;
  readonly samples: LatencySample[];
}

/** The last trouble with the node; null while it answers. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly since: Moment;
}

/** All that the page knows of the network, of which every page shows a part. */
export interface LiveState {
  network: Network | null;
  health: Health | null;
  readonly rollups: Map<bigint, LiveRollup>;
  alerts: readonly Alert[];
  isStreaming: boolean;
  heardAt: Moment | null;
  fault: Fault | null;
}

export interface LiveNetwork {
  readonly state: LiveState;
  checker(): Checker | null;
  /** Forgets what was checked, because the reader now trusts somebody else. */
  recheck(): void;
  /** Asks the node at once, as when the page was out of sight for a while. */
  refresh(): void;
  stop(): void;
}

export interface LiveNetworkDependencies {
  readonly reader: NodeReader;
  readonly createChecker: (network: MachNetwork) => CheckerHandle;
  readonly trust: () => ReaderTrust | null;
  readonly clock: Clock;
  readonly onChange: () => void;
}

const POLL_MS = 5_000;
/** While no stream is open. */
const FAST_POLL_MS = 1_500;
const MAX_SAMPLES = 240;
const MAX_ROLLUPS = 64;
const BATCH = 32;
const TOPICS = ["finality", "alert", "evidence", "epoch"] as const;

/** Follows a node: by its events, and by polling, which alone tells that it is still there. */
export function followNetwork(dependencies: LiveNetworkDependencies): LiveNetwork {
  const { reader, clock, onChange } = dependencies;
  const end = new AbortController();
  const state: LiveState = {
    ...{ network: null, health: null, rollups: new Map(), alerts: [] },
    ...{ isStreaming: false, heardAt: null, fault: null },
  };
  const heads = createHeadChecks(dependencies, state);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isPolling = false;

  function take(finality: Finality): void {
    const live = state.rollups.get(finality.rollupId);
    if (live === undefined) return;
    live.heard = { finality, at: clock() };
    addSample(live, finality);
    heads.check(live);
  }

  function onEvent(event: NodeEvent): void {
    state.heardAt = clock();
    // A stream that opens again tells first what was missed: that is no news after a poll.
    if (event.topic === "finality" && !isOlder(event.answer.data, state)) take(event.answer.data);
    else void poll();
    onChange();
  }

  async function poll(): Promise<void> {
    // However many events a node sends, it is asked one thing after the other.
    if (isPolling) return;
    isPolling = true;
    clearTimeout(timer);
    try {
      const fault = (await pollNode(reader, state)) ?? (await pollFinality(reader, state, take));
      if (fault === null) {
        state.heardAt = clock();
        state.fault = null;
      } else if (state.fault?.code !== fault.code) {
        state.fault = { ...fault, since: clock() };
      }
    } finally {
      isPolling = false;
      if (!end.signal.aborted) {
        timer = setTimeout(() => void poll(), state.isStreaming ? POLL_MS : FAST_POLL_MS);
        onChange();
      }
    }
  }

  void poll();
  void reader.follow(
    { topics: TOPICS, signal: end.signal },
    {
      onEvent,
      onGap: () => void poll(),
      onOpen(isOpen) {
        state.isStreaming = isOpen;
        onChange();
      },
    },
  );
  return {
    state,
    checker: heads.checker,
    recheck: heads.recheck,
    refresh: () => void poll(),
    stop() {
      end.abort();
      clearTimeout(timer);
      heads.stop();
    },
  };
}

interface HeadChecks {
  check(live: LiveRollup): void;
  checker(): Checker | null;
  recheck(): void;
  stop(): void;
}

/** One check at a time for each rollup, of the newest head: those between are left out. */
function createHeadChecks(
  { createChecker, trust, onChange }: LiveNetworkDependencies,
  state: LiveState,
): HeadChecks {
  const busy = new Set<bigint>();
  let checker: CheckerHandle | null = null;
  let checkedFor = "";
  let generation = 0;

  function currentChecker(): Checker | null {
    if (state.network === null) return null;
    const network = networkOf(state.network);
    const key = keyOf(network);
    if (checker === null || key !== checkedFor) {
      // A node that names one network after the other leaves no worker behind.
      checker?.stop();
      checker = createChecker(network);
    }
    checkedFor = key;
    return checker;
  }

  async function check(live: LiveRollup): Promise<void> {
    const { rollupId, thresholdBps } = live.rollup;
    const { heard, head } = live;
    const certificate = heard?.finality.certificate ?? null;
    if (heard === null || certificate === null || busy.has(rollupId)) return;
    const isChecked = head?.finality.certificate?.signature === certificate.signature;
    if (isChecked && head?.result.status !== "unchecked") return;
    const current = currentChecker();
    if (current === null) return;
    busy.add(rollupId);
    const asked = generation;
    const result = isOfItsHead(heard.finality)
      ? await current.check({ certificate, thresholdBps, trust: trust() })
      : ({ status: "refused", basis: "named-by-node", code: "wrong-subject" } as const);
    busy.delete(rollupId);
    if (asked === generation) live.head = { ...heard, result };
    onChange();
    if (live.heard !== heard && result.status !== "unchecked") await check(live);
  }

  return {
    check: (live) => void check(live),
    checker: currentChecker,
    stop: () => checker?.stop(),
    recheck() {
      generation += 1;
      for (const live of state.rollups.values()) {
        live.head = null;
        void check(live);
      }
      onChange();
    },
  };
}

function keyOf(network: MachNetwork): string {
  return Object.values(network).join(" ");
}

/** What certificates are held against, as a node names it. */
export function networkOf({ domain, genesisTime, epochSeconds }: Network): MachNetwork {
  const { chainId, verifyingContract: registry } = domain;
  return { chainId, registry, genesisTime, epochSeconds };
}

function emptyRollup(rollup: FollowedRollup): LiveRollup {
  return { rollup, heard: null, head: null, newest: null, samples: [] };
}

type PollFault = { readonly code: string; readonly message: string } | null;

async function pollNode(reader: NodeReader, state: LiveState): Promise<PollFault> {
  const [network, rollups, health, alerts] = await reader.batch([
    { id: "network", input: {} },
    { id: "rollups", input: {} },
    { id: "health", input: {} },
    { id: "alerts", input: {} },
  ]);
  if (!network.ok) return network;
  if (!rollups.ok) return rollups;
  const { data } = network.answer;
  const isOther =
    state.network !== null && keyOf(networkOf(state.network)) !== keyOf(networkOf(data));
  // A node that was started anew may serve another network under the same address.
  if (isOther) state.rollups.clear();
  state.network = data;
  const followed = rollups.answer.data.slice(0, MAX_ROLLUPS);
  // The order is the node's, and what is known of a rollup stays with it: checks are under way.
  const known = new Map(state.rollups);
  state.rollups.clear();
  for (const rollup of followed) {
    const live = known.get(rollup.rollupId) ?? emptyRollup(rollup);
    live.rollup = rollup;
    state.rollups.set(rollup.rollupId, live);
  }
  state.health = health.ok ? health.answer.data : null;
  if (alerts.ok) state.alerts = alerts.answer.data;
  return null;
}

async function pollFinality(
  reader: NodeReader,
  state: LiveState,
  take: (finality: Finality) => void,
): Promise<PollFault> {
  const rollups = [...state.rollups.values()];
  for (let first = 0; first < rollups.length; first += BATCH / 2) {
    const part = rollups.slice(first, first + BATCH / 2);
    const results = await reader.batch(
      part.map(({ rollup: { rollupId } }) => ({ id: "finality" as const, input: { rollupId } })),
    );
    for (const result of results) {
      if (result.ok) take(result.answer.data);
      else return result;
    }
    await readNewest(reader, part);
  }
  return null;
}

/** The status of observed blocks above the fast-final ones: who has signed so far. */
async function readNewest(reader: NodeReader, part: readonly LiveRollup[]): Promise<void> {
  const above = part.filter(({ heard }) => heard !== null && isAbove(heard.finality));
  for (const live of part) if (!above.includes(live)) live.newest = null;
  if (above.length === 0) return;
  const results = await reader.batch(
    above.map(({ rollup: { rollupId }, heard }) => ({
      id: "block" as const,
      input: { rollupId, block: heard?.finality.observed?.blockNumber ?? 0n },
    })),
  );
  for (const [index, result] of results.entries()) {
    const live = above[index];
    if (live !== undefined) live.newest = result.ok ? result.answer.data : null;
  }
}

/** Whether a head is below where it was heard to be: an event of before, or a reorg. */
function isOlder(finality: Finality, { rollups }: LiveState): boolean {
  const { rollupId, observed, fastFinal, reason } = finality;
  // Bad news is never too late, and takes heads back.
  if (reason?.code === "contradicted") return false;
  const heard = rollups.get(rollupId)?.heard?.finality;
  const isBelow = (now: BlockReference | null, was: BlockReference | null | undefined): boolean =>
    (now?.blockNumber ?? -1n) < (was?.blockNumber ?? -1n);
  return isBelow(observed, heard?.observed) || isBelow(fastFinal, heard?.fastFinal);
}

function isAbove({ observed, fastFinal }: Finality): boolean {
  return observed !== null && observed.blockNumber > (fastFinal?.blockNumber ?? -1n);
}

function addSample(live: LiveRollup, { fastFinal, latencyMs }: Finality): void {
  if (fastFinal === null || latencyMs === null) return;
  const { blockNumber } = fastFinal;
  const last = live.samples.at(-1);
  if (last !== undefined && last.blockNumber >= blockNumber) return;
  live.samples.push({ blockNumber, latencyMs });
  if (live.samples.length > MAX_SAMPLES) live.samples.shift();
}
