import type {
  Attestation,
  Certificate,
  Claim,
  Domain,
  Evidence,
  OperatorSet,
  SetUpdate,
  SignedPeerBinding,
} from "@mach/core";
import * as z from "zod/mini";
import {
  address,
  type Document,
  type DocumentSchema,
  hash,
  hexRangeSchema,
  publicKey,
  signature,
  uint64,
  uint128,
  uint256,
} from "./scalars.ts";

export type DomainDocument = Document<Domain>;
export type ClaimDocument = Document<Claim>;
export type AttestationDocument = Document<Attestation>;
export type CertificateDocument = Document<Certificate>;
export type SetUpdateDocument = Document<SetUpdate>;
export type OperatorSetDocument = Document<OperatorSet>;
export type EvidenceDocument = Document<Evidence>;
export type PeerBindingDocument = Document<SignedPeerBinding>;

/** What a parse gives: the core value, or the path of the first field that is wrong. */
export type ParseResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: "malformed"; readonly path: string };

/** The most operators that a set document may list. */
export const MAX_OPERATORS = 1024;
/** The most bytes of a bitfield of signers. */
export const MAX_SIGNERS_BYTES = 256;
/** The most headers between two conflicting certificates. */
export const MAX_HEADERS = 4096;
/** The most bytes of one header. */
export const MAX_HEADER_BYTES = 8192;

const signers = hexRangeSchema(1, MAX_SIGNERS_BYTES).check(
  z.meta({
    description: "Bit i of the set is bit (i mod 8), lowest first, of byte floor(i/8)",
  }),
);

export const domainSchema: DocumentSchema<Domain> = z
  .strictObject({ chainId: uint256, verifyingContract: address })
  .check(z.meta({ id: "Domain", description: "The network: the L1's chain id and its registry" }));

export const claimSchema: DocumentSchema<Claim> = z
  .strictObject({
    rollupId: uint64,
    blockNumber: uint64,
    blockHash: hash,
    stateRoot: hash,
    outputRoot: hash,
    timestamp: uint64.check(z.meta({ description: "Seconds" })),
    epoch: uint64,
    verification: z.literal([1, 2]).check(z.meta({ description: "1 header, 2 executed" })),
  })
  .check(z.meta({ id: "Claim", description: "What operators say about one rollup block" }));

export const attestationSchema: DocumentSchema<Attestation> = z
  .strictObject({ claim: claimSchema, operator: address, signature })
  .check(z.meta({ id: "Attestation", description: "One operator's signature over a claim" }));

export const certificateSchema: DocumentSchema<Certificate> = z
  .strictObject({
    version: z.literal(1),
    certificateId: hash,
    domain: domainSchema,
    claim: claimSchema,
    operatorSetHash: hash,
    signers,
    signature,
  })
  .check(
    z.meta({
      id: "Certificate",
      description: "More than the threshold of weight behind one claim",
    }),
  );

export const setUpdateSchema: DocumentSchema<SetUpdate> = z
  .strictObject({
    version: z.literal(1),
    domain: domainSchema,
    epoch: uint64,
    operatorSetHash: hash,
    signedBy: hash.check(z.meta({ description: "The operatorSetHash of epoch - 1" })),
    signers,
    signature,
  })
  .check(
    z.meta({ id: "SetUpdate", description: "The hash of a set, signed by the set before it" }),
  );

export const operatorSetSchema: DocumentSchema<OperatorSet> = z
  .strictObject({
    epoch: uint64,
    operatorSetHash: hash,
    operatorsRoot: hash,
    totalWeight: uint128,
    aggregatePublicKey: publicKey,
    operators: z
      .array(
        z.strictObject({
          index: z
            .int()
            .check(z.minimum(0))
            .check(z.maximum(MAX_OPERATORS - 1)),
          operator: address,
          publicKey,
          weight: uint128,
        }),
      )
      .check(z.minLength(1))
      .check(z.maxLength(MAX_OPERATORS, { abort: true })),
  })
  .check(z.meta({ id: "OperatorSet", description: "An epoch's operators, ascending by address" }));

