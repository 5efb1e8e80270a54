import type { EngineState, Hex } from "@mach/core";

/** The key that the set of an epoch names for the operator that the node signs for, if any. */
export function keyInSet(state: EngineState, epoch: bigint): Hex | null {
  const { operator } = state.options;
  const fixed = state.epochs.get(epoch);
  const index = operator === null ? undefined : fixed?.byOperator.get(operator);
  const member = index === undefined ? undefined : fixed?.operatorSet.operators[index];
  return member?.publicKey ?? null;
}
