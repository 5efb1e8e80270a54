/**
 * Requests for what a node missed, on the protocol `/mach/<network>/sync/1`: one frame
 * (`frames.ts`) each way on a stream of its own. Fields are written as in `wire.ts`.
 *
 *     request       version u8 = 1 | kind u8 | query
 *       1 certificates, 2 attestations   rollupId u64 | from u64 | limit u16 (1 to 256)
 *       3 heads                          nothing
 *       4 evidence                       from u64 | limit u16 (1 to 256)
 *       5 set updates                    epoch u64 | from u16 | limit u16 (1 to 256)
 *     response      version u8 = 1 | kind u8 | status u8 | [ payload, with status 0 ]
 *       status      0 ok, 1 malformed request, 2 too many requests, 3 cannot answer now
 *       certificates   count u16 | count times certificateBody
 *       attestations   count u16 | count times { operator 20 | claim 129
 *                                               | signatureLength u8 (96 or 192) | signature }
 *       heads          count u16 | count times { rollupId u64 | newest certified height u64 }
 *       evidence       count u16 | count times { position u64 | length u32 | document }
 *       set updates    count u16 | count times setUpdateBody
 *
 * A response is at most 1 MiB: it holds as many items, lowest heights first, as fit. Positions are
 * the answering peer's own and ascend; a document is one of the evidence topic. Set updates ascend by
 * epoch and lowest signer: of an epoch the one that stands, or single signatures of the signers from
 * index `from` on.
 */
import {
  bitfieldIndices,
  type Certificate,
  type Domain,
  type SetUpdate,
  type WireAttestation,
} from "@mach/core";
import { type ByteReader, createReader, createWriter } from "./bytes.ts";
import type { EvidenceQuery, RollupHead, SetUpdateQuery, SyncQuery } from "./handlers.ts";
import {
  CLAIM_BYTES,
  certificateBodyLength,
  readCertificateBody,
  readClaim,
  readSetUpdateBody,
  setUpdateBodyLength,
  writeCertificateBody,
  writeClaim,
  writeSetUpdateBody,
} from "./wire.ts";

export const MAX_SYNC_ITEMS = 256;
export const MAX_SYNC_REQUEST_BYTES = 20;
export const MAX_SYNC_RESPONSE_BYTES = 1_048_576;

const SYNC_VERSION = 1;
const HEADER_BYTES = 3;
const COUNT_BYTES = 2;
const EVIDENCE_FIXED_BYTES = 8 + 4;
const KINDS = {
  certificates: 1,
  attestations: 2,
  heads: 3,
  evidence: 4,
  "set-updates": 5,
} as const;
/** The longest document that a response has room for. */
export const MAX_SYNC_DOCUMENT_BYTES: number =
  MAX_SYNC_RESPONSE_BYTES - HEADER_BYTES - COUNT_BYTES - EVIDENCE_FIXED_BYTES;

export type SyncRequest =
  | ({ readonly kind: "certificates" | "attestations" } & SyncQuery)
  | ({ readonly kind: "evidence" } & EvidenceQuery)
  | ({ readonly kind: "set-updates" } & SetUpdateQuery)
  | { readonly kind: "heads" };

/** A piece of evidence that is still, or already, in bytes. */
export interface PositionedDocument {
  readonly position: bigint;
  readonly document: Uint8Array;
}

export type SyncItems =
  | { readonly kind: "certificates"; readonly items: readonly Certificate[] }
  | { readonly kind: "attestations"; readonly items: readonly WireAttestation[] }
  | { readonly kind: "evidence"; readonly items: readonly PositionedDocument[] }
  | { readonly kind: "set-updates"; readonly items: readonly SetUpdate[] }
  | { readonly kind: "heads"; readonly items: readonly RollupHead[] };

/** Why a peer gave no items. */
export type SyncRefusal = "malformed-request" | "rate-limited" | "unavailable";

const REFUSALS: readonly SyncRefusal[] = ["malformed-request", "rate-limited", "unavailable"];