const guiltyOperators = z
  .array(address)
  .check(z.minLength(1))
  .check(z.maxLength(MAX_OPERATORS, { abort: true }));

export const evidenceSchema: DocumentSchema<Evidence> = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("double-attestation"),
      rollupId: uint64,
      blockNumber: uint64,
      operator: address,
      first: attestationSchema,
      second: attestationSchema,
    }),
    z.strictObject({
      kind: z.literal("attestation-against-certificate"),
      rollupId: uint64,
      blockNumber: uint64,
      operator: address,
      attestation: attestationSchema,
      certificate: certificateSchema,
    }),
    z.strictObject({
      kind: z.literal("conflicting-certificates"),
      rollupId: uint64,
      operators: guiltyOperators,
      lower: certificateSchema,
      higher: certificateSchema,
      headers: z
        .array(hexRangeSchema(1, MAX_HEADER_BYTES))
        .check(z.maxLength(MAX_HEADERS, { abort: true })),
    }),
    z.strictObject({
      kind: z.literal("false-set-update"),
      operators: guiltyOperators,
      update: setUpdateSchema,
      registryHash: hash,
    }),
  ])
  .check(
    z.meta({
      id: "Evidence",
      description: "A breach of the protocol that anyone can check offline",
    }),
  );

export const peerBindingSchema: DocumentSchema<SignedPeerBinding> = z
  .strictObject({
    operator: address,
    peerId: hexRangeSchema(1, 128).check(z.meta({ description: "The peer id's multihash" })),
    sequence: uint64,
    expiry: uint64.check(z.meta({ description: "Seconds" })),
    signature,
  })
  .check(z.meta({ id: "PeerBinding", description: "Ties a libp2p peer to an operator" }));

/** A claim from its JSON. */
export function parseClaim(json: unknown): ParseResult<Claim> {
  return parseDocument(claimSchema, json);
}

/** An attestation from its JSON. The signature is not checked. */
export function parseAttestation(json: unknown): ParseResult<Attestation> {
  return parseDocument(attestationSchema, json);
}

/** A certificate from its JSON: its shape alone, so `verifyCertificate` is the next step. */
export function parseCertificate(json: unknown): ParseResult<Certificate> {
  return parseDocument(certificateSchema, json);
}

/** A set update from its JSON: its shape alone, so `verifySetUpdate` is the next step. */
export function parseSetUpdate(json: unknown): ParseResult<SetUpdate> {
  return parseDocument(setUpdateSchema, json);
}

/** An operator set from its JSON: its shape alone, so `isConsistentOperatorSet` comes next. */
export function parseOperatorSet(json: unknown): ParseResult<OperatorSet> {
  return parseDocument(operatorSetSchema, json);
}

/** Evidence from its JSON: its shape alone, so `verifyEvidence` is the next step. */
export function parseEvidence(json: unknown): ParseResult<Evidence> {
  return parseDocument(evidenceSchema, json);
}

/** A signed peer binding from its JSON. The signature is not checked. */
export function parsePeerBinding(json: unknown): ParseResult<SignedPeerBinding> {
  return parseDocument(peerBindingSchema, json);
}

/** Reads any document by its schema; unknown keys, other types and other forms are refused. */
export function parseDocument<T>(
  schema: z.core.$ZodType<T, unknown>,
  json: unknown,
): ParseResult<T> {
  const result = z.safeParse(schema, json);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, code: "malformed", path: pathOf(result.error.issues[0]) };
}

/** The JSON of a domain. */
export function encodeDomain(domain: Domain): DomainDocument {
  return {
    chainId: domain.chainId.toString(),
    verifyingContract: domain.verifyingContract,
  };
}

