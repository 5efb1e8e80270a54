import { keccak256, keccak256Text, uintWord } from "./abi-words.ts";
import { type Domain, typedDataDigest } from "./domain.ts";
import { concatHex, type Hex } from "./hex.ts";

/** How a signer checked a block: 1 `header`, 2 `executed`. */
export type VerificationLevel = 1 | 2;

/** What an operator says about one rollup block. Integers are uint64. */
export interface Claim {
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly stateRoot: Hex;
  readonly outputRoot: Hex;
  /** Seconds. */
  readonly timestamp: bigint;
  readonly epoch: bigint;
  readonly verification: VerificationLevel;
}

const CLAIM_TYPEHASH = keccak256Text(
  "Claim(uint64 rollupId,uint64 blockNumber,bytes32 blockHash,bytes32 stateRoot," +
    "bytes32 outputRoot,uint64 timestamp,uint64 epoch,uint8 verification)",
);

/** The EIP-712 struct hash of a claim. */
export function claimStructHash(claim: Claim): Hex {
  return keccak256(
    concatHex(
      CLAIM_TYPEHASH,
      uintWord(claim.rollupId),
      uintWord(claim.blockNumber),
      claim.blockHash,
      claim.stateRoot,
      claim.outputRoot,
      uintWord(claim.timestamp),
      uintWord(claim.epoch),
      uintWord(claim.verification),
    ),
  );
}

/** The 32-byte digest that attestations of a claim sign. */
export function claimDigest(domain: Domain, claim: Claim): Hex {
  return typedDataDigest(domain, claimStructHash(claim));
}

/** Whether two claims say the same, field by field. */
export function isSameClaim(left: Claim, right: Claim): boolean {
  return (
    left.rollupId === right.rollupId &&
    left.blockNumber === right.blockNumber &&
    left.blockHash === right.blockHash &&
    left.stateRoot === right.stateRoot &&
    left.outputRoot === right.outputRoot &&
    left.timestamp === right.timestamp &&
    left.epoch === right.epoch &&
    left.verification === right.verification
  );
}
