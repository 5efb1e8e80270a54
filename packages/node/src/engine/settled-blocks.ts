import type { EngineState, RollupState } from "@mach/core";
import type { BlockId } from "./executed-branch.ts";

/**
 * Whether a block needs no execution for those above it to be signed as executed: a certificate
 * stands for it, L1 has finalised it, or this operator signed it as executed.
 */
export function isSettled(state: EngineState, rollupId: bigint, block: BlockId): boolean {
  const rollup = state.rollups.get(rollupId);
  if (rollup === undefined) return false;
  return isCertified(rollup, block) || isFinalized(rollup, block) || isSigned(rollup, block);
}

function isCertified(rollup: RollupState, { blockNumber, blockHash }: BlockId): boolean {
  const certified = rollup.certified.get(blockNumber);
  if (certified === undefined || rollup.contradicted.has(certified.digest)) return false;
  return certified.certificate.claim.blockHash === blockHash;
}

function isFinalized(rollup: RollupState, { blockNumber, blockHash }: BlockId): boolean {
  const { finalized, blocks } = rollup;
  if (finalized === null || blockNumber > finalized.blockNumber) return false;
  if (blockNumber === finalized.blockNumber) return blockHash === finalized.blockHash;
  const isFollowed = blocks.get(finalized.blockNumber)?.blockHash === finalized.blockHash;
  return isFollowed && blocks.get(blockNumber)?.blockHash === blockHash;
}

function isSigned({ lastSigned }: RollupState, { blockNumber, blockHash }: BlockId): boolean {
  return (
    lastSigned !== null &&
    lastSigned.verification === 2 &&
    lastSigned.blockNumber === blockNumber &&
    lastSigned.blockHash === blockHash
  );
}
