import { type Attestation, claimDigest, type DoubleAttestation } from "@mach/core";
import { chainTo, claimOf, DOMAIN, ROLLUP, setOf, signAs } from "./signed-network.ts";

/** Evidence that an operator of epoch 3 attested two blocks at height 4. */
export function doubleAttestationBy(index: number): DoubleAttestation {
  const operator = setOf(3n).operators[index]?.operator ?? "0x";
  const attestations = [chainTo(4), chainTo(4, 9)].map((chain): Attestation => {
    const claim = claimOf(chain[4] ?? { blockNumber: 0n, blockHash: "0x", header: "0x" });
    return { claim, operator, signature: signAs([index], claimDigest(DOMAIN, claim)) };
  });
  const [first, second] = attestations.toSorted((left, right) =>
    claimDigest(DOMAIN, left.claim) < claimDigest(DOMAIN, right.claim) ? -1 : 1,
  ) as [Attestation, Attestation];
  const about = { rollupId: ROLLUP, blockNumber: 4n, operator };
  return { kind: "double-attestation", ...about, first, second };
}
