import { ZERO_HASH } from "@mach/core";
import { toCheckedBlock } from "./checked-header.ts";
import { checkHeader } from "./header.ts";
import type { BlockCheck, StackAdapter } from "./stack.ts";

/** Plain EVM chains: L1 confirms nothing per block, so outputRoot is the zero hash. */
export const evmStack: StackAdapter = {
  stack: "evm",
  followsBlocks: true,
  checkBlock: checkEvmBlock,
  completion: null,
  readHead: null,
  readSettled: null,
};

function checkEvmBlock(rawBlock: unknown): BlockCheck {
  const checked = checkHeader(rawBlock);
  if (!checked.ok) return checked;
  return {
    ok: true,
    block: toCheckedBlock(checked, { outputRoot: ZERO_HASH, unverifiable: null }),
  };
}
