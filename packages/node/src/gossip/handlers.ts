import type {
  Certificate,
  Evidence,
  Hex,
  SetUpdate,
  SignedPeerBinding,
  WireAttestation,
} from "@mach/core";
import type { EvidenceCodec } from "./wire.ts";

/** Who a message came from: the neighbour that handed it on, not whoever made it. */
export interface GossipSource {
  readonly peerId: string;
  /** The operator whose valid PeerBinding names this peer. */
  readonly operator?: Hex;
}

/**
 * What a handler makes of a message. An accepted one is forwarded. With `blame` the peer that
 * handed it on gets a strike; without, the message is only dropped (unknown block, own overload).
 */
export type Verdict =
  | { readonly accept: true }
  | { readonly accept: false; readonly code: string; readonly blame: boolean };

/** What is asked of a rollup: from this height on, ascending, at most `limit` items. */
export interface SyncQuery {
  readonly rollupId: bigint;
  readonly from: bigint;
  readonly limit: number;
}

/** A part of what a peer keeps as evidence: in its own order of keeping, from a position on. */
export interface EvidenceQuery {
  readonly from: bigint;
  readonly limit: number;
}

/**
 * Set updates from a place on, ascending: of an epoch the one that stands, or while there is none
 * single signatures, from the signer of this index on.
 */
export interface SetUpdateQuery {
  readonly epoch: bigint;
  readonly from: number;
  readonly limit: number;
}

/** A piece of evidence and its place in the order in which the peer came to keep it. */
export interface PositionedEvidence {
  readonly position: bigint;
  readonly evidence: Evidence;
}

/** The newest height of a rollup that a peer holds a certificate for. */
export interface RollupHead {
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
}

/** A connected peer. */
export interface GossipPeer {
  readonly peerId: string;
  /** Its address on the connection, as a multiaddr. */
  readonly address: string;
  readonly operator: Hex | null;
  /** Gossipsub's score of it. */
  readonly score: number;
  readonly strikes: number;
}

/** How much waits in a bounded queue. */
export interface QueueLoad {
  readonly queue: string;
  readonly depth: number;
  readonly capacity: number;
}

type Awaitable<T> = T | Promise<T>;

/**
 * What the node does with what peers send. A handler that throws drops the message, is reported,
 * and punishes nobody.
 */
export interface GossipHandlers extends EvidenceCodec {
  /** All attestations of one message: at least one, of one operator, of the right shape only. */
  onAttestations(attestations: readonly WireAttestation[], from: GossipSource): Promise<Verdict>;
  /** A certificate of the right shape only: its id has not been recomputed either. */
  onCertificate(certificate: Certificate, from: GossipSource): Promise<Verdict>;
  onEvidence(evidence: Evidence, from: GossipSource): Promise<Verdict>;
  /** One operator's signature over an epoch's hash, of the right shape only. */
  onSetUpdate(update: SetUpdate, from: GossipSource): Promise<Verdict>;
  /** Whether the signature is that of the operator's key, and the operator of the current sets. */
  verifyBinding(binding: SignedPeerBinding): boolean;
  serveCertificates(query: SyncQuery): Awaitable<readonly Certificate[]>;
  serveAttestations(query: SyncQuery): Awaitable<readonly WireAttestation[]>;
  serveEvidence(query: EvidenceQuery): Awaitable<readonly PositionedEvidence[]>;
  serveSetUpdates(query: SetUpdateQuery): Awaitable<readonly SetUpdate[]>;
  serveHeads(): Awaitable<readonly RollupHead[]>;
  /**
   * The hello is done and gossip flows: what the peer publishes from here on arrives, so that what
   * a request brings now leaves no gap.
   */
  onPeerReady(peer: GossipPeer): void;
}