export type SyncResponse =
  | ({ readonly ok: true } & SyncItems)
  | { readonly ok: false; readonly code: SyncRefusal };

/** A request's bytes. */
export function encodeSyncRequest(request: SyncRequest): Uint8Array {
  if (request.kind === "heads") {
    return createWriter(2).u8(SYNC_VERSION).u8(KINDS.heads).finish();
  }
  if (request.kind === "evidence") {
    const writer = createWriter(12).u8(SYNC_VERSION).u8(KINDS.evidence);
    return writer.u64(request.from).u16(request.limit).finish();
  }
  if (request.kind === "set-updates") {
    const writer = createWriter(14).u8(SYNC_VERSION).u8(KINDS[request.kind]);
    return writer.u64(request.epoch).u16(request.from).u16(request.limit).finish();
  }
  const writer = createWriter(MAX_SYNC_REQUEST_BYTES);
  writer.u8(SYNC_VERSION).u8(KINDS[request.kind]);
  return writer.u64(request.rollupId).u64(request.from).u16(request.limit).finish();
}

/** The request of these bytes; null where they are malformed. */
export function decodeSyncRequest(bytes: Uint8Array): SyncRequest | null {
  const reader = createReader(bytes);
  const version = reader.u8();
  const kind = reader.u8();
  if (version !== SYNC_VERSION) return null;
  if (kind === KINDS.heads) return reader.isExhausted() ? { kind: "heads" } : null;
  if (kind === KINDS.evidence) {
    const query = { from: reader.u64(), limit: reader.u16() };
    return reader.isExhausted() && isLegalLimit(query.limit)
      ? { kind: "evidence", ...query }
      : null;
  }
  if (kind === KINDS["set-updates"]) {
    const query = { epoch: reader.u64(), from: reader.u16(), limit: reader.u16() };
    const isLegal = reader.isExhausted() && isLegalLimit(query.limit);
    return isLegal ? { kind: "set-updates", ...query } : null;
  }
  if (kind !== KINDS.certificates && kind !== KINDS.attestations) return null;
  const query = { rollupId: reader.u64(), from: reader.u64(), limit: reader.u16() };
  if (!reader.isExhausted() || !isLegalLimit(query.limit)) return null;
  return { kind: kind === KINDS.certificates ? "certificates" : "attestations", ...query };
}

function isLegalLimit(limit: number): boolean {
  return limit >= 1 && limit <= MAX_SYNC_ITEMS;
}

/** A refusal's bytes. */
export function encodeSyncRefusal(kind: SyncRequest["kind"], code: SyncRefusal): Uint8Array {
  const writer = createWriter(HEADER_BYTES).u8(SYNC_VERSION).u8(KINDS[kind]);
  return writer.u8(1 + REFUSALS.indexOf(code)).finish();
}

/** A response's bytes with as many of the items, from the first on, as fit and are allowed. */
export function encodeSyncItems(answer: SyncItems, limit: number): Uint8Array {
  switch (answer.kind) {
    case "certificates":
      return encodeItems(KINDS.certificates, answer.items, limit, {
        length: certificateBodyLength,
        write: writeCertificateBody,
      });
    case "attestations":
      return encodeItems(KINDS.attestations, answer.items, limit, {
        length: (each) => 20 + CLAIM_BYTES + 1 + each.signature.length,
        write: (writer, each) =>
          writeClaim(writer.hex(each.operator, 20), each.claim)
            .u8(each.signature.length)
            .bytes(each.signature),
      });
    case "evidence":
      return encodeItems(KINDS.evidence, answer.items, limit, {
        length: (each) => EVIDENCE_FIXED_BYTES + each.document.length,
        write: (writer, each) =>
          writer.u64(each.position).u32(each.document.length).bytes(each.document),
      });
    case "set-updates":
      return encodeItems(KINDS[answer.kind], answer.items, limit, {
        length: setUpdateBodyLength,
        write: writeSetUpdateBody,
      });
    case "heads":
      return encodeItems(KINDS.heads, answer.items, limit, {
        length: () => 16,
        write: (writer, each) => writer.u64(each.rollupId).u64(each.blockNumber),
      });
  }
}

