import {
  certificateSchema,
  claimSchema,
  domainSchema,
  encodeCertificate,
  encodeClaim,
  encodeDomain,
  encodeOperatorSet,
  operatorSetSchema,
} from "@mach/api";
import {
  type Claim,
  type Hex,
  isHex,
  MAX_THRESHOLD_BPS,
  MIN_THRESHOLD_BPS,
  type ReleaseEvidence,
} from "@mach/core";
import { z } from "zod";
import type { ProtectionIdentity, RecordOrigin } from "./protection.ts";
import { originSchema, sequenceSchema } from "./record-document.ts";

/** The routes of a signer's own HTTP server; each takes and gives JSON. */
export const SIGNER_ROUTES = {
  about: "/v1/signer",
  claim: "/v1/sign/claim",
  setUpdate: "/v1/sign/set-update",
  binding: "/v1/sign/binding",
  lastSigned: "/v1/last-signed",
  keepPlace: "/v1/keep-place",
} as const;

/** Some hundreds of headers, and a certificate with the largest set. */
export const MAX_SIGNER_REQUEST_BYTES: number = 16 * 1024 * 1024;
export const MAX_SIGNER_ANSWER_BYTES: number = 16 * 1024;
const MAX_ANCESTRY = 4_096;
const MAX_HEADER_HEX = 2 + 2 * 8_192;

/** Who a signer is, and what is known of its record. */
export interface SignerAbout extends ProtectionIdentity {
  /** Of the key that signs where a request names none. */
  readonly publicKey: Hex;
  /** Of the key that is held beside it while the operator's keys change. */
  readonly nextPublicKey?: Hex | undefined;
  readonly origin: RecordOrigin;
  readonly isInPlace: boolean;
}

/** A request that names one of the operator's keys; the present one where it names none. */
interface KeyedRequest extends ProtectionIdentity {
  readonly publicKey?: Hex | undefined;
}

interface ClaimRequest extends KeyedRequest {
  readonly claim: Claim;
  readonly verifiedHead: bigint;
  readonly ancestry: readonly Hex[];
  readonly release: ReleaseEvidence | null;
}

interface SetUpdateBody extends KeyedRequest {
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
}

interface BindingBody extends KeyedRequest {
  readonly peerId: Hex;
  readonly expiry: bigint;
}

interface RollupBody extends ProtectionIdentity {
  readonly rollupId: bigint;
}

const identity = { domain: domainSchema, operator: hexOf(20) };
const keyed = { ...identity, publicKey: hexOf(48).optional() };
const header = z.custom<Hex>(
  (value) => typeof value === "string" && value.length <= MAX_HEADER_HEX && isHex(value),
);
const release: z.ZodType<ReleaseEvidence, unknown> = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("certificate"),
    certificate: certificateSchema,
    operatorSet: operatorSetSchema,
    thresholdBps: z.int().min(MIN_THRESHOLD_BPS).max(MAX_THRESHOLD_BPS),
  }),
  z.strictObject({
    kind: z.literal("l1-finalised-block"),
    block: z.strictObject({
      blockNumber: sequenceSchema,
      blockHash: hexOf(32),
      timestamp: sequenceSchema,
    }),
  }),
]);

export const aboutSchema: z.ZodType<SignerAbout, unknown> = z.strictObject({
  ...identity,
  publicKey: hexOf(48),
  nextPublicKey: hexOf(48).optional(),
  origin: originSchema,
  isInPlace: z.boolean(),
});

export const claimRequestSchema: z.ZodType<ClaimRequest, unknown> = z.strictObject({
  ...keyed,
  claim: claimSchema,
  verifiedHead: sequenceSchema,
  ancestry: z.array(header).max(MAX_ANCESTRY, { abort: true }),
  release: release.nullable(),
});

export const setUpdateRequestSchema: z.ZodType<SetUpdateBody, unknown> = z.strictObject({
  ...keyed,
  epoch: sequenceSchema,
  operatorSetHash: hexOf(32),
});

export const bindingRequestSchema: z.ZodType<BindingBody, unknown> = z.strictObject({
  ...keyed,
  peerId: z.custom<Hex>((value) => typeof value === "string" && value.length < 256 && isHex(value)),
  expiry: sequenceSchema,
});

export const rollupRequestSchema: z.ZodType<RollupBody, unknown> = z.strictObject({
  ...identity,
  rollupId: sequenceSchema,
});

/** 192 bytes. */
export const signatureAnswerSchema: z.ZodType<{ readonly signature: Hex }, unknown> =
  z.strictObject({ signature: hexOf(192) });

export const bindingAnswerSchema: z.ZodType<
  { readonly signature: Hex; readonly sequence: bigint },
  unknown
> = z.strictObject({ signature: hexOf(96), sequence: sequenceSchema });

export const lastAnswerSchema: z.ZodType<{ readonly claim: Claim | null }, unknown> =
  z.strictObject({ claim: z.nullable(claimSchema) });

export const keptAnswerSchema: z.ZodType<{ readonly kept: true }, unknown> = z.strictObject({
  kept: z.literal(true),
});

export const refusalSchema: z.ZodType<{ readonly code: string }, unknown> = z.object({
  code: z.string().regex(/^[a-z-]{1,64}$/),
});

/** The fields that say of every request whom it is for. */
export function encodeIdentityFields({ domain, operator }: ProtectionIdentity): object {
  return { domain: encodeDomain(domain), operator };
}

/** The JSON of a claim to sign, with the evidence of the lock. */
export function encodeClaimRequest(request: ClaimRequest): unknown {
  return {
    ...encodeIdentityFields(request),
    publicKey: request.publicKey,
    claim: encodeClaim(request.claim),
    verifiedHead: `${request.verifiedHead}`,
    ancestry: request.ancestry,
    release: request.release && encodeReleaseEvidence(request.release),
  };
}

function encodeReleaseEvidence(evidence: ReleaseEvidence): unknown {
  if (evidence.kind === "certificate") {
    const { kind, certificate, operatorSet, thresholdBps } = evidence;
    return {
      kind,
      certificate: encodeCertificate(certificate),
      operatorSet: encodeOperatorSet(operatorSet),
      thresholdBps,
    };
  }
  const { blockNumber, blockHash, timestamp } = evidence.block;
  const block = { blockNumber: `${blockNumber}`, blockHash, timestamp: `${timestamp}` };
  return { kind: evidence.kind, block };
}

function hexOf(byteLength: number): z.ZodType<Hex, unknown> {
  return z.custom<Hex>((value) => typeof value === "string" && isHex(value, byteLength));
}
