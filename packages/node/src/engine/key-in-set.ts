import type { EngineState, Hex } from "@mach/core";

/** Whether the set of an epoch names this key for the operator that the node signs for. */
export function isKeyInSet(state: EngineState, publicKey: Hex, epoch: bigint): boolean {
  const { operator } = state.options;
  const fixed = state.epochs.get(epoch);
  const index = operator === null ? undefined : fixed?.byOperator.get(operator);
  const member = index === undefined ? undefined : fixed?.operatorSet.operators[index];
  return member !== undefined && member.publicKey === publicKey;
}
