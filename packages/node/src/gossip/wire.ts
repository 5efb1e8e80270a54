/**
 * The bytes of a gossip message, version 1. Every integer is big-endian and of fixed width; hashes,
 * addresses and signatures are raw. A message is exactly as long as its fields say: anything
 * shorter, longer, of another version, or with a field outside of its range is malformed. There is
 * one encoding of each message, so that equal content has equal bytes and one message id.
 *
 *     claim (129)    rollupId u64 | blockNumber u64 | blockHash 32 | stateRoot 32 | outputRoot 32
 *                    | timestamp u64 | epoch u64 | verification u8 (1 or 2)
 *
 *     attestations   version u8 = 1 | operator 20 | signatureLength u8 (96 compressed, or 192)
 *                    | count u16 (1 to 64) | count times { claim 129 | signature }
 *
 *     certificate    version u8 = 1 | certificateBody
 *     certificateBody   certificateId 32 | claim 129 | operatorSetHash 32 | signersLength u16
 *                    (1 to 512) | signers | signature 96
 *
 *     evidence       version u8 = 1 | the JSON document of the protocol in UTF-8, as this
 *                    project's encoder writes it (a document that encodes differently is malformed)
 *
 *     set update     version u8 = 1 | setUpdateBody, of one signer
 *     setUpdateBody  epoch u64 | operatorSetHash 32 | signedBy 32 | signersLength u16 (1 to 512)
 *                    | signers (one bit at least) | signature 96
 *
 * The domain is implied by the topic, whose name carries the network's id; the decoder puts it in.
 * Topics are `mach/1/<network>/attestations`, `/certificates`, `/evidence` and `/set-updates`,
 * `<network>` being the first eight bytes of the EIP-712 domain separator in hexadecimal. A message id is the first 20
 * bytes of sha256(topic || data); no topic is a prefix of another.
 *
 * What a decoder returns has the right shape and nothing more: no signature, no id and no
 * membership has been checked.
 */
import type {
  Certificate,
  Claim,
  Domain,
  Evidence,
  Hex,
  SetUpdate,
  WireAttestation,
} from "@mach/core";
import { bitfieldIndices, byteLength, singleSigner } from "@mach/core";
import { type ByteReader, type ByteWriter, createReader, createWriter } from "./bytes.ts";

export const WIRE_VERSION = 1;
/** The most attestations that one message carries. */
export const MAX_ATTESTATIONS_PER_MESSAGE = 64;
/** The longest bitfield: 4,096 operators. */
export const MAX_SIGNERS_BYTES = 512;
export const CLAIM_BYTES = 129;

const SIGNATURE_BYTES = 96;
const ATTESTATIONS_HEADER_BYTES = 1 + 20 + 1 + 2;
const SET_UPDATE_FIXED_BYTES = 8 + 32 + 32 + 2 + SIGNATURE_BYTES;
const CERTIFICATE_FIXED_BYTES = 32 + CLAIM_BYTES + 32 + 2 + SIGNATURE_BYTES;

/** The length of a message with this many attestations, in bytes. */
export function attestationsLength(count: number, signatureLength: number): number {
  return ATTESTATIONS_HEADER_BYTES + count * (CLAIM_BYTES + signatureLength);
}

/** Whether version and length fit an attestations message: what can be said without decoding. */
export function isPlausibleAttestations(data: Uint8Array): boolean {
  if (data.length < ATTESTATIONS_HEADER_BYTES || data[0] !== WIRE_VERSION) return false;
  const signatureLength = data[21] ?? 0;
  const count = (data[22] ?? 0) * 256 + (data[23] ?? 0);
  if (signatureLength !== 96 && signatureLength !== 192) return false;
  if (count < 1 || count > MAX_ATTESTATIONS_PER_MESSAGE) return false;
  return data.length === attestationsLength(count, signatureLength);
}

/**
 * One message with attestations of one operator, all with signatures of one length. Throws a
 * RangeError for none, for more than 64, and for mixed operators or signature lengths.
 */
