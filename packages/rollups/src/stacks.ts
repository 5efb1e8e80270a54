import type { Stack } from "@mach/core";
import { evmStack } from "./evm.ts";
import { opStack } from "./op.ts";
import type { StackRules } from "./stack.ts";

export type { BlockFailure, CheckedBlock } from "./stack.ts";

const RULES: Readonly<Record<Stack, StackRules>> = { op: opStack, evm: evmStack };

/** The rules of a stack. */
export function stackOf(stack: Stack): StackRules {
  return RULES[stack];
}
