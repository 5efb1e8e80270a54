import { type EngineState, firstOpenSetUpdate, singleSigner } from "@mach/core";
import type { Gossip } from "../gossip/gossip.ts";
import type { GossipPeer } from "../gossip/handlers.ts";
import type { Sender } from "./sender-standing.ts";
import type { EngineShell } from "./shell.ts";
import type { Verdict } from "./verdict.ts";

export interface PeerSyncPorts {
  readonly gossip: Pick<
    Gossip,
    | "peers"
    | "requestHeads"
    | "requestCertificates"
    | "requestAttestations"
    | "requestEvidence"
    | "requestSetUpdates"
    | "blame"
  >;
  readonly engine: Pick<
    EngineShell,
    "state" | "receiveCertificate" | "receiveAttestations" | "receiveEvidence" | "receiveSetUpdate"
  >;
  /** Told of what should not happen: the peer is left, and the next one asked. */
  readonly onFault: (error: unknown) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface PeerSyncOptions {
  readonly intervalMs: number;
  /** How many heights below the newest certificate are compared again: theirs may be better. */
  readonly overlap: number;
  /** How long one peer may keep the others waiting. */
  readonly peerTimeoutMs: number;
}

/** Asks peers for the certificates, attestations, evidence and set updates that were missed. */
export interface PeerSync {
  start(): void;
  /** A peer has come: asked at once. */
  onPeerReady(peer: Pick<GossipPeer, "peerId">): void;
  /** Whether a peer has handed over what it holds since the start. */
  hasAsked(): boolean;
  /** What is under way is not waited for: what it still brings is dropped. */
  stop(): void;
}

const OVERLAP = 8;
const PEER_TIMEOUT_MS = 20_000;
const CERTIFICATES_PER_PAGE = 64;
/** All of a height's attestations come in one page, where the set is no larger than that. */
const ATTESTATIONS_PER_PAGE = 256;
const MAX_PAGES = 32;
const MAX_WAITING = 128;
const EVIDENCE_PER_PAGE = 64;
const MAX_EVIDENCE_PAGES = 8;
const SET_UPDATES_PER_PAGE = 256;
/** Enough for the single signatures of a few epochs of the largest sets. */
const MAX_SET_UPDATE_PAGES = 16;
/** Peers whose place is remembered; who is forgotten is read from the start again. */
const MAX_PLACES = 256;
const MAX_POSITION = 2n ** 64n - 1n;

/** What a node's configuration comes to. */
export function peerSyncOptions(gossip: { readonly syncIntervalMs: number }): PeerSyncOptions {
  const { syncIntervalMs: intervalMs } = gossip;
  return { intervalMs, overlap: OVERLAP, peerTimeoutMs: PEER_TIMEOUT_MS };
}

/** One peer at a time, and one rollup after the other: catching up must not crowd out the new. */
export function createPeerSync(ports: PeerSyncPorts, options: PeerSyncOptions): PeerSync {
  return new Sync(ports, options);
}

class Sync implements PeerSync {
  readonly #ports: PeerSyncPorts;
  readonly #options: PeerSyncOptions;
  readonly #waiting: string[] = [];
  readonly #places = new Map<string, EvidencePlace>();
  #isStopped = false;
  #hasAsked = false;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;

  constructor(ports: PeerSyncPorts, options: PeerSyncOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      const peers = this.#ports.gossip.peers();
      const peer = peers[this.#turn % Math.max(1, peers.length)];
      this.#turn += 1;
      if (peer !== undefined) this.onPeerReady(peer);
    }, this.#options.intervalMs);
  }

