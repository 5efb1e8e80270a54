import {
  type Certificate,
  type Domain,
  type Evidence,
  type SetUpdate,
  toHex,
  type WireAttestation,
} from "@mach/core";
import { type Bindings, createBindings } from "./bindings.ts";
import { createBootRedial, toTarget } from "./boot-nodes.ts";
import { type Counters, createCounters, type GossipCounts, type GossipLogger } from "./counters.ts";
import { createDoor, type Door } from "./door.ts";
import { GossipError } from "./gossip-error.ts";
import type {
  EvidenceQuery,
  GossipHandlers,
  GossipPeer,
  PositionedEvidence,
  QueueLoad,
  RollupHead,
  SetUpdateQuery,
  SyncQuery,
} from "./handlers.ts";
import { type GossipLimits, resolveLimits } from "./limits.ts";
import { createNode, type GossipLibp2p } from "./node.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { type BindingSigner, createOwnBinding, type OwnBinding } from "./own-binding.ts";
import { loadPeerKey } from "./peer-key.ts";
import { guardPubsub } from "./pubsub-guard.ts";
import type { Redial } from "./redial.ts";
import { createRequests, type Requests } from "./requests.ts";
import { serveRequests } from "./serve-requests.ts";
import { Sessions } from "./sessions.ts";
import { createStrikes, type Strikes } from "./strikes.ts";
import type { SyncOptions, SyncResult } from "./sync.ts";
import { type NetworkNames, networkNames, topicsOf } from "./topics.ts";
import { installValidators, type ValidatorQueues } from "./validators.ts";
import {
  encodeAttestations,
  encodeCertificate,
  encodeEvidenceMessage,
  encodeSetUpdate,
} from "./wire.ts";

export interface GossipOptions {
  /** Where `peer.key` is kept. */
  readonly dataDir: string;
  readonly domain: Domain;
  /** An IP address to listen on. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Multiaddrs to tell peers, where they differ from host and port. */
  readonly announce?: readonly string[];
  /** Multiaddrs to dial, and to dial again when lost; with `/p2p/` no dial is made in vain. */
  readonly bootNodes: readonly string[];
  readonly limits?: Partial<GossipLimits>;
  /** Milliseconds. */
  readonly now: () => number;
  readonly logger: GossipLogger;
  /** For operators: without it this node speaks for nobody. */
  readonly bindingSigner?: BindingSigner;
}

/** What goes to the other nodes of the network, and what they can be asked. */
export interface Gossip {
  /** Listens and dials. Throws a GossipError where that is not possible. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** This node's peer id; empty before the start. */
  peerId(): string;
  /** The multiaddrs that others can dial, with the peer id. */
  addresses(): readonly string[];
  /** Queues an own attestation; all of one event-loop turn share a message. */
  publishAttestation(attestation: WireAttestation): void;
  publishCertificate(certificate: Certificate): void;
  publishEvidence(evidence: Evidence): void;
  /** This operator's own signature; a sum of several is a peer's to ask for. */
  publishSetUpdate(update: SetUpdate): void;
  requestCertificates(peerId: string, query: SyncQuery): Promise<SyncResult<Certificate>>;
  requestAttestations(peerId: string, query: SyncQuery): Promise<SyncResult<WireAttestation>>;
  requestHeads(peerId: string): Promise<SyncResult<RollupHead>>;
  /** Positions are the peer's own; an empty answer says that there is no more from there on. */
  requestEvidence(peerId: string, query: EvidenceQuery): Promise<SyncResult<PositionedEvidence>>;
  requestSetUpdates(peerId: string, query: SetUpdateQuery): Promise<SyncResult<SetUpdate>>;
  /** What a peer answered a request with is a lie: it gets a strike. */
  blame(peerId: string, code: string): void;
  /** The peers that said hello. */
  peers(): readonly GossipPeer[];
  /** How often each code came up. */
  stats(): GossipCounts;
  /** What waits in each bounded queue; none while it is not started. */
  queues(): readonly QueueLoad[];
  /** Verifies the peers' bindings again: to be called when the operator sets have changed. */
  recheckBindings(): void;
}

const TICK_MS = 1_000;
const MAX_REMEMBERED_PEERS = 4_096;

/** Gossip that has not been started; every bound is in `options.limits`. */
export function createGossip(options: GossipOptions, handlers: GossipHandlers): Gossip {
  return new GossipNode(options, handlers);
}

type PublishedName = "attestations" | "certificates" | "evidence" | "setUpdates";

interface Running {
  readonly libp2p: GossipLibp2p;
  readonly sessions: Sessions;
  readonly redial: Redial;
  readonly own: OwnBinding;
  readonly queues: ValidatorQueues;
  readonly timer: NodeJS.Timeout;
}

