import {
  type BlockStatus,
  certificateRule,
  encodeBlockStatus,
  encodeFinality,
  type Finality,
} from "@mach/api";
import { createPortableBls } from "@mach/bls/portable";
import {
  bitfieldFromIndices,
  buildCertificate,
  buildOperatorSet,
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  concatHex,
  type Domain,
  fromHex,
  type Hex,
  keccak256,
  type OperatorSet,
  type SetUpdate,
  setUpdateDigest,
  sumWeight,
  toCertificate,
  uintWord,
  type VerifiedCertificate,
  ZERO_HASH,
} from "@mach/core";

/** A network whose operators sign with real keys, for documents that nodes would serve. */
export const bls = createPortableBls();
export const ROLLUP = 901n;
export const GENESIS = 1_700_000_000n;
export const EPOCH_SECONDS = 60n;
/** In the middle of epoch 3, milliseconds. */
export const NOW = Number(GENESIS + 3n * EPOCH_SECONDS + 30n) * 1000;
export const REGISTRY: Hex = `0x${"51".repeat(20)}`;
export const DOMAIN: Domain = { chainId: 31_337n, verifyingContract: REGISTRY };
export const NETWORK = {
  chainId: DOMAIN.chainId,
  registry: REGISTRY,
  genesisTime: GENESIS,
  epochSeconds: EPOCH_SECONDS,
} as const;

const WEIGHTS: readonly bigint[] = [40n, 30n, 20n, 10n];
const SECRET_KEYS = WEIGHTS.map((_, index) => {
  const secretKey = new Uint8Array(32);
  secretKey[31] = index + 11;
  return secretKey;
});

/** The set of an epoch; another first weight makes another set of the same keys. */
export function setOf(epoch: bigint, firstWeight = 40n): OperatorSet {
  const operators = SECRET_KEYS.map((secretKey, index) => ({
    operator: `0x${(index + 1).toString(16).padStart(40, "0")}` as Hex,
    publicKey: bls.publicKeyOf(secretKey) ?? "0x",
    weight: index === 0 ? firstWeight : (WEIGHTS[index] ?? 0n),
  }));
  const built = buildOperatorSet(bls, { epoch, operators });
  if (!built.ok) throw new Error(built.code);
  return built.operatorSet;
}

/** The sum of these operators' signatures. */
export function signAs(signers: readonly number[], message: Hex): Hex {
  const signatures = signers.map((index) => {
    const secretKey = SECRET_KEYS[index] ?? new Uint8Array(32);
    return bls.sign({ secretKey, message }) ?? "0x";
  });
  return bls.aggregateSignatures(signatures) ?? "0x";
}

/** Blocks of one chain by height, each with the preimage of its hash. */
export interface TestBlock {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly header: Hex;
}

/** A chain of heights 0 to `height`; another seed makes other blocks above `forkAt`. */
export function chainTo(height: number, seed = 0, forkAt = 0): readonly TestBlock[] {
  const blocks: TestBlock[] = [];
  let parentHash = ZERO_HASH;
  for (let number = 0; number <= height; number++) {
    const extra = BigInt(number > forkAt ? seed : 0);
    // RLP: a list of a parent's hash, a height and a seed, the integers in full words.
    const fields = concatHex(
      concatHex("0xa0", parentHash),
      concatHex("0xa0", uintWord(number)),
      concatHex("0xa0", uintWord(extra)),
    );
    const header = concatHex("0xf863", fields);
    parentHash = keccak256(header);
    blocks.push({ blockNumber: BigInt(number), blockHash: parentHash, header });
  }
  return blocks;
}

/** A claim about a block in epoch 3. */
export function claimOf(block: TestBlock, change: Partial<Claim> = {}): Claim {
  return {
    rollupId: ROLLUP,
    blockNumber: block.blockNumber,
    blockHash: block.blockHash,
    stateRoot: ZERO_HASH,
    outputRoot: ZERO_HASH,
    timestamp: GENESIS + 3n * EPOCH_SECONDS + block.blockNumber,
    epoch: 3n,
    verification: 1,
    ...change,
  };
}

