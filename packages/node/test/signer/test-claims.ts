import { createHash } from "node:crypto";
import { type Claim, compressSignature, type Hex, toHex } from "@mach/core";
import type { SignerDependencies } from "../../src/signer/local-signer.ts";
import type { ProtectionIdentity } from "../../src/signer/protection.ts";
import type { SigningKey, SignRequest } from "../../src/signer/signer.ts";

export const IDENTITY: ProtectionIdentity = {
  domain: { chainId: 31337n, verifyingContract: `0x${"5f".repeat(20)}` },
  operator: `0x${"a1".repeat(20)}`,
};

export const NOW_MS = 1_750_000_000_000;

export function claimAt(blockNumber: bigint, change: Partial<Claim> = {}): Claim {
  return {
    rollupId: 901n,
    blockNumber,
    blockHash: hashOf(`block ${blockNumber}`),
    stateRoot: hashOf(`state ${blockNumber}`),
    outputRoot: hashOf(`output ${blockNumber}`),
    timestamp: 1_700_000_000n + (blockNumber % 1_000_000n),
    epoch: 3n,
    verification: 1,
    ...change,
  };
}

/** For a claim that L1 has finalised the block of: the fork lock is open for it. */
export function requestFor(claim: Claim, change: Partial<SignRequest> = {}): SignRequest {
  const { blockNumber, blockHash, timestamp } = claim;
  const release = {
    kind: "l1-finalised-block",
    block: { blockNumber, blockHash, timestamp },
  } as const;
  return { ...IDENTITY, claim, verifiedHead: blockNumber, release, ...change };
}

/** Where no certificate is looked at. */
export const NO_BLS: SignerDependencies["bls"] = {
  verifyAggregate: () => false,
  publicKeyToPoint: () => null,
  aggregatePublicKeys: () => null,
};

export function hashOf(text: string): Hex {
  return toHex(createHash("sha256").update(text).digest());
}

/** Stands for a key: bytes that only the key and the digest decide, of a signature's length. */
export function createTestKey(secret = "secret"): SigningKey & { readonly signed: Hex[] } {
  const signed: Hex[] = [];
  return {
    signed,
    sign(message) {
      signed.push(message);
      const hash = createHash("sha512").update(secret).update(message).digest();
      const uncompressed = new Uint8Array(Buffer.concat([hash, hash, hash]));
      // The highest bits of a real coordinate are flags, and zero.
      uncompressed[0] = 0x01;
      return { uncompressed, compressed: compressSignature(uncompressed) };
    },
  };
}
