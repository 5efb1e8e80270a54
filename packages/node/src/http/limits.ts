/** The bounds of the HTTP server. Times in milliseconds. */
export interface HttpLimits {
  /** How long a request may take to arrive. */
  readonly arrivalTimeoutMs: number;
  /** How long a view may take to answer, and a reader to take 64 KiB of the answer. */
  readonly requestTimeoutMs: number;
  /** How long a connection may be silent between two requests. */
  readonly keepAliveMs: number;
  readonly maxUrlBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  /** A trusted proxy's are not counted. */
  readonly maxConnectionsPerAddress: number;
  /** Of one address, in the long run; five times as many at once, after a silence. */
  readonly maxRequestsPerSecond: number;
  /** How late the event loop may be, for about a second, before readers are turned away. */
  readonly maxLoopDelayMs: number;
  /** How many bytes all readers together may leave unread. */
  readonly maxUnreadBytes: number;
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
  arrivalTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  keepAliveMs: 30_000,
  maxUrlBytes: 2_048,
  maxHeaderBytes: 8_192,
  maxConnections: 4_096,
  maxConnectionsPerAddress: 256,
  maxRequestsPerSecond: 200,
  maxLoopDelayMs: 500,
  maxUnreadBytes: 134_217_728,
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
