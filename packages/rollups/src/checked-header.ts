import type { Hex } from "@mach/core";
import type { HeaderCheck } from "./header.ts";
import type { BlockFailure, CheckedBlock, UnverifiableCode } from "./stack.ts";

/** The block of a checked Ethereum header, with the roots that its stack has found. */
export function toCheckedBlock(
  checked: Extract<HeaderCheck, { ok: true }>,
  roots: { readonly outputRoot: Hex | null; readonly unverifiable: UnverifiableCode | null },
): CheckedBlock {
  const { header, blockHash, headerRlp } = checked;
  return {
    blockNumber: header.number,
    blockHash,
    parentHash: header.parentHash,
    stateRoot: header.stateRoot,
    ...roots,
    timestamp: header.timestamp,
    headerRlp,
  };
}

/**
 * Refuses a header that goes on after the fields that a stack's blocks have: the hash is right, but
 * it is a block of another stack, or of a fork that this version does not know.
 */
export function refuseTailFrom(
  checked: Extract<HeaderCheck, { ok: true }>,
  first: "baseFeePerGas" | "withdrawalsRoot",
): BlockFailure | null {
  if (checked.header[first] === null) return null;
  const { blockHash } = checked;
  const code = "unknown-header-fields";
  return { ok: false, code, field: first, expected: blockHash, got: blockHash };
}
