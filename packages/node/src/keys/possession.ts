import { createPortableBls, proveKeyPossession, verifyKeyPossession } from "@mach/bls/portable";
import { type Domain, type Hex, isHex, keyRegistrationDigest } from "@mach/core";
import { z } from "zod";

/** For whom, and for which of its keys, a proof of possession stands. */
export interface Registration {
  readonly domain: Domain;
  readonly operator: Hex;
  /** How many keys the operator has registered before. */
  readonly nonce: bigint;
}

/** A key with the proof that whoever registers it has it. */
export interface Possession extends Registration {
  /** Compressed, 48 bytes. */
  readonly publicKey: Hex;
  /** The G1 point of EIP-2537, 128 bytes, as the registry takes it. */
  readonly publicKeyPoint: Hex;
  /** The G2 point of EIP-2537, 256 bytes, as the registry takes it. */
  readonly proof: Hex;
}

const bytes = (length: number): z.ZodType<Hex, unknown> =>
  z.string().refine((value): value is Hex => isHex(value, length));
const integer = z
  .string()
  .regex(/^\d{1,78}$/)
  .transform(BigInt);

const possessionSchema = z.object({
  version: z.literal(1),
  domain: z.object({ chainId: integer, verifyingContract: bytes(20) }),
  operator: bytes(20),
  nonce: integer,
  publicKey: bytes(48),
  publicKeyPoint: bytes(128),
  proof: bytes(256),
});

/** Proves a key of 32 bytes under the POP ciphersuite; null where they are no secret key. */
export function provePossession(
  secretKey: Uint8Array,
  { domain, operator, nonce }: Registration,
): Possession | null {
  const bls = createPortableBls();
  const publicKey = bls.publicKeyOf(secretKey);
  const publicKeyPoint = publicKey && bls.publicKeyToPoint(publicKey);
  if (publicKey === null || publicKeyPoint === null) return null;
  const digest = keyRegistrationDigest(domain, { operator, publicKeyPoint, nonce });
  const signature = proveKeyPossession({ secretKey, digest });
  const proof = signature && bls.signatureToPoint(signature);
  return proof && { domain, operator, nonce, publicKey, publicKeyPoint, proof };
}

/** The document of a proof: integers as decimal strings. */
export function encodePossession(possession: Possession): Readonly<Record<string, unknown>> {
  const { domain, nonce, operator, publicKey, publicKeyPoint, proof } = possession;
  return {
    version: 1,
    domain: { ...domain, chainId: domain.chainId.toString() },
    ...{ operator, nonce: nonce.toString(), publicKey, publicKeyPoint, proof },
  };
}

/** A proof from its document, checked; null for another document, and for a proof of nothing. */
export function parsePossession(value: unknown): Possession | null {
  const parsed = possessionSchema.safeParse(value);
  if (!parsed.success) return null;
  const { domain, operator, nonce, publicKey, publicKeyPoint, proof } = parsed.data;
  const bls = createPortableBls();
  if (bls.publicKeyToPoint(publicKey) !== publicKeyPoint) return null;
  const signature = bls.signatureFromPoint(proof);
  const digest = keyRegistrationDigest(domain, { operator, publicKeyPoint, nonce });
  if (signature === null || !verifyKeyPossession({ publicKey, digest, proof: signature })) {
    return null;
  }
  return { domain, operator, nonce, publicKey, publicKeyPoint, proof };
}