/** A certificate by these signers, which a node would make. */
export function certify(
  claim: Claim,
  options: {
    readonly signers?: readonly number[];
    readonly operatorSet?: OperatorSet;
    readonly domain?: Domain;
  } = {},
): VerifiedCertificate {
  const { signers = [0, 1], operatorSet = setOf(claim.epoch), domain = DOMAIN } = options;
  const signature = signAs(signers, claimDigest(domain, claim));
  const bitfield = bitfieldFromIndices(signers, operatorSet.operators.length);
  const checked = { domain, claim, signers: bitfield, signature };
  const certificate = buildCertificate(checked, { operatorSet, thresholdBps: 6667 });
  if (certificate === null) throw new Error("no quorum");
  return certificate;
}

/** A certificate that is right in all but the weight of its signers. */
export function certifyBelow(claim: Claim, signers: readonly number[]): VerifiedCertificate {
  const certificate = certify(claim);
  const { operatorSetHash } = certificate;
  const digest = claimDigest(DOMAIN, claim);
  const bitfield = bitfieldFromIndices(signers, SECRET_KEYS.length);
  return {
    ...certificate,
    signers: bitfield,
    signature: signAs(signers, digest),
    certificateId: certificateId({ digest, operatorSetHash, signers: bitfield }),
  };
}

/** An update by the first two operators of the set before. */
export function updateInto(operatorSet: OperatorSet, signedBy: OperatorSet): SetUpdate {
  const signers = [0, 1];
  const { epoch, operatorSetHash } = operatorSet;
  return {
    version: 1,
    domain: DOMAIN,
    epoch,
    operatorSetHash,
    signedBy: signedBy.operatorSetHash,
    signers: bitfieldFromIndices(signers, signedBy.operators.length),
    signature: signAs(signers, setUpdateDigest(DOMAIN, { epoch, operatorSetHash })),
  };
}

/** What a node says of a block under a certificate; without one it is observed. */
export function blockStatus(
  block: TestBlock,
  certificate: VerifiedCertificate | null,
  headers: readonly Hex[] | null = [],
): ReturnType<typeof encodeBlockStatus> {
  const status: BlockStatus = {
    rollupId: ROLLUP,
    status: certificate === null ? "observed" : "fast-final",
    block: { ...pick(block), timestamp: GENESIS },
    rule: certificate === null ? NO_RULE : certificateRule(certificate),
    certificate: certificate && toCertificate(certificate),
    headers: certificate === null ? null : headers,
    reason: null,
    agesMs: { block: 1, certificate: null },
  };
  return encodeBlockStatus(status);
}

/** What a node says of the rollup with this newest certificate. */
export function finalityStatus(
  certificate: VerifiedCertificate | null,
  head: bigint,
): ReturnType<typeof encodeFinality> {
  const reference = (blockNumber: bigint) => ({ blockNumber, blockHash: ZERO_HASH, timestamp: 1n });
  const finality: Finality = {
    rollupId: ROLLUP,
    observed: reference(head),
    fastFinal: certificate && { ...reference(0n), ...pick(certificate.claim) },
    safe: null,
    finalized: null,
    certificate: certificate && toCertificate(certificate),
    rule: certificate && certificateRule(certificate),
    reason: null,
    participation: {
      signed: certificate?.signedWeight ?? 0n,
      total: sumWeight(setOf(3n).operators),
    },
    latencyMs: null,
    agesMs: { observed: 1, fastFinal: null, safe: null, finalized: null, certificate: null },
  };
  return encodeFinality(finality);
}

/** The headers that lead from a block down to the child of a lower one, newest first. */
export function headersBetween(
  chain: readonly TestBlock[],
  from: number,
  to: number,
): readonly Hex[] {
  return chain
    .slice(to + 1, from + 1)
    .map(({ header }) => header)
    .reverse();
}

/** A certificate whose signature is another valid point. */
export function forge(certificate: VerifiedCertificate): Certificate {
  const signature = signAs([0, 1], keccak256(fromHex("0x00")));
  return { ...toCertificate(certificate), signature };
}

const NO_RULE = {
  basis: "node",
  signedWeight: null,
  requiredWeight: null,
  totalWeight: null,
  thresholdBps: null,
  verification: null,
  epoch: null,
} as const;

function pick(block: { readonly blockNumber: bigint; readonly blockHash: Hex }): {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
} {
  return { blockNumber: block.blockNumber, blockHash: block.blockHash };
}
