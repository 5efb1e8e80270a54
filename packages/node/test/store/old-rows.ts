import {
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  type Evidence,
} from "@mach/core";
import type { PruneStep, Store } from "../../src/store/store.ts";
import { claimAt, hashOf, IDENTITY } from "../signer/test-claims.ts";

export const ROLLUP = 901n;
export const CERTIFICATES = { kind: "certificates", rollupId: ROLLUP } as const;

/** Ten heights make an epoch. */
export function oldClaim(blockNumber: bigint, change: Partial<Claim> = {}): Claim {
  return claimAt(blockNumber, { epoch: blockNumber / 10n, ...change });
}

export function certificateFor(claim: Claim, signers: `0x${string}` = "0x07"): Certificate {
  const digest = claimDigest(IDENTITY.domain, claim);
  const operatorSetHash = hashOf(`set ${claim.epoch}`);
  return {
    version: 1,
    certificateId: certificateId({ digest, operatorSetHash, signers }),
    domain: IDENTITY.domain,
    claim,
    operatorSetHash,
    signers,
    signature: `0x${"8b".repeat(96)}`,
  };
}

export function evidenceOf(blockNumber: bigint): Evidence {
  const { operator } = IDENTITY;
  const signature = `0x${"8c".repeat(96)}` as const;
  const other = oldClaim(blockNumber, { blockHash: hashOf("other") });
  return {
    kind: "double-attestation",
    rollupId: ROLLUP,
    blockNumber,
    operator,
    first: { claim: oldClaim(blockNumber), operator, signature },
    second: { claim: other, operator, signature },
  };
}

export function stepTo(belowBlock: bigint, belowEpoch: bigint): PruneStep {
  return { ...CERTIFICATES, belowBlock, belowEpoch };
}

export async function fill(store: Store, from: bigint, through: bigint): Promise<void> {
  for (let number = from; number <= through; number += 1n) {
    await store.putCertificate(certificateFor(oldClaim(number)));
  }
}

export async function heights(store: Store): Promise<readonly bigint[]> {
  const rows = await store.listCertificates({ rollupId: ROLLUP, from: 0n, limit: 100 });
  return rows.map(({ claim }) => claim.blockNumber);
}

export async function putEpoch(store: Store, epoch: bigint): Promise<void> {
  const publicKey = `0x${"8d".repeat(48)}` as const;
  await store.putEpoch({
    operatorSet: {
      epoch,
      operatorSetHash: hashOf(`set ${epoch}`),
      operatorsRoot: hashOf("root"),
      totalWeight: 22n,
      aggregatePublicKey: publicKey,
      operators: [{ index: 0, operator: IDENTITY.operator, publicKey, weight: 22n }],
    },
    rollups: [],
  });
  await store.putSetUpdate({
    version: 1,
    domain: IDENTITY.domain,
    epoch,
    operatorSetHash: hashOf(`set ${epoch}`),
    signedBy: hashOf(`set ${epoch - 1n}`),
    signers: "0x07",
    signature: `0x${"8e".repeat(96)}`,
  });
}
