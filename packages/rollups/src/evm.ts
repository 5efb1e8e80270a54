import { ZERO_HASH } from "@mach/core";
import { checkHeader } from "./header.ts";
import type { BlockCheck, StackRules } from "./stack.ts";

/** Plain EVM chains: L1 confirms nothing per block, so outputRoot is the zero hash. */
export const evmStack: StackRules = { stack: "evm", checkBlock: checkEvmBlock };

function checkEvmBlock(rawBlock: unknown): BlockCheck {
  const checked = checkHeader(rawBlock);
  if (!checked.ok) return checked;
  const { header, blockHash, headerRlp } = checked;
  return {
    ok: true,
    block: {
      blockNumber: header.number,
      blockHash,
      parentHash: header.parentHash,
      stateRoot: header.stateRoot,
      outputRoot: ZERO_HASH,
      unverifiable: null,
      timestamp: header.timestamp,
      headerRlp,
    },
  };
}