/** The response to a request; null where it is malformed, or no answer to that request. */
export function decodeSyncResponse(
  bytes: Uint8Array,
  request: SyncRequest,
  domain: Domain,
): SyncResponse | null {
  const reader = createReader(bytes);
  const version = reader.u8();
  const kind = reader.u8();
  const status = reader.u8();
  if (version !== SYNC_VERSION || kind !== KINDS[request.kind]) return null;
  if (status !== 0) {
    const code = REFUSALS[status - 1];
    return code === undefined || !reader.isExhausted() ? null : { ok: false, code };
  }
  const items = readItems(reader, request, domain);
  return items === null || !reader.isExhausted() ? null : { ok: true, ...items };
}

function readItems(reader: ByteReader, request: SyncRequest, domain: Domain): SyncItems | null {
  switch (request.kind) {
    case "certificates": {
      const items = readList(reader, request.limit, () => readCertificateBody(reader, domain));
      if (items === null || !items.every((each) => isAsked(each.claim, request))) return null;
      return { kind: "certificates", items };
    }
    case "attestations": {
      const items = readList(reader, request.limit, () => readAttestation(reader));
      if (items === null || !items.every((each) => isAsked(each.claim, request))) return null;
      return { kind: "attestations", items };
    }
    case "evidence": {
      let least = request.from;
      const items = readList(reader, request.limit, () => {
        const position = reader.u64();
        const document = reader.bytes(reader.u32());
        if (position < least) return null;
        least = position + 1n;
        return { position, document };
      });
      return items === null ? null : { kind: "evidence", items };
    }
    case "set-updates": {
      let { epoch, from: least } = request;
      const items = readList(reader, request.limit, () => {
        const update = readSetUpdateBody(reader, domain);
        const lowest = update === null ? undefined : bitfieldIndices(update.signers)[0];
        if (update === null || lowest === undefined || update.epoch < epoch) return null;
        if (update.epoch === epoch && lowest < least) return null;
        epoch = update.epoch;
        least = lowest + 1;
        return update;
      });
      return items === null ? null : { kind: "set-updates", items };
    }
    case "heads": {
      const items = readList(reader, MAX_SYNC_ITEMS, () => ({
        rollupId: reader.u64(),
        blockNumber: reader.u64(),
      }));
      return items === null ? null : { kind: "heads", items };
    }
  }
}

function readAttestation(reader: ByteReader): WireAttestation | null {
  const operator = reader.hex(20);
  const claim = readClaim(reader);
  const length = reader.u8();
  if (claim === null || (length !== 96 && length !== 192)) return null;
  return { claim, operator, signature: reader.bytes(length) };
}

function readList<T>(reader: ByteReader, most: number, read: () => T | null): T[] | null {
  const count = reader.u16();
  if (count > most) return null;
  const items: T[] = [];
  for (let i = 0; i < count; i++) {
    const item = read();
    if (item === null) return null;
    items.push(item);
  }
  return items;
}

function isAsked(
  claim: { readonly rollupId: bigint; readonly blockNumber: bigint },
  query: SyncQuery,
): boolean {
  return claim.rollupId === query.rollupId && claim.blockNumber >= query.from;
}

type Writer = ReturnType<typeof createWriter>;

function encodeItems<T>(
  kind: number,
  items: readonly T[],
  limit: number,
  codec: { length(item: T): number; write(writer: Writer, item: T): Writer },
): Uint8Array {
  let length = HEADER_BYTES + COUNT_BYTES;
  const fitting: T[] = [];
  for (const item of items) {
    const grown = length + codec.length(item);
    if (grown > MAX_SYNC_RESPONSE_BYTES || fitting.length === limit) break;
    fitting.push(item);
    length = grown;
  }
  const writer = createWriter(length).u8(SYNC_VERSION).u8(kind).u8(0).u16(fitting.length);
  for (const item of fitting) codec.write(writer, item);
  return writer.finish();
}
