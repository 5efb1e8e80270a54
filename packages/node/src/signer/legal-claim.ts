import { type Claim, isHex } from "@mach/core";
import { MAX_UINT64 } from "../store/row-key.ts";

/** Whether each field has a legal value; of what type it is was seen to where it was parsed. */
export function isLegalClaim(claim: Claim): boolean {
  const integers = [claim.rollupId, claim.blockNumber, claim.timestamp, claim.epoch];
  return (
    integers.every((value) => value >= 0n && value <= MAX_UINT64) &&
    [claim.blockHash, claim.stateRoot, claim.outputRoot].every((value) => isHex(value, 32)) &&
    (claim.verification === 1 || claim.verification === 2)
  );
}
