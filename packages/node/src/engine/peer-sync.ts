import type { EngineState, OperatorSet } from "@mach/core";
import type { Gossip } from "../gossip/gossip.ts";
import type { GossipPeer } from "../gossip/handlers.ts";
import type { EngineShell } from "./shell.ts";

export interface PeerSyncPorts {
  readonly gossip: Pick<
    Gossip,
    "peers" | "requestHeads" | "requestCertificates" | "requestAttestations"
  >;
  readonly engine: Pick<EngineShell, "state" | "receiveCertificate" | "receiveAttestations">;
}

export interface PeerSyncOptions {
  readonly intervalMs: number;
  /** How many heights below the newest certificate are compared again: theirs may be better. */
  readonly overlap: number;
}

/** Asks peers for the certificates and attestations that were missed. */
export interface PeerSync {
  start(): void;
  /** A peer has come: asked at once. */
  onPeerReady(peer: Pick<GossipPeer, "peerId">): void;
  stop(): Promise<void>;
}

const PAGE = 64;
const MAX_PAGES = 32;

/** One peer at a time, and one rollup after the other: catching up must not crowd out the new. */
export function createPeerSync(ports: PeerSyncPorts, options: PeerSyncOptions): PeerSync {
  const { gossip, engine } = ports;
  const waiting: string[] = [];
  let isStopped = false;
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let turn = 0;

  async function syncWith(peerId: string): Promise<void> {
    const heads = await gossip.requestHeads(peerId);
    if (!heads.ok) return;
    const theirs = new Map(heads.items.map((head) => [head.rollupId, head.blockNumber]));
    for (const rollupId of [...engine.state().rollups.keys()]) {
      if (isStopped) return;
      const newest = theirs.get(rollupId);
      if (newest !== undefined) await fetchCertificates(peerId, { rollupId, newest });
      await fetchAttestations(peerId, rollupId);
    }
  }

  async function fetchCertificates(
    peerId: string,
    wanted: { readonly rollupId: bigint; readonly newest: bigint },
  ): Promise<void> {
    const { rollupId, newest } = wanted;
    let from = firstWanted(engine.state(), wanted, options.overlap);
    for (let page = 0; page < MAX_PAGES && from <= newest && !isStopped; page++) {
      const answer = await gossip.requestCertificates(peerId, { rollupId, from, limit: PAGE });
      if (!answer.ok || answer.items.length === 0) return;
      for (const certificate of answer.items) {
        // A peer that answers what was not asked for is not listened to further.
        if (certificate.claim.rollupId !== rollupId || certificate.claim.blockNumber < from) return;
        const verdict = await engine.receiveCertificate(certificate);
        if (!verdict.accept && verdict.blame) return;
        from = certificate.claim.blockNumber + 1n;
      }
    }
  }

  async function fetchAttestations(peerId: string, rollupId: bigint): Promise<void> {
    const rollup = engine.state().rollups.get(rollupId);
    const open = engine.state().options.openHeights;
    const tip = rollup?.tip?.blockNumber;
    if (tip === undefined) return;
    let from = tip > BigInt(open) ? tip - BigInt(open) : 0n;
    for (let page = 0; page < MAX_PAGES && !isStopped; page++) {
      const answer = await gossip.requestAttestations(peerId, { rollupId, from, limit: PAGE });
      if (!answer.ok || answer.items.length === 0) return;
      await Promise.all(answer.items.map((each) => engine.receiveAttestations([each])));
      const last = answer.items.at(-1)?.claim.blockNumber ?? from;
      if (answer.items.length < PAGE || last < from) return;
      // The last height may have been cut off: it is asked for again unless it fills the page.
      from = last > from ? last : last + 1n;
    }
  }

  async function drain(): Promise<void> {
    for (let peerId = waiting.shift(); peerId !== undefined; peerId = waiting.shift()) {
      if (isStopped) return;
      await syncWith(peerId);
    }
  }

  function enqueue(peerId: string): void {
    if (isStopped) return;
    if (!waiting.includes(peerId)) waiting.push(peerId);
    running ??= drain().finally(() => {
      running = null;
    });
  }

  return {
    start() {
      timer = setInterval(() => {
        const peers = gossip.peers();
        const peer = peers[turn % Math.max(1, peers.length)];
        turn += 1;
        if (peer !== undefined) enqueue(peer.peerId);
      }, options.intervalMs);
    },
    onPeerReady: (peer) => enqueue(peer.peerId),
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await running;
    },
  };
}

/** From where on a peer's certificates may be news: none is asked for that no set is known for. */
function firstWanted(
  state: EngineState,
  wanted: { readonly rollupId: bigint; readonly newest: bigint },
  overlap: number,
): bigint {
  const rollup = state.rollups.get(wanted.rollupId);
  const oldestSet = oldestKnown(state);
  const held = rollup?.newest?.certificate.claim.blockNumber;
  if (oldestSet === null) return wanted.newest + 1n;
  const horizon = wanted.newest - BigInt(state.options.openHeights);
  const from = held === undefined ? horizon : held - BigInt(overlap);
  const lowest = from > horizon ? from : horizon;
  return lowest < 0n ? 0n : lowest;
}

function oldestKnown(state: EngineState): OperatorSet | null {
  const [oldest] = [...state.epochs.values()];
  return oldest?.operatorSet ?? null;
}
