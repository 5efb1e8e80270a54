export type GossipErrorCode =
  /** `peer.key` holds no key. */
  | "bad-peer-key"
  /** The address is taken, or cannot be listened on. */
  | "listen-failed"
  /** An address to dial or to announce is no multiaddr. */
  | "bad-address"
  /** The installed gossipsub lacks what the guard holds on to. */
  | "unsupported-gossipsub"
  /** The installed yamux does. */
  | "unsupported-yamux";

/** Why gossip could not start; the message says what to do next. */
export class GossipError extends Error {
  override readonly name = "GossipError";
  readonly code: GossipErrorCode;

  constructor(code: GossipErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
