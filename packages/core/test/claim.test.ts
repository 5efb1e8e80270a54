import { expect, it } from "vitest";
import { type Claim, claimDigest, claimStructHash } from "../src/claim.ts";
import { type Domain, domainSeparator } from "../src/domain.ts";
import type { Hex } from "../src/hex.ts";
import { readVectors } from "./vectors.ts";

interface ClaimVector {
  domain: { chainId: string; verifyingContract: Hex };
  domainSeparator: Hex;
  claim: { [Field in keyof Claim]: Claim[Field] extends bigint ? string : Claim[Field] };
  structHash: Hex;
  digest: Hex;
}

const vectors = readVectors<ClaimVector[]>("claims").map((vector) => ({
  ...vector,
  domain: {
    chainId: BigInt(vector.domain.chainId),
    verifyingContract: vector.domain.verifyingContract,
  } satisfies Domain,
  claim: {
    ...vector.claim,
    rollupId: BigInt(vector.claim.rollupId),
    blockNumber: BigInt(vector.claim.blockNumber),
    timestamp: BigInt(vector.claim.timestamp),
    epoch: BigInt(vector.claim.epoch),
  } satisfies Claim,
}));

it("a claim's digest is the golden one", () => {
  expect(vectors.length).toBeGreaterThan(5);
  for (const { domain, claim, ...expected } of vectors) {
    expect({
      domainSeparator: domainSeparator(domain),
      structHash: claimStructHash(claim),
      digest: claimDigest(domain, claim),
    }).toEqual({
      domainSeparator: expected.domainSeparator,
      structHash: expected.structHash,
      digest: expected.digest,
    });
  }
});

it("every field of the claim and the domain changes the digest", () => {
  const [vector] = vectors;
  if (vector === undefined) throw new Error("no vector");
  const { domain, claim } = vector;
  const other = `0x${"77".repeat(32)}` as const;
  const digests = [
    claimDigest(domain, claim),
    claimDigest({ ...domain, chainId: domain.chainId + 1n }, claim),
    claimDigest({ ...domain, verifyingContract: `0x${"77".repeat(20)}` }, claim),
    claimDigest(domain, { ...claim, rollupId: claim.rollupId + 1n }),
    claimDigest(domain, { ...claim, blockNumber: claim.blockNumber + 1n }),
    claimDigest(domain, { ...claim, blockHash: other }),
    claimDigest(domain, { ...claim, stateRoot: other }),
    claimDigest(domain, { ...claim, outputRoot: other }),
    claimDigest(domain, { ...claim, timestamp: claim.timestamp + 1n }),
    claimDigest(domain, { ...claim, epoch: claim.epoch + 1n }),
    claimDigest(domain, { ...claim, verification: claim.verification === 1 ? 2 : 1 }),
  ];
  expect(new Set(digests).size).toBe(digests.length);
});