class GossipNode implements Gossip {
  readonly #options: GossipOptions;
  readonly #handlers: GossipHandlers;
  readonly #limits: GossipLimits;
  readonly #names: NetworkNames;
  readonly #counters: Counters;
  readonly #strikes: Strikes;
  readonly #door: Door;
  readonly #bindings: Bindings;
  readonly #outbox: Outbox;
  readonly #requests: Requests;
  #running: Running | null = null;
  #isStarted = false;

  constructor(options: GossipOptions, handlers: GossipHandlers) {
    const { domain, now } = options;
    const limits = resolveLimits(options.limits);
    this.#options = options;
    this.#handlers = handlers;
    this.#limits = limits;
    this.#names = networkNames(domain);
    this.#counters = createCounters(options.logger, now);
    this.#strikes = createStrikes(
      {
        limit: limits.strikeLimit,
        forgivenMs: limits.strikeForgivenMs,
        banMs: limits.banMs,
        maxPeers: MAX_REMEMBERED_PEERS,
      },
      now,
    );
    this.#door = createDoor({
      capacity: limits.maxUngreeted,
      bannedPeersPerAddress: limits.bannedPeersPerAddress,
      forgivenMs: limits.strikeForgivenMs,
      banMs: limits.banMs,
      maxAddresses: MAX_REMEMBERED_PEERS,
      now,
      onEvicted: () => this.#counters.report("lobby-full"),
    });
    this.#bindings = createBindings({
      domain,
      now,
      verify: (binding) => this.#verifyBinding(binding),
      maxOperators: MAX_REMEMBERED_PEERS,
    });
    this.#outbox = createOutbox(
      {
        maxQueued: limits.maxQueuedAttestations,
        maxPerMessage: limits.maxAttestationsPerMessage,
        delayMs: limits.flushDelayMs,
      },
      {
        send: (group) => this.#publish("attestations", () => encodeAttestations(group)),
        onDropped: () => this.#counters.report("outbox-full"),
      },
    );
    this.#requests = createRequests({
      sync: this.#syncOptions(),
      codec: handlers,
      connectionTo: (peerId) => this.#running?.sessions.connectionTo(peerId),
      count: (peerId, code) => this.#counters.count(code, peerId),
      onLie: (peerId, code) => this.#running?.sessions.blame(peerId, code),
    });
  }

  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { domain, now, bindingSigner } = this.#options;
    const targets = this.#options.bootNodes.map(toTarget);
    const key = await loadPeerKey(this.#options.dataDir);
    const libp2p = await this.#createNode(key.privateKey);
    const own = createOwnBinding(bindingSigner, {
      peerId: toHex(libp2p.peerId.toMultihash().bytes),
      lifetimeMs: this.#limits.bindingLifetimeMs,
      now,
      onFailed: (error) => this.#counters.report("binding-not-signed", { error }),
    });
    const redial = createBootRedial(libp2p, targets, {
      minMs: this.#limits.redialMinMs,
      maxMs: this.#limits.redialMaxMs,
      onFailed: (address, error) => {
        this.#counters.count("dial-failed");
        this.#options.logger.debug({ address, err: error }, "boot node not reached");
      },
    });
    const guard = guardPubsub(libp2p.services.pubsub, {
      topics: new Set(topicsOf(this.#names)),
      isWithinRate: (peerId, cost) => sessions.isMessageWithinRate(peerId, cost),
      onTrouble: (peerId, code) => {
        this.#counters.count(code, peerId);
        sessions.blame(peerId, code);
      },
    });
    const sessions = new Sessions(libp2p, guard, {
      names: this.#names,
      limits: this.#limits,
      now,
      counters: this.#counters,
      strikes: this.#strikes,
      door: this.#door,
      bindings: this.#bindings,
      ownHello: () => ({ networkId: this.#names.networkId, binding: own.current() }),
      onPeerReady: (peer) => this.#handlers.onPeerReady(peer),
      onGreeted: (peerId) => redial.onReady(peerId),
      onDisconnected: (peerId) => redial.onDisconnected(peerId),
    });
    const queues = installValidators(libp2p.services.pubsub, this.#handlers, {
      domain,
      names: this.#names,
      limits: this.#limits,
      counters: this.#counters,
      sourceOf: (peerId) => sessions.sourceOf(peerId),
      isWelcome: (peerId) => sessions.isWelcome(peerId),
      onBlamed: (peerId, code) => sessions.blame(peerId, code),
    });
    await sessions.start();
    const serving = { options: this.#syncOptions(), sessions, counters: this.#counters };
    await serveRequests(libp2p, this.#handlers, serving);
    await own.renewIfDue();
    await listen(libp2p);
    for (const topic of topicsOf(this.#names)) libp2p.services.pubsub.subscribe(topic);
    const timer = setInterval(() => void this.#tick(), TICK_MS);
    this.#running = { libp2p, sessions, redial, own, queues, timer };
    redial.start();
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#outbox.flush();
    this.#running = null;
    this.#isStarted = false;
    clearInterval(running.timer);
    running.redial.stop();
    running.sessions.stop();
    running.queues.close();
    this.#outbox.close();
    await running.libp2p.stop();
  }

  peerId(): string {
    return this.#running?.libp2p.peerId.toString() ?? "";
  }

  addresses(): readonly string[] {
    return this.#running?.libp2p.getMultiaddrs().map(String) ?? [];
  }

  publishAttestation(attestation: WireAttestation): void {
    this.#outbox.add(attestation);
  }

  publishCertificate(certificate: Certificate): void {
    this.#publish("certificates", () => encodeCertificate(certificate));
  }

  publishEvidence(evidence: Evidence): void {
    this.#publish("evidence", () => encodeEvidenceMessage(this.#handlers, evidence));
  }

  publishSetUpdate(update: SetUpdate): void {
    this.#publish("setUpdates", () => encodeSetUpdate(update));
  }

  requestCertificates(peerId: string, query: SyncQuery): Promise<SyncResult<Certificate>> {
    return this.#requests.certificates(peerId, query);
  }

  requestAttestations(peerId: string, query: SyncQuery): Promise<SyncResult<WireAttestation>> {
    return this.#requests.attestations(peerId, query);
  }

  requestHeads(peerId: string): Promise<SyncResult<RollupHead>> {
    return this.#requests.heads(peerId);
  }

  requestEvidence(peerId: string, query: EvidenceQuery): Promise<SyncResult<PositionedEvidence>> {
    return this.#requests.evidence(peerId, query);
  }

  requestSetUpdates(peerId: string, query: SetUpdateQuery): Promise<SyncResult<SetUpdate>> {
    return this.#requests.setUpdates(peerId, query);
  }

  blame(peerId: string, code: string, address?: string): void {
    this.#counters.count(code, peerId);
    this.#running?.sessions.blame(peerId, code, address);
  }

  peers(): readonly GossipPeer[] {
    return this.#running?.sessions.list() ?? [];
  }

  stats(): GossipCounts {
    return this.#counters.snapshot();
  }

  queues(): readonly QueueLoad[] {
    return this.#running === null ? [] : [...this.#running.queues.loads(), this.#outbox.load()];
  }

  recheckBindings(): void {
    this.#bindings.recheck();
  }

  #createNode(privateKey: Parameters<typeof createNode>[0]["privateKey"]): Promise<GossipLibp2p> {
    const { host, port, announce = [] } = this.#options;
    for (const address of announce) toTarget(address);
    return createNode({
      privateKey,
      host,
      port,
      announce,
      names: this.#names,
      limits: this.#limits,
      isOperator: (peerId) => this.#running?.sessions.operatorOf(peerId) !== undefined,
      isBanned: (peerId) => this.#strikes.isBanned(peerId),
      door: this.#door,
      isKnownOperator: (peerId) => this.#bindings.isKnown(peerId),
      now: this.#options.now,
      onTrouble: ({ peerId, address }, code) => this.blame(peerId, code, address),
    });
  }

  #syncOptions(): SyncOptions {
    const { domain } = this.#options;
    return { protocol: this.#names.sync, domain, timeoutMs: this.#limits.requestTimeoutMs };
  }

  #publish(name: PublishedName, encode: () => Uint8Array): void {
    const running = this.#running;
    if (running === null) {
      this.#counters.report("publish-while-stopped");
      return;
    }
    let data: Uint8Array;
    try {
      data = encode();
    } catch (error) {
      // What cannot be written is the node's own fault, and no reason to stop attesting.
      this.#counters.report("publish-failed", { error });
      return;
    }
    if (data.length > this.#limits.maxMessageBytes) {
      this.#counters.report("publish-too-large");
      return;
    }
    this.#counters.count(`published-${name === "setUpdates" ? "set-updates" : name}`);
    running.libp2p.services.pubsub
      .publish(this.#names[name], data)
      .catch((error: unknown) => this.#counters.report("publish-failed", { error }));
  }

  #verifyBinding(binding: Parameters<GossipHandlers["verifyBinding"]>[0]): boolean {
    try {
      return this.#handlers.verifyBinding(binding);
    } catch (error) {
      this.#counters.report("handler-failed", { error });
      return false;
    }
  }

  async #tick(): Promise<void> {
    this.#running?.sessions.tick();
    if (await this.#running?.own.renewIfDue()) await this.#running?.sessions.renew();
  }
}

async function listen(libp2p: GossipLibp2p): Promise<void> {
  try {
    await libp2p.start();
  } catch (cause) {
    await libp2p.stop();
    throw new GossipError(
      "listen-failed",
      "the gossip address cannot be listened on: free the port, or set another gossip.port",
      { cause },
    );
  }
}
