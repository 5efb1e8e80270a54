import { createEVM } from "@ethereumjs/evm";
import { createVM } from "@ethereumjs/vm";
import { fromHex, keccak256 } from "@mach/core";
import { encodeHeader } from "@mach/rollups/header";
import { createAncestors } from "../../src/ancestors.ts";
import type { BlockAttributes, ExecutionInput } from "../../src/block-input.ts";
import { blockContext } from "../../src/execute-block.ts";
import { nextBaseFee } from "../../src/header-rules.ts";
import { precompilesOf } from "../../src/precompiles.ts";
import { rulesAt } from "../../src/rules.ts";
import { runTransaction } from "../../src/transaction.ts";
import { createPreimageStore } from "../../src/witness.ts";
import { WitnessState } from "../../src/witness-state.ts";

/** A block's transactions alone: the witness is hashed before, and no root is computed after. */
export function prepareExecutionAlone(
  { rules: chain, parent, witness, block: claimed }: ExecutionInput,
  attributes: BlockAttributes,
): () => Promise<bigint> {
  const rules = rulesAt(chain, attributes.timestamp);
  if (rules === null) throw new Error("no rules");
  const { read } = createPreimageStore(witness);
  const { common } = rules;
  return async () => {
    const state = new WitnessState(fromHex(parent.stateRoot), read);
    const blockchain = createAncestors(parent, keccak256(encodeHeader(parent)), read);
    const customPrecompiles = precompilesOf(rules);
    const evm = await createEVM({ common, stateManager: state, blockchain, customPrecompiles });
    const vm = await createVM({ common, stateManager: state, evm });
    const block = blockContext(attributes, {
      ...{ number: parent.number + 1n, excessBlobGas: 0n, rules },
      baseFee: nextBaseFee(parent, rules) ?? 0n,
    });
    let gasUsed = 0n;
    for (const bytes of claimed.transactions) {
      const result = await runTransaction({ vm, evm, state, rules, block }, bytes, gasUsed);
      gasUsed += result.gasUsed;
    }
    return gasUsed;
  };
}
