import type { Connection, PeerId, Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import type { Hex } from "@mach/core";
import type { Bindings } from "./bindings.ts";
import type { Counters } from "./counters.ts";
import { createDeparted, type Departed } from "./departed.ts";
import type { Door } from "./door.ts";
import type { GossipPeer, GossipSource } from "./handlers.ts";
import { answerHello, type Hello, type HelloResult, sayHello } from "./hello.ts";
import type { GossipLimits } from "./limits.ts";
import type { GossipLibp2p } from "./node.ts";
import type { PubsubGuard } from "./pubsub-guard.ts";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";
import { HANG_UP_SCORE } from "./scores.ts";
import { createSession, type Session } from "./session.ts";
import type { Strikes } from "./strikes.ts";
import type { NetworkNames } from "./topics.ts";

export interface SessionsContext {
  readonly names: NetworkNames;
  readonly limits: GossipLimits;
  /** Milliseconds. */
  readonly now: () => number;
  readonly counters: Counters;
  readonly strikes: Strikes;
  readonly door: Door;
  readonly bindings: Bindings;
  readonly ownHello: () => Hello;
  readonly onPeerReady: (peer: GossipPeer) => void;
  readonly onGreeted: (peerId: string) => void;
  readonly onDisconnected: (peerId: string) => void;
}

/** How long the exchange of subscriptions may take before a peer counts as ready without. */
const LINK_WAIT_MS = 2_000;
const LINK_POLL_MS = 10;
/** A connection without gossip for this long is closed, so that it can be made anew. */
const UNLINKED_MS = 30_000;

/** Watches the connections: hello, identity, strikes, and hanging up. */
export class Sessions {
  readonly #context: SessionsContext;
  readonly #libp2p: GossipLibp2p;
  readonly #guard: PubsubGuard;
  readonly #sessions = new Map<string, Session>();
  readonly #outsiderMessages: RateLimit;
  readonly #outsiderRequests: RateLimit;
  readonly #departed: Departed;
  #isStopped = false;

  constructor(libp2p: GossipLibp2p, guard: PubsubGuard, context: SessionsContext) {
    this.#libp2p = libp2p;
    this.#guard = guard;
    this.#context = context;
    const { limits, now } = context;
    const { outsiderMessagesPerSecond: messages, outsiderRequestsPerSecond: requests } = limits;
    this.#outsiderMessages = createRateLimit({ perSecond: messages, burst: 2 * messages }, now);
    this.#outsiderRequests = createRateLimit({ perSecond: requests, burst: 4 * requests }, now);
    this.#departed = createDeparted(libp2p, guard, now);
  }

  /** Registers the hello protocol and follows the connections; before libp2p starts. */
  async start(): Promise<void> {
    const { names } = this.#context;
    await this.#libp2p.handle(
      names.hello,
      (stream, connection) => this.#answer(stream, connection),
      {
        maxInboundStreams: 2,
        maxOutboundStreams: 4,
      },
    );
    this.#libp2p.addEventListener("connection:open", (event) => this.#onOpen(event.detail));
    this.#libp2p.addEventListener("peer:disconnect", (event) => this.#onClosed(event.detail));
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** The neighbour that a message came from. */
  sourceOf(peerId: string): GossipSource {
    const operator = this.operatorOf(peerId);
    return operator === undefined ? { peerId } : { peerId, operator };
  }

  /** The operator whose privileges a peer has: none while too much comes from that operator's peers. */
  operatorOf(peerId: string): Hex | undefined {
    const { bindings, strikes } = this.#context;
    const session = this.#sessions.get(peerId);
    const operator = session && bindings.operatorOf(session.multihash);
    return operator === undefined || strikes.isBanned(operator) ? undefined : operator;
  }

  /** Whether a peer is neither kept out nor being hung up on. One that left by itself is welcome. */
  isWelcome(peerId: string): boolean {
    if (this.#context.strikes.isBanned(peerId)) return false;
    return this.#sessions.get(peerId)?.isHungUpOn !== true;
  }

  isMessageWithinRate(peerId: string, cost: number): boolean {
    const session = this.#sessions.get(peerId);
    if (session === undefined || session.isHungUpOn) return false;
    if (session.isMessageWithinRate(cost)) {
      if (this.#isOperator(session) || this.#outsiderMessages(cost)) return true;
      // Others may have used up what outsiders share: that is not for this one to answer for.
      this.#context.counters.report("too-many-outsiders-messages", { peerId });
      return false;
    }
    this.#context.counters.report("too-many-messages", { peerId });
    // No strike: after a standstill of this node even an honest peer's messages come all at once.
    if (!session.isDropWithinRate()) this.hangUp(peerId, "flood");
    return false;
  }

  isRequestWithinRate(peerId: string, cost: number): boolean {
    const session = this.#sessions.get(peerId);
    if (session === undefined || !session.isRequestWithinRate(cost)) return false;
    return this.#isOperator(session) || this.#outsiderRequests(cost);
  }

  #isOperator(session: Session): boolean {
    return this.operatorOf(session.peerId) !== undefined;
  }

  /**
   * A strike; at one too many the peer is hung up on and kept out. It counts against the peer's
   * operator too: its key has vouched for the peer, and makes new ones at no cost. `address` is where
   * the peer is, for a connection that is not known here yet.
   */
  blame(peerId: string, code: string, address?: string): void {
    const { counters, strikes } = this.#context;
    counters.report("strike", { peerId });
    const operator = this.operatorOf(peerId);
    if (operator !== undefined && strikes.add(operator)) {
      counters.report("operator-banned", { peerId });
    }
    if (strikes.add(peerId)) this.#ban(peerId, address);
    else if (code === "oversized-frame") this.hangUp(peerId, code);
  }

  #ban(peerId: string, address?: string): void {
    const { counters, door } = this.#context;
    const from = address ?? this.#connectionsTo(peerId)[0]?.remoteAddr.toString();
    this.hangUp(peerId, "banned");
    // One identity more costs nothing; one address more does. Operators there are not turned out.
    if (from === undefined || !door.onBanned(from)) return;
    counters.report("address-banned");
    for (const session of this.#sessions.values()) {
      const [connection] = this.#connectionsTo(session.peerId);
      const isThere = connection !== undefined && door.isBanned(connection.remoteAddr.toString());
      if (isThere && !session.isDialled && !this.#isOperator(session)) {
        this.hangUp(session.peerId, "address-banned");
      }
    }
  }

  #connectionsTo(peerId: string): readonly Connection[] {
    return this.#libp2p.getConnections(peerIdFromString(peerId));
  }

  hangUp(peerId: string, code: string): void {
    this.#context.counters.report(`hung-up-${code}`, { peerId });
    const session = this.#sessions.get(peerId);
    if (session !== undefined) session.isHungUpOn = true;
    for (const connection of this.#connectionsTo(peerId)) connection.abort(new Error(code));
  }

  /** The greeted peers. */
  list(): readonly GossipPeer[] {
    return [...this.#sessions.values()]
      .filter((each) => each.isGreeted)
      .map((each) => this.#describe(each));
  }

  connectionTo(peerId: string): Connection | undefined {
    if (!this.#sessions.has(peerId)) return undefined;
    return this.#connectionsTo(peerId).find((each) => each.status === "open");
  }

  /** Says hello again to every peer, because this node's own binding has changed. */
  async renew(): Promise<void> {
    await Promise.all(
      [...this.#sessions.values()].map(async (session) => {
        const connection = this.connectionTo(session.peerId);
        if (connection !== undefined && session.isGreeted) await this.#greet(session, connection);
      }),
    );
  }

  /** Hangs up on peers that said no hello, scored too low, or whose gossip is cut. */
  tick(): void {
    const { limits, now } = this.#context;
    for (const session of this.#sessions.values()) {
      const { peerId } = session;
      // A connection may be told of, or handed a stream, when it has closed already.
      if (this.#connectionsTo(peerId).length === 0) {
        this.#end(session);
        continue;
      }
      const isLinked = this.#isLinked(peerId);
      if (isLinked) session.unlinkedSince = null;
      else {
        session.unlinkedSince ??= now();
        this.#link(session);
      }
      if (!session.isGreeted && now() - session.connectedAt > limits.helloTimeoutMs) {
        this.hangUp(peerId, "no-hello");
      } else if (this.#guard.scoreOf(peerId) < HANG_UP_SCORE) {
        this.hangUp(peerId, "low-score");
      } else if (session.unlinkedSince !== null && now() - session.unlinkedSince > UNLINKED_MS) {
        this.hangUp(peerId, "no-gossip");
      }
    }
    this.#hangUpBeyond(limits.maxConnections);
    this.#departed.sweep();
  }

  /** Peers that nobody speaks for, beyond their number, the last to come first; none that was dialled. */
  #hangUpBeyond(most: number): void {
    for (const session of this.#outsiders().slice(most)) this.hangUp(session.peerId, "full");
  }

  #outsiders(): readonly Session[] {
    return [...this.#sessions.values()].filter(
      (each) => each.isGreeted && !each.isDialled && !each.isHungUpOn && !this.#isOperator(each),
    );
  }

  #link(session: Session): void {
    const connection = this.connectionTo(session.peerId);
    if (!session.isGreeted || connection === undefined) return;
    if (!this.#guard.hasOutboundStream(session.peerId)) this.#guard.link(connection);
  }

  #onOpen(connection: Connection): void {
    const session = this.#sessionOf(connection.remotePeer);
    session.isHungUpOn = false;
    if (session.isGreeted) this.#context.door.onGreeted(connection.remoteAddr.toString());
    if (connection.direction === "outbound") {
      session.isDialled = true;
      void this.#greet(session, connection);
    }
    this.#closeBeyond(session, connection);
  }

  /** One identity takes no more than its share; the newest connection is the one that works. */
  #closeBeyond(session: Session, newest: Connection): void {
    const others = this.#connectionsTo(session.peerId).filter(
      (each) => each !== newest && each.status === "open",
    );
    const most = this.#context.limits.maxConnectionsPerPeer - 1;
    for (const each of others.slice(0, Math.max(0, others.length - most))) {
      this.#context.counters.report("too-many-connections", { peerId: session.peerId });
      each.abort(new Error("too many connections"));
    }
  }

  #onClosed(peer: PeerId): void {
    const session = this.#sessions.get(peer.toString());
    // The news may be of an old connection while a new one stands.
    if (session === undefined || this.#libp2p.getConnections(peer).length > 0) return;
    this.#end(session);
  }

  #end(session: Session): void {
    this.#sessions.delete(session.peerId);
    this.#context.bindings.forget(session.multihash);
    this.#departed.add(session.peerId);
    this.#context.onDisconnected(session.peerId);
  }

  #sessionOf(peer: PeerId): Session {
    const peerId = peer.toString();
    const known = this.#sessions.get(peerId);
    if (known !== undefined) return known;
    const session = createSession(peer, this.#context.limits, this.#context.now);
    this.#sessions.set(peerId, session);
    return session;
  }

  async #greet(session: Session, connection: Connection): Promise<void> {
    const result = await sayHello(connection, this.#helloOptions());
    await this.#onHello(session, connection, result);
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const session = this.#sessionOf(connection.remotePeer);
    if (!session.isHelloWithinRate()) {
      this.#context.counters.report("too-many-hellos", { peerId: session.peerId });
      stream.abort(new Error("too many hellos"));
      return;
    }
    await this.#onHello(session, connection, await answerHello(stream, this.#helloOptions()));
  }

  #helloOptions(): Parameters<typeof answerHello>[1] {
    const { names, limits, ownHello } = this.#context;
    return { protocol: names.hello, timeoutMs: limits.helloTimeoutMs, own: ownHello };
  }

  async #onHello(session: Session, connection: Connection, result: HelloResult): Promise<void> {
    const { counters, bindings } = this.#context;
    const { peerId, multihash } = session;
    if (this.#isStopped) return;
    if (!result.ok) {
      counters.report(`hello-${result.code}`, { peerId });
      if (result.code === "malformed" || result.code === "oversized")
        this.blame(peerId, result.code);
      // A peer that was greeted once is not lost for a renewal that failed.
      if (!session.isGreeted || result.code === "wrong-network") {
        connection.abort(new Error(result.code));
      }
      return;
    }
    // What one shows who has left meanwhile would never be forgotten.
    if (this.#sessions.get(peerId) !== session) return;
    const { binding } = result.hello;
    if (binding === null) bindings.forget(multihash);
    else {
      const shown = bindings.offer(multihash, binding);
      if (!shown.ok) counters.report(shown.code, { peerId });
      if (!shown.ok && shown.code === "binding-of-another-peer") this.blame(peerId, shown.code);
    }
    if (!session.isGreeted) await this.#welcome(session);
  }

  async #welcome(session: Session): Promise<void> {
    const { limits, door, onGreeted, onPeerReady, counters } = this.#context;
    const { peerId } = session;
    session.isGreeted = true;
    this.#hangUpBeyond(limits.maxConnections);
    if (session.isHungUpOn) return;
    for (const each of this.#connectionsTo(peerId)) door.onGreeted(each.remoteAddr.toString());
    onGreeted(peerId);
    await this.#waitForLink(session);
    if (this.#sessions.get(peerId) !== session || this.#isStopped) return;
    try {
      onPeerReady(this.#describe(session));
    } catch (error) {
      counters.report("handler-failed", { peerId, error });
    }
  }

  /** Waits until both sides know each other's subscriptions, or not any longer. */
  async #waitForLink(session: Session): Promise<void> {
    for (let waited = 0; waited < LINK_WAIT_MS; waited += LINK_POLL_MS) {
      if (this.#isStopped || this.#isLinked(session.peerId)) return;
      await new Promise((resolve) => setTimeout(resolve, LINK_POLL_MS).unref());
    }
    this.#context.counters.report("late-subscription", { peerId: session.peerId });
  }

  #isLinked(peerId: string): boolean {
    if (!this.#guard.hasOutboundStream(peerId)) return false;
    const subscribers = this.#libp2p.services.pubsub.getSubscribers(
      this.#context.names.attestations,
    );
    return subscribers.some((each) => each.toString() === peerId);
  }

  #describe(session: Session): GossipPeer {
    const { peerId } = session;
    const [connection] = this.#connectionsTo(peerId);
    return {
      peerId,
      address: connection?.remoteAddr.toString() ?? "",
      operator: this.operatorOf(peerId) ?? null,
      score: this.#guard.scoreOf(peerId),
      strikes: this.#context.strikes.count(peerId),
    };
  }
}
