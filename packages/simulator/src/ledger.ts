import type { Claim, Hex } from "@mach/core";
import type { SimBlock } from "./block-tree.ts";

/** A claim that an honest operator has signed, with its block. */
export interface LedgerEntry {
  readonly claim: Claim;
  readonly digest: Hex;
  readonly block: SimBlock;
}
