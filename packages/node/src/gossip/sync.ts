import type { Connection, Stream } from "@libp2p/interface";
import type { Domain } from "@mach/core";
import { endStream, type FrameFailure, readFrame, writeFrame } from "./frames.ts";
import type { EvidenceQuery, GossipHandlers } from "./handlers.ts";
import type { RateLimit } from "./rate-limit.ts";
import {
  decodeSyncRequest,
  decodeSyncResponse,
  encodeSyncItems,
  encodeSyncRefusal,
  encodeSyncRequest,
  MAX_SYNC_DOCUMENT_BYTES,
  MAX_SYNC_ITEMS,
  MAX_SYNC_REQUEST_BYTES,
  MAX_SYNC_RESPONSE_BYTES,
  type PositionedDocument,
  type SyncItems,
  type SyncRefusal,
  type SyncRequest,
} from "./sync-wire.ts";

/** As many items as count for one request. */
const ITEMS_PER_REQUEST = 64;

export type SyncFailure =
  /** No connection to that peer. */
  | "unknown-peer"
  /** Too many requests to that peer are under way, or it does not speak the protocol. */
  | "unsupported"
  | FrameFailure
  | SyncRefusal;

export type SyncResult<T> =
  | { readonly ok: true; readonly items: readonly T[] }
  | { readonly ok: false; readonly code: SyncFailure };

export interface SyncOptions {
  readonly protocol: string;
  readonly domain: Domain;
  readonly timeoutMs: number;
}

export type ServedFrom = Pick<
  GossipHandlers,
  | "serveCertificates"
  | "serveAttestations"
  | "serveEvidence"
  | "serveSetUpdates"
  | "serveHeads"
  | "encodeEvidence"
>;

/** What came of serving one request: a failure's code, or null. */
export type ServeOutcome = { readonly code: FrameFailure | SyncRefusal; readonly error?: unknown };

/** Answers one request. Never rejects. */
export async function serveSync(
  stream: Stream,
  served: ServedFrom,
  options: SyncOptions & { readonly isWithinRate: RateLimit },
): Promise<ServeOutcome | null> {
  const { timeoutMs } = options;
  const frame = await readFrame(stream, { maxBytes: MAX_SYNC_REQUEST_BYTES, timeoutMs });
  if (!frame.ok) {
    stream.abort(new Error(frame.code));
    return frame;
  }
  const request = decodeSyncRequest(frame.bytes);
  let outcome: ServeOutcome | null = null;
  let response: Uint8Array;
  if (request === null) {
    outcome = { code: "malformed-request" };
    response = encodeSyncRefusal("heads", outcome.code as SyncRefusal);
  } else if (!options.isWithinRate(costOf(request))) {
    outcome = { code: "rate-limited" };
    response = encodeSyncRefusal(request.kind, "rate-limited");
  } else {
    try {
      const limit = request.kind === "heads" ? MAX_SYNC_ITEMS : request.limit;
      const items = await withTimeout(gather(request, served), timeoutMs);
      response = encodeSyncItems(items, limit);
    } catch (error) {
      // The node's own trouble is not told to the peer in detail.
      outcome = { code: "unavailable", error };
      response = encodeSyncRefusal(request.kind, "unavailable");
    }
  }
  try {
    writeFrame(stream, response);
  } catch {
    // The peer has gone: there is nobody to answer.
    return { code: "disconnected" };
  }
  await endStream(stream, timeoutMs);
  return outcome;
}

/** What is asked for at once costs as much as if it were asked for page by page. */
function costOf(request: SyncRequest): number {
  return request.kind === "heads" ? 1 : Math.ceil(request.limit / ITEMS_PER_REQUEST);
}

async function gather(request: SyncRequest, served: ServedFrom): Promise<SyncItems> {
  switch (request.kind) {
    case "certificates":
      return { kind: "certificates", items: await served.serveCertificates(request) };
    case "attestations":
      return { kind: "attestations", items: await served.serveAttestations(request) };
    case "evidence":
      return { kind: "evidence", items: await gatherEvidence(request, served) };
    case "set-updates":
      return { kind: "set-updates", items: await served.serveSetUpdates(request) };
    case "heads":
      return { kind: "heads", items: await served.serveHeads() };
  }
}

/** A piece that fits no response is left out: its position is then a gap. */
async function gatherEvidence(
  { from, limit }: EvidenceQuery,
  served: ServedFrom,
): Promise<readonly PositionedDocument[]> {
  for (let next = from; ; ) {
    const entries = await served.serveEvidence({ from: next, limit });
    const documents = entries.map(({ position, evidence }) => ({
      position,
      document: served.encodeEvidence(evidence),
    }));
    const fitting = documents.filter(({ document }) => document.length <= MAX_SYNC_DOCUMENT_BYTES);
    const last = entries.at(-1);
    // An empty answer means that there is no more, so that one must not come of a gap.
    if (fitting.length > 0 || last === undefined) return fitting;
    next = last.position + 1n;
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks a peer. Never rejects. */
export async function requestSync(
  connection: Connection | undefined,
  request: SyncRequest,
  options: SyncOptions,
): Promise<
  ({ readonly ok: true } & SyncItems) | { readonly ok: false; readonly code: SyncFailure }
> {
  const { protocol, timeoutMs } = options;
  if (connection === undefined) return { ok: false, code: "unknown-peer" };
  const deadline = AbortSignal.timeout(timeoutMs);
  let stream: Stream;
  try {
    stream = await connection.newStream(protocol, { signal: deadline });
  } catch {
    // Whatever the reason, the caller asks another peer.
    return { ok: false, code: deadline.aborted ? "timeout" : "unsupported" };
  }
  try {
    writeFrame(stream, encodeSyncRequest(request));
  } catch {
    // The peer has closed the stream already.
    return { ok: false, code: "disconnected" };
  }
  const frame = await readFrame(stream, { maxBytes: MAX_SYNC_RESPONSE_BYTES, timeoutMs });
  if (!frame.ok) {
    stream.abort(new Error(frame.code));
    return frame;
  }
  await endStream(stream, timeoutMs);
  const response = decodeSyncResponse(frame.bytes, request, options.domain);
  return response ?? { ok: false, code: "malformed" };
}
