import {
  type Claim,
  concatHex,
  type Hex,
  keccak256,
  type Release,
  uintWord,
  ZERO_HASH,
} from "@mach/core";
import { claimAt } from "./test-claims.ts";

/** Where the branches leave the chain. */
export const FORK = 10n;

const headers = new Map<string, Hex>();

/** The preimage of a block's hash, in the form of EraVM's: number, branch, parent, nothing. */
function headerAt(blockNumber: bigint, branch: number): Hex {
  const own = blockNumber > FORK ? branch : 0;
  const key = `${blockNumber}/${own}`;
  const known = headers.get(key);
  if (known !== undefined) return known;
  const parent = blockNumber <= LOWEST ? ZERO_HASH : keccak256(headerAt(blockNumber - 1n, own));
  const header = concatHex(uintWord(blockNumber), uintWord(own), parent, ZERO_HASH);
  headers.set(key, header);
  return header;
}

/** Below it the chain is nobody's business. */
const LOWEST = 1n;

/** A claim about a block of a chain whose blocks link; above `FORK` it has branches. */
export function linkedClaim(blockNumber: bigint, branch = 0, change: Partial<Claim> = {}): Claim {
  return claimAt(blockNumber, { blockHash: keccak256(headerAt(blockNumber, branch)), ...change });
}

/** The headers of a branch from a height down to just above another, newest first. */
export function headersAbove(from: bigint, to: bigint, branch = 0): readonly Hex[] {
  return Array.from({ length: Number(from - to) }, (_, i) => headerAt(from - BigInt(i), branch));
}

/** A block of a branch, as L1 has finalised it. */
export function finalisedAt(
  blockNumber: bigint,
  branch = 0,
): Extract<Release, { kind: "l1-finalised-block" }> {
  const { blockHash, timestamp } = linkedClaim(blockNumber, branch);
  return { kind: "l1-finalised-block", block: { blockNumber, blockHash, timestamp } };
}
