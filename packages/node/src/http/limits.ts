/** The bounds of the HTTP server. Times in milliseconds. */
export interface HttpLimits {
  /** How long a request may take to arrive, and a view to answer it. */
  readonly requestTimeoutMs: number;
  /** How long a connection may be silent between two requests. */
  readonly keepAliveMs: number;
  readonly maxUrlBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  readonly maxEventClients: number;
  readonly maxEventClientsPerAddress: number;
  /** How many requests may wait for their answer, in all and from one address. */
  readonly maxWaits: number;
  readonly maxWaitsPerAddress: number;
  /** How many past events of each topic are kept for Last-Event-ID. */
  readonly eventHistory: number;
  /** How far a client of the event stream may lag before it is dropped. */
  readonly maxPendingEventBytes: number;
  /** The pause between two signs of life on a silent event stream. */
  readonly heartbeatMs: number;
  /** How many bytes of serialised immutable answers are kept. */
  readonly maxCachedBytes: number;
  /** How many bytes one answer to a batch holds. */
  readonly maxBatchBytes: number;
  /** How long requests under way may take to finish when the server stops. */
  readonly stopMs: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  requestTimeoutMs: 5_000,
  keepAliveMs: 30_000,
  maxUrlBytes: 2_048,
  maxHeaderBytes: 8_192,
  maxConnections: 4_096,
  maxEventClients: 1_024,
  maxEventClientsPerAddress: 64,
  maxWaits: 1_024,
  maxWaitsPerAddress: 64,
  eventHistory: 4_096,
  maxPendingEventBytes: 1_048_576,
  heartbeatMs: 15_000,
  maxCachedBytes: 33_554_432,
  maxBatchBytes: 16_777_216,
  stopMs: 1_500,
};