export function encodeAttestations(attestations: readonly WireAttestation[]): Uint8Array {
  const first = attestations[0];
  if (first === undefined || attestations.length > MAX_ATTESTATIONS_PER_MESSAGE) {
    throw new RangeError("expected 1 to 64 attestations");
  }
  const { operator, signature } = first;
  if (signature.length !== 96 && signature.length !== 192) {
    throw new RangeError("expected 96 or 192 bytes of a signature");
  }
  const writer = createWriter(attestationsLength(attestations.length, signature.length));
  writer.u8(WIRE_VERSION).hex(operator, 20).u8(signature.length).u16(attestations.length);
  for (const each of attestations) {
    if (each.operator !== operator || each.signature.length !== signature.length) {
      throw new RangeError("expected one operator, and signatures of one length");
    }
    writeClaim(writer, each.claim).bytes(each.signature);
  }
  return writer.finish();
}

/** The attestations of a message; null where it is malformed. */
export function decodeAttestations(data: Uint8Array): readonly WireAttestation[] | null {
  if (!isPlausibleAttestations(data)) return null;
  const reader = createReader(data);
  reader.u8();
  const operator = reader.hex(20);
  const signatureLength = reader.u8();
  const count = reader.u16();
  const attestations: WireAttestation[] = [];
  for (let i = 0; i < count; i++) {
    const claim = readClaim(reader);
    if (claim === null) return null;
    attestations.push({ claim, operator, signature: reader.bytes(signatureLength) });
  }
  return reader.isExhausted() ? attestations : null;
}

/** Whether version and length fit a certificate message. */
export function isPlausibleCertificate(data: Uint8Array): boolean {
  const least = 1 + CERTIFICATE_FIXED_BYTES + 1;
  const most = 1 + CERTIFICATE_FIXED_BYTES + MAX_SIGNERS_BYTES;
  return data[0] === WIRE_VERSION && data.length >= least && data.length <= most;
}

/** A certificate message. Throws a RangeError for fields of a length that no certificate has. */
export function encodeCertificate(certificate: Certificate): Uint8Array {
  const writer = createWriter(1 + certificateBodyLength(certificate));
  writeCertificateBody(writer.u8(WIRE_VERSION), certificate);
  return writer.finish();
}

/** The certificate of a message, of this domain; null where it is malformed. */
export function decodeCertificate(data: Uint8Array, domain: Domain): Certificate | null {
  if (!isPlausibleCertificate(data)) return null;
  const reader = createReader(data);
  reader.u8();
  const certificate = readCertificateBody(reader, domain);
  return reader.isExhausted() ? certificate : null;
}

/** How evidence becomes a document and back; `decode` returns null for what is none. */
export interface EvidenceCodec {
  encodeEvidence(evidence: Evidence): Uint8Array;
  decodeEvidence(document: Uint8Array): Evidence | null;
}

/** Whether the version fits an evidence message, and there is a document. */
export function isPlausibleEvidence(data: Uint8Array): boolean {
  return data[0] === WIRE_VERSION && data.length > 1;
}

/** An evidence message. */
export function encodeEvidenceMessage(codec: EvidenceCodec, evidence: Evidence): Uint8Array {
  const document = codec.encodeEvidence(evidence);
  return createWriter(1 + document.length)
    .u8(WIRE_VERSION)
    .bytes(document)
    .finish();
}

/** The evidence of a message; null where it is malformed, or not in its one encoding. */
export function decodeEvidenceMessage(codec: EvidenceCodec, data: Uint8Array): Evidence | null {
  if (!isPlausibleEvidence(data)) return null;
  return decodeEvidenceDocument(codec, data.subarray(1));
}

/** The evidence of a document; null where it is malformed, or not in its one encoding. */
export function decodeEvidenceDocument(
  codec: EvidenceCodec,
  document: Uint8Array,
): Evidence | null {
  const evidence = codec.decodeEvidence(document);
  if (evidence === null) return null;
  return Buffer.compare(codec.encodeEvidence(evidence), document) === 0 ? evidence : null;
}

/** Whether version and length fit a set update message. */
export function isPlausibleSetUpdate(data: Uint8Array): boolean {
  const least = 1 + SET_UPDATE_FIXED_BYTES + 1;
  const most = 1 + SET_UPDATE_FIXED_BYTES + MAX_SIGNERS_BYTES;
  return data[0] === WIRE_VERSION && data.length >= least && data.length <= most;
}

/**
 * A message with one operator's signature over an epoch's hash. Throws a RangeError for fields of
 * a length that none has.
 */
export function encodeSetUpdate(update: SetUpdate): Uint8Array {
  const writer = createWriter(1 + setUpdateBodyLength(update));
  return writeSetUpdateBody(writer.u8(WIRE_VERSION), update).finish();
}

