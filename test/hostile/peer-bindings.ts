import { createNativeBls } from "@mach/bls";
import { type Domain, peerBindingDigest, type SignedPeerBinding, toHex } from "@mach/core";
import type { Outsider } from "../../packages/node/test/gossip/outsider.ts";
import type { Member } from "./arena.ts";

/** A member's binding of a peer, as its own node would make it. */
export function bindPeer(
  { operator, secretKey }: Member,
  peer: Outsider,
  terms: { readonly domain: Domain; readonly sequence: bigint; readonly expiry: bigint },
): SignedPeerBinding {
  const bls = createNativeBls();
  const key = bls.secretKeyFromBytes(secretKey);
  if (key === null) throw new Error("no secret key");
  const { domain, sequence, expiry } = terms;
  const peerId = toHex(peer.libp2p.peerId.toMultihash().bytes);
  const binding = { operator, peerId, sequence, expiry };
  const { compressed } = bls.sign(key, peerBindingDigest(domain, binding));
  return { ...binding, signature: compressed };
}
