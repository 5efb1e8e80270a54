import { generateKeyPair } from "@libp2p/crypto/keys";
import type { Connection, PeerId, Stream } from "@libp2p/interface";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { toHex } from "@mach/core";
import { expect, it } from "vitest";
import { createBindings } from "../../src/gossip/bindings.ts";
import { createCounters } from "../../src/gossip/counters.ts";
import { createDoor } from "../../src/gossip/door.ts";
import { encodeHello } from "../../src/gossip/hello.ts";
import { DEFAULT_LIMITS } from "../../src/gossip/limits.ts";
import type { GossipLibp2p } from "../../src/gossip/node.ts";
import type { PubsubGuard } from "../../src/gossip/pubsub-guard.ts";
import { Sessions } from "../../src/gossip/sessions.ts";
import { createStrikes } from "../../src/gossip/strikes.ts";
import { networkNames } from "../../src/gossip/topics.ts";
import { DOMAIN, OPERATOR, SILENT } from "./network.ts";

const names = networkNames(DOMAIN);
const hello = { networkId: names.networkId, binding: null };
const LATER = 4_000_000_000n;
type Answer = (stream: Stream, connection: Connection) => Promise<void>;

/** Sessions on a libp2p whose connections come and go when the test says so. */
async function create() {
  const events = new EventTarget();
  const open = new Map<string, Connection>();
  const handlers: Answer[] = [];
  const libp2p = {
    handle: async (_: string, handler: Answer) => void handlers.push(handler),
    addEventListener: (name: string, listener: EventListener) =>
      events.addEventListener(name, listener),
    getConnections: (peer: PeerId) => [open.get(peer.toString()) ?? []].flat(),
    services: { pubsub: { getSubscribers: () => [] } },
  } as unknown as GossipLibp2p;
  const guard = { scoreOf: () => 0, hasOutboundStream: () => true } as unknown as PubsubGuard;
  const shown: string[] = [];
  const now = (): number => 1_000_000;
  const strikesOptions = { limit: 10, forgivenMs: 60_000, banMs: 600_000, maxPeers: 16 };
  const doorOptions = { ...strikesOptions, capacity: 8, maxAddresses: 8, bannedPeersPerAddress: 5 };
  const bindings = createBindings({
    domain: DOMAIN,
    now,
    maxOperators: 16,
    verify: ({ peerId }) => shown.push(peerId) > 0,
  });
  const left: string[] = [];
  const sessions = new Sessions(libp2p, guard, {
    names,
    limits: DEFAULT_LIMITS,
    now,
    counters: createCounters(SILENT, now),
    strikes: createStrikes(strikesOptions, now),
    door: createDoor({ ...doorOptions, now, onEvicted: () => undefined }),
    bindings,
    ownHello: () => hello,
    onPeerReady: () => undefined,
    onGreeted: () => undefined,
    onDisconnected: (peerId) => left.push(peerId),
  });
  await sessions.start();
  const tell = (name: string, detail: unknown): void =>
    void events.dispatchEvent(Object.assign(new Event(name), { detail }));
  const answer: Answer = async (stream, connection) => await handlers[0]?.(stream, connection);
  return { sessions, bindings, open, tell, answer, left, shown };
}

async function newConnection(): Promise<Connection> {
  const remotePeer = peerIdFromPrivateKey(await generateKeyPair("Ed25519"));
  const remoteAddr = { toString: () => "/ip4/192.0.2.1/tcp/1" };
  return { remotePeer, remoteAddr, direction: "inbound", status: "open" } as unknown as Connection;
}

/** A stream on which a hello has come; what is sent on it is read when the peer likes. */
function streamWith(bytes: Uint8Array) {
  const events = new EventTarget();
  let closed = (): void => undefined;
  const stream = {
    addEventListener: (name: string, listener: EventListener) =>
      events.addEventListener(name, listener),
    removeEventListener: (name: string, listener: EventListener) =>
      events.removeEventListener(name, listener),
    send: () => true,
    close: () => new Promise<void>((resolve) => (closed = resolve)),
    abort: () => closed(),
  } as unknown as Stream;
  const frame = Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return {
    stream,
    say: () => events.dispatchEvent(Object.assign(new Event("message"), { data: frame })),
    end: () => closed(),
  };
}

it("what a peer shows that has left before its hello was answered is not kept", async () => {
  const { bindings, open, tell, answer, shown } = await create();
  const connection = await newConnection();
  const { remotePeer } = connection;
  const peerId = toHex(remotePeer.toMultihash().bytes);
  const signature = `0x${"11".repeat(96)}` as const;
  const binding = { operator: OPERATOR, peerId, sequence: 1n, expiry: LATER, signature };
  open.set(remotePeer.toString(), connection);
  tell("connection:open", connection);
  const { stream, say, end } = streamWith(encodeHello({ ...hello, binding }));
  const answered = answer(stream, connection);
  say();
  await new Promise((resolve) => setImmediate(resolve));
  open.clear();
  tell("peer:disconnect", remotePeer);
  end();
  await answered;
  bindings.recheck();
  expect(shown).toEqual([]);
});

it("a session of a connection that had closed when it was told of ends", async () => {
  const { sessions, tell, left } = await create();
  const connection = await newConnection();
  tell("connection:open", connection);
  sessions.tick();
  sessions.tick();
  expect(left).toEqual([connection.remotePeer.toString()]);
});