/** The set update of a message, of this domain; null where it is malformed, or not one signer's. */
export function decodeSetUpdate(data: Uint8Array, domain: Domain): SetUpdate | null {
  if (!isPlausibleSetUpdate(data)) return null;
  const reader = createReader(data);
  reader.u8();
  const update = readSetUpdateBody(reader, domain);
  if (update === null || !reader.isExhausted()) return null;
  return singleSigner(update) === null ? null : update;
}

/** The length of a set update within a message, in bytes. */
export function setUpdateBodyLength(update: { readonly signers: Hex }): number {
  return SET_UPDATE_FIXED_BYTES + byteLength(update.signers);
}

/** Writes a set update without its domain, which both sides know. */
export function writeSetUpdateBody(writer: ByteWriter, update: SetUpdate): ByteWriter {
  const length = byteLength(update.signers);
  if (length < 1 || length > MAX_SIGNERS_BYTES) throw new RangeError("expected 1 to 512 bytes");
  writer.u64(update.epoch).hex(update.operatorSetHash, 32).hex(update.signedBy, 32);
  return writer.u16(length).hex(update.signers, length).hex(update.signature, SIGNATURE_BYTES);
}

/** Reads what `writeSetUpdateBody` writes; null for fields outside of their range. */
export function readSetUpdateBody(reader: ByteReader, domain: Domain): SetUpdate | null {
  const epoch = reader.u64();
  const operatorSetHash = reader.hex(32);
  const signedBy = reader.hex(32);
  const length = reader.u16();
  if (length < 1 || length > MAX_SIGNERS_BYTES) return null;
  const signers = reader.hex(length);
  const signature = reader.hex(SIGNATURE_BYTES);
  if (bitfieldIndices(signers).length === 0) return null;
  return { version: 1, domain, epoch, operatorSetHash, signedBy, signers, signature };
}

/** The length of a certificate within a message, in bytes. */
export function certificateBodyLength(certificate: { readonly signers: Hex }): number {
  return CERTIFICATE_FIXED_BYTES + byteLength(certificate.signers);
}

/** Writes a certificate without its domain, which both sides know. */
export function writeCertificateBody(writer: ByteWriter, certificate: Certificate): ByteWriter {
  const length = byteLength(certificate.signers);
  if (length < 1 || length > MAX_SIGNERS_BYTES) throw new RangeError("expected 1 to 512 bytes");
  writeClaim(writer.hex(certificate.certificateId, 32), certificate.claim);
  writer.hex(certificate.operatorSetHash, 32).u16(length).hex(certificate.signers, length);
  return writer.hex(certificate.signature, SIGNATURE_BYTES);
}

/** Reads what `writeCertificateBody` writes; null for fields outside of their range. */
export function readCertificateBody(reader: ByteReader, domain: Domain): Certificate | null {
  const certificateId = reader.hex(32);
  const claim = readClaim(reader);
  const operatorSetHash = reader.hex(32);
  const length = reader.u16();
  if (claim === null || length < 1 || length > MAX_SIGNERS_BYTES) return null;
  const signers = reader.hex(length);
  const signature = reader.hex(SIGNATURE_BYTES);
  return { version: 1, certificateId, domain, claim, operatorSetHash, signers, signature };
}

/** Writes a claim. */
export function writeClaim(writer: ByteWriter, claim: Claim): ByteWriter {
  writer.u64(claim.rollupId).u64(claim.blockNumber);
  writer.hex(claim.blockHash, 32).hex(claim.stateRoot, 32).hex(claim.outputRoot, 32);
  return writer.u64(claim.timestamp).u64(claim.epoch).u8(claim.verification);
}

/** Reads what `writeClaim` writes; null for a verification level that there is not. */
export function readClaim(reader: ByteReader): Claim | null {
  const rollupId = reader.u64();
  const blockNumber = reader.u64();
  const blockHash = reader.hex(32);
  const stateRoot = reader.hex(32);
  const outputRoot = reader.hex(32);
  const timestamp = reader.u64();
  const epoch = reader.u64();
  const verification = reader.u8();
  if (verification !== 1 && verification !== 2) return null;
  return {
    rollupId,
    blockNumber,
    blockHash,
    stateRoot,
    outputRoot,
    timestamp,
    epoch,
    verification,
  };
}