/** The JSON of a claim. */
export function encodeClaim(claim: Claim): ClaimDocument {
  return {
    rollupId: claim.rollupId.toString(),
    blockNumber: claim.blockNumber.toString(),
    blockHash: claim.blockHash,
    stateRoot: claim.stateRoot,
    outputRoot: claim.outputRoot,
    timestamp: claim.timestamp.toString(),
    epoch: claim.epoch.toString(),
    verification: claim.verification,
  };
}

/** The JSON of an attestation. */
export function encodeAttestation(attestation: Attestation): AttestationDocument {
  return {
    claim: encodeClaim(attestation.claim),
    operator: attestation.operator,
    signature: attestation.signature,
  };
}

/** The JSON of a certificate; what verification added to it is left out. */
export function encodeCertificate(certificate: Certificate): CertificateDocument {
  return {
    version: 1,
    certificateId: certificate.certificateId,
    domain: encodeDomain(certificate.domain),
    claim: encodeClaim(certificate.claim),
    operatorSetHash: certificate.operatorSetHash,
    signers: certificate.signers,
    signature: certificate.signature,
  };
}

/** The JSON of a set update. */
export function encodeSetUpdate(update: SetUpdate): SetUpdateDocument {
  return {
    version: 1,
    domain: encodeDomain(update.domain),
    epoch: update.epoch.toString(),
    operatorSetHash: update.operatorSetHash,
    signedBy: update.signedBy,
    signers: update.signers,
    signature: update.signature,
  };
}

/** The JSON of an operator set. */
export function encodeOperatorSet(operatorSet: OperatorSet): OperatorSetDocument {
  return {
    epoch: operatorSet.epoch.toString(),
    operatorSetHash: operatorSet.operatorSetHash,
    operatorsRoot: operatorSet.operatorsRoot,
    totalWeight: operatorSet.totalWeight.toString(),
    aggregatePublicKey: operatorSet.aggregatePublicKey,
    operators: operatorSet.operators.map(({ index, operator, publicKey, weight }) => ({
      index,
      operator,
      publicKey,
      weight: weight.toString(),
    })),
  };
}

/** The JSON of evidence of any kind. */
export function encodeEvidence(evidence: Evidence): EvidenceDocument {
  switch (evidence.kind) {
    case "double-attestation":
      return {
        kind: evidence.kind,
        rollupId: evidence.rollupId.toString(),
        blockNumber: evidence.blockNumber.toString(),
        operator: evidence.operator,
        first: encodeAttestation(evidence.first),
        second: encodeAttestation(evidence.second),
      };
    case "attestation-against-certificate":
      return {
        kind: evidence.kind,
        rollupId: evidence.rollupId.toString(),
        blockNumber: evidence.blockNumber.toString(),
        operator: evidence.operator,
        attestation: encodeAttestation(evidence.attestation),
        certificate: encodeCertificate(evidence.certificate),
      };
    case "conflicting-certificates":
      return {
        kind: evidence.kind,
        rollupId: evidence.rollupId.toString(),
        operators: evidence.operators,
        lower: encodeCertificate(evidence.lower),
        higher: encodeCertificate(evidence.higher),
        headers: evidence.headers,
      };
    case "false-set-update":
      return {
        kind: evidence.kind,
        operators: evidence.operators,
        update: encodeSetUpdate(evidence.update),
        registryHash: evidence.registryHash,
      };
  }
}

/** The JSON of a signed peer binding. */
export function encodePeerBinding(binding: SignedPeerBinding): PeerBindingDocument {
  return {
    operator: binding.operator,
    peerId: binding.peerId,
    sequence: binding.sequence.toString(),
    expiry: binding.expiry.toString(),
    signature: binding.signature,
  };
}

/** The path of a field, with an unknown key only where it cannot carry anything but a name. */
function pathOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return "";
  const unknownKey = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const isName = unknownKey !== undefined && /^[A-Za-z0-9_]{1,32}$/.test(unknownKey);
  return [...issue.path, ...(isName ? [unknownKey] : [])].map(String).join(".");
}