  onPeerReady({ peerId }: Pick<GossipPeer, "peerId">): void {
    if (this.#isStopped) return;
    const isNew = !this.#waiting.includes(peerId);
    // Who finds no place has its turn with the interval.
    if (isNew && this.#hasPlaceFor(peerId)) this.#waiting.push(peerId);
    this.#running ??= this.#drain();
  }

  hasAsked(): boolean {
    return this.#hasAsked;
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  /** Anyone can come as many peers, and keep each turn to its end: operators do not wait for them. */
  #operators(): ReadonlySet<string> {
    const peers = this.#ports.gossip.peers().filter(({ operator }) => operator !== null);
    return new Set(peers.map(({ peerId }) => peerId));
  }

  #hasPlaceFor(peerId: string): boolean {
    if (this.#waiting.length < MAX_WAITING) return true;
    const operators = this.#operators();
    const other = this.#waiting.findIndex((each) => !operators.has(each));
    if (!operators.has(peerId) || other < 0) return false;
    this.#waiting.splice(other, 1);
    return true;
  }

  #next(): string | undefined {
    const operators = this.#operators();
    const first = this.#waiting.findIndex((each) => operators.has(each));
    return this.#waiting.splice(Math.max(0, first), 1)[0];
  }

  async #drain(): Promise<void> {
    for (let peerId = this.#next(); peerId; peerId = this.#next()) {
      if (this.#isStopped) break;
      try {
        await this.#syncWith(new PeerTurn(this.#ports, { ...this.#options, peerId }));
      } catch (error) {
        // One peer's turn must not be the last.
        this.#ports.onFault(error);
      }
    }
    // In the same turn as the look that found nobody waiting: nobody can come in between.
    this.#running = null;
  }

  #placeOf({ peerId }: PeerTurn): EvidencePlace {
    const place = this.#places.get(peerId) ?? { from: 0n, unknown: null };
    this.#places.delete(peerId);
    this.#places.set(peerId, place);
    const oldest = this.#places.keys().next();
    if (this.#places.size > MAX_PLACES && !oldest.done) this.#places.delete(oldest.value);
    return place;
  }

  async #syncWith(peer: PeerTurn): Promise<void> {
    const heads = await peer.heads();
    const isOver = (): boolean => this.#isStopped || peer.isOver();
    if (heads !== null && !isOver())
      await peer.fetchEvidence({ place: this.#placeOf(peer), isOver });
    if (heads !== null && !isOver()) await peer.fetchSetUpdates(isOver);
    for (const rollupId of [...this.#ports.engine.state().rollups.keys()]) {
      if (heads === null || isOver()) return;
      const newest = heads.get(rollupId);
      if (newest !== undefined) await peer.fetchCertificates({ rollupId, newest, isOver });
      if (!isOver()) await peer.fetchAttestations({ rollupId, isOver });
    }
    if (heads !== null && !isOver()) this.#hasAsked = true;
  }
}

/** How far a peer's evidence has been read. */
interface EvidencePlace {
  from: bigint;
  /** The first that could not be checked for want of its epoch's set, and what sets there were. */
  unknown: { readonly from: bigint; readonly epochs: string } | null;
}

interface Wanted {
  readonly rollupId: bigint;
  readonly isOver: () => boolean;
}

/** What one peer is asked for in its turn, and when it is over. */
class PeerTurn {
  readonly #ports: PeerSyncPorts;
  readonly peerId: string;
  readonly #overlap: number;
  readonly #endsAtMs: number;
  #isLiar = false;

  constructor(ports: PeerSyncPorts, options: PeerSyncOptions & { readonly peerId: string }) {
    this.#ports = ports;
    this.peerId = options.peerId;
    this.#overlap = options.overlap;
    this.#endsAtMs = ports.now() + options.peerTimeoutMs;
  }

  isOver(): boolean {
    return this.#isLiar || this.#ports.now() >= this.#endsAtMs;
  }

  /** The newest certified height of each rollup; null where the peer does not say. */
  async heads(): Promise<ReadonlyMap<bigint, bigint> | null> {
    const heads = await this.#ports.gossip.requestHeads(this.peerId);
    return heads.ok ? new Map(heads.items.map((head) => [head.rollupId, head.blockNumber])) : null;
  }

  async fetchCertificates(wanted: Wanted & { readonly newest: bigint }): Promise<void> {
    const { gossip, engine } = this.#ports;
    const { rollupId, newest, isOver } = wanted;
    const limit = CERTIFICATES_PER_PAGE;
    let from = firstWanted(engine.state(), wanted, this.#overlap);
    for (let page = 0; page < MAX_PAGES && from <= newest; page++) {
      const answer = await gossip.requestCertificates(this.peerId, { rollupId, from, limit });
      if (!answer.ok || answer.items.length === 0) return;
      for (const certificate of answer.items) {
        if (isOver()) return;
        const { claim } = certificate;
        if (claim.rollupId !== rollupId || claim.blockNumber < from) return this.#blame("unasked");
        if (this.#isLie(await engine.receiveCertificate(certificate))) return;
        from = claim.blockNumber + 1n;
      }
    }
  }

  async fetchAttestations({ rollupId, isOver }: Wanted): Promise<void> {
    const { gossip, engine } = this.#ports;
    const rollup = engine.state().rollups.get(rollupId);
    const open = BigInt(engine.state().options.openHeights);
    const tip = rollup?.tip?.blockNumber;
    if (tip === undefined) return;
    const limit = ATTESTATIONS_PER_PAGE;
    let from = tip > open ? tip - open : 0n;
    for (let page = 0; page < MAX_PAGES && from <= tip + open; page++) {
      const answer = await gossip.requestAttestations(this.peerId, { rollupId, from, limit });
      if (!answer.ok || answer.items.length === 0 || isOver()) return;
      const verdict = await engine.receiveAttestations(answer.items, this.#sender());
      if (this.#isLie(verdict) || isOver()) return;
      const last = answer.items.at(-1)?.claim.blockNumber ?? from;
      if (answer.items.length < limit || last < from) return;
      // The last height may have been cut off: it is asked for again unless it fills the page.
      from = last > from ? last : last + 1n;
    }
  }

  /** Goes on where the last turn ended, and back to what was passed over when sets have come. */
  async fetchEvidence(wanted: {
    readonly place: EvidencePlace;
    readonly isOver: () => boolean;
  }): Promise<void> {
    const { gossip, engine } = this.#ports;
    const { place, isOver } = wanted;
    const epochs = [...engine.state().epochs.keys()].join();
    if (epochs === "") return;
    if (place.unknown !== null && place.unknown.epochs !== epochs) {
      place.from = place.unknown.from;
      place.unknown = null;
    }
    const limit = EVIDENCE_PER_PAGE;
    for (let page = 0; page < MAX_EVIDENCE_PAGES && place.from <= MAX_POSITION; page++) {
      const answer = await gossip.requestEvidence(this.peerId, { from: place.from, limit });
      if (!answer.ok || answer.items.length === 0) return;
      for (const { position, evidence } of answer.items) {
        if (isOver()) return;
        const verdict = await engine.receiveEvidence(evidence);
        if (this.#isLie(verdict)) return;
        const isUnknown = !verdict.accept && verdict.code === "unknown-operator-set";
        if (isUnknown) place.unknown ??= { from: position, epochs };
        place.from = position + 1n;
      }
    }
  }

  /** From the first epoch whose update lacks a signer here: single signatures, or what stands. */
  async fetchSetUpdates(isOver: () => boolean): Promise<void> {
    const { gossip, engine } = this.#ports;
    const first = firstOpenSetUpdate(engine.state());
    if (first === null) return;
    const limit = SET_UPDATES_PER_PAGE;
    let place = { epoch: first, from: 0 };
    for (let page = 0; page < MAX_SET_UPDATE_PAGES && place.epoch <= MAX_POSITION; page++) {
      const answer = await gossip.requestSetUpdates(this.peerId, { ...place, limit });
      if (!answer.ok) return;
      for (const update of answer.items) {
        if (isOver() || this.#isLie(await engine.receiveSetUpdate(update, this.#sender()))) return;
        const { epoch } = update;
        const single = singleSigner(update);
        place = single === null ? { epoch: epoch + 1n, from: 0 } : { epoch, from: single + 1 };
      }
      if (answer.items.length < limit) return;
    }
  }

  #sender(): Sender {
    const { peerId } = this;
    const operator = this.#ports.gossip.peers().find((each) => each.peerId === peerId)?.operator;
    return operator ? { peerId, operator } : { peerId };
  }

  #isLie(verdict: Verdict): boolean {
    if (verdict.accept || !verdict.blame) return false;
    if (!this.#isLiar) this.#blame(verdict.code);
    return true;
  }

  #blame(code: string): void {
    this.#isLiar = true;
    this.#ports.gossip.blame(this.peerId, code);
  }
}

/** From where on a peer's certificates may be news: none is asked for while no set is known. */
function firstWanted(
  state: EngineState,
  wanted: { readonly rollupId: bigint; readonly newest: bigint },
  overlap: number,
): bigint {
  if (state.epochs.size === 0) return wanted.newest + 1n;
  const held = state.rollups.get(wanted.rollupId)?.newest?.certificate.claim.blockNumber;
  // What lies further below is covered by what is above it.
  const horizon = wanted.newest - BigInt(state.options.openHeights);
  const from = held === undefined ? horizon : held - BigInt(overlap);
  const lowest = from > horizon ? from : horizon;
  return lowest < 0n ? 0n : lowest;
}
