import type { Claim } from "@mach/core";
import { decodeAttestations } from "../../packages/node/src/gossip/wire.ts";
import type { Arena, ArenaNode } from "./arena.ts";

/** A peer that listens: what an attacker knows of the claims that operators attest right now. */
export interface Informant {
  /** The newest claim that an operator was heard to attest. */
  newest(): Claim | null;
  stop(): Promise<void>;
}

/** Listens at a node. */
export async function startInformant(arena: Arena, node: ArenaNode): Promise<Informant> {
  const peer = await arena.rawPeer();
  const { pubsub } = peer.libp2p.services;
  const { attestations } = peer.names;
  let newest: Claim | null = null;
  pubsub.addEventListener("message", ({ detail: { topic, data } }) => {
    const heard = topic === attestations ? decodeAttestations(data) : null;
    for (const { claim } of heard ?? []) {
      if (newest === null || claim.blockNumber > newest.blockNumber) newest = claim;
    }
  });
  pubsub.subscribe(attestations);
  const greeted = await peer.greet(node.address);
  if (!greeted.ok) throw new Error(`no hello: ${greeted.code}`);
  return { newest: () => newest, stop: () => peer.stop() };
}
