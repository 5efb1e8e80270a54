import {
  type Certificate,
  type Evidence,
  openAttestations,
  openSetUpdates,
  type SetUpdate,
  type WireAttestation,
} from "@mach/core";
import type { PeerSyncPorts } from "../../src/engine/peer-sync.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import type { Verdict } from "../../src/engine/verdict.ts";
import type { EngineNode } from "./engine-node.ts";

type Message =
  | { readonly kind: "attestation"; readonly value: WireAttestation }
  | { readonly kind: "certificate"; readonly value: Certificate }
  | { readonly kind: "evidence"; readonly value: Evidence }
  | { readonly kind: "set-update"; readonly value: SetUpdate };

interface Delivery {
  readonly to: string;
  readonly message: Message;
}

/** Gossip in memory: each message to each node once, in a random order, some lost on the way. */
export class MemoryGossip {
  readonly #nodes = new Map<string, EngineNode>();
  readonly #seen = new Map<string, WeakSet<object>>();
  readonly #waiting: Delivery[] = [];
  readonly #random: () => number;
  /** The share of deliveries that is lost. */
  loss = 0;

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  /** What a node publishes with. */
  portOf(name: string): EnginePorts["gossip"] {
    return {
      publishAttestation: (value) => this.#publish(name, { kind: "attestation", value }),
      publishCertificate: (value) => this.#publish(name, { kind: "certificate", value }),
      publishEvidence: (value) => this.#publish(name, { kind: "evidence", value }),
      publishSetUpdate: (value) => this.#publish(name, { kind: "set-update", value }),
    };
  }

  /** Joins, or takes the place of the node that had that name before it went down. */
  join(name: string, node: EngineNode): void {
    this.#nodes.set(name, node);
    this.#seen.set(name, new WeakSet());
  }

  leave(name: string): void {
    this.#nodes.delete(name);
  }

  names(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** Delivers until nothing is under way. */
  async run(): Promise<void> {
    for (;;) {
      const at = Math.floor(this.#random() * this.#waiting.length);
      const [delivery] = this.#waiting.splice(at, 1);
      if (delivery === undefined) {
        await Promise.all([...this.#nodes.values()].map((node) => node.shell.settle()));
        if (this.#waiting.length === 0) return;
        continue;
      }
      const { to, message } = delivery;
      const node = this.#nodes.get(to);
      if (node === undefined) continue;
      const verdict = await deliver(node, message);
      if (verdict.accept) this.#publish(to, message);
    }
  }

  /** What a node asks its peers with. */
  syncPortOf(name: string): PeerSyncPorts["gossip"] {
    const gone = { ok: false, code: "unknown-peer" } as const;
    const peer = (peerId: string): EngineNode | undefined => this.#nodes.get(peerId);
    return {
      peers: () =>
        this.names()
          .filter((each) => each !== name)
          .map((peerId) => ({ peerId, address: "", operator: null, score: 0, strikes: 0 })),
      requestHeads: async (peerId) => {
        const rollups = peer(peerId)?.shell.state().rollups.values();
        if (rollups === undefined) return gone;
        const items = [...rollups].flatMap(({ rollupId, newest }) =>
          newest === null ? [] : [{ rollupId, blockNumber: newest.certificate.claim.blockNumber }],
        );
        return { ok: true, items };
      },
      requestCertificates: async (peerId, query) => {
        const items = await peer(peerId)?.store.listCertificates(query);
        return items === undefined ? gone : { ok: true, items };
      },
      requestAttestations: async (peerId, query) => {
        const state = peer(peerId)?.shell.state();
        return state === undefined ? gone : { ok: true, items: openAttestations(state, query) };
      },
      requestEvidence: async (peerId, query) => {
        const items = await peer(peerId)?.store.listEvidence(query);
        return items === undefined ? gone : { ok: true, items };
      },
      requestSetUpdates: async (peerId, query) => {
        const state = peer(peerId)?.shell.state();
        return state === undefined ? gone : { ok: true, items: openSetUpdates(state, query) };
      },
      blame: (peerId, code) => {
        throw new Error(`${peerId} is blamed for ${code}`);
      },
    };
  }

  #publish(from: string, message: Message): void {
    this.#seen.get(from)?.add(message.value);
    for (const to of this.#nodes.keys()) {
      const seen = this.#seen.get(to);
      if (to === from || seen?.has(message.value)) continue;
      if (this.#random() < this.loss) continue;
      seen?.add(message.value);
      this.#waiting.push({ to, message });
    }
  }
}

function deliver(node: EngineNode, { kind, value }: Message): Promise<Verdict> {
  switch (kind) {
    case "attestation":
      return node.shell.receiveAttestations([value]);
    case "certificate":
      return node.shell.receiveCertificate(value);
    case "evidence":
      return node.shell.receiveEvidence(value);
    case "set-update":
      return node.shell.receiveSetUpdate(value);
  }
}

/** mulberry32: the same numbers for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
