import { addressWord, keccak256, keccak256Text, uintWord } from "./abi-words.ts";
import { type Domain, typedDataDigest } from "./domain.ts";
import { concatHex, type Hex } from "./hex.ts";

/** Ties a libp2p peer to an operator. */
export interface PeerBinding {
  readonly operator: Hex;
  /** The peer id's multihash bytes. */
  readonly peerId: Hex;
  readonly sequence: bigint;
  /** Seconds. */
  readonly expiry: bigint;
}

/** A binding with the operator's BLS signature over its digest (96 bytes, compressed). */
export interface SignedPeerBinding extends PeerBinding {
  readonly signature: Hex;
}

const PEER_BINDING_TYPEHASH = keccak256Text(
  "PeerBinding(address operator,bytes peerId,uint64 sequence,uint64 expiry)",
);

/** The 32-byte digest of a binding; `bytes` are hashed as EIP-712 encodes them. */
export function peerBindingDigest(domain: Domain, binding: PeerBinding): Hex {
  return typedDataDigest(
    domain,
    keccak256(
      concatHex(
        PEER_BINDING_TYPEHASH,
        addressWord(binding.operator),
        keccak256(binding.peerId),
        uintWord(binding.sequence),
        uintWord(binding.expiry),
      ),
    ),
  );
}

/**
 * Which of two bindings of one operator counts: the higher sequence, or with equal ones the
 * smaller digest. Expiry does not enter: an expired highest revives no lower one.
 */
export function supersedesBinding(
  domain: Domain,
  next: PeerBinding,
  current: PeerBinding,
): boolean {
  if (next.sequence !== current.sequence) return next.sequence > current.sequence;
  return peerBindingDigest(domain, next) < peerBindingDigest(domain, current);
}

/** Whether a binding has run out at `nowSeconds`. */
export function isBindingExpired(binding: PeerBinding, nowSeconds: bigint): boolean {
  return binding.expiry <= nowSeconds;
}
