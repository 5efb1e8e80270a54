import type { Stack } from "@mach/core";
import { cdkStack } from "./cdk.ts";
import { evmStack } from "./evm.ts";
import { opStack } from "./op.ts";
import { orbitStack } from "./orbit.ts";
import type { StackAdapter } from "./stack.ts";
import { zkStack } from "./zk.ts";

export type { BlockFailure, CheckedBlock } from "./stack.ts";

const ADAPTERS: Readonly<Record<Stack, StackAdapter>> = {
  op: opStack,
  orbit: orbitStack,
  cdk: cdkStack,
  zk: zkStack,
  evm: evmStack,
};

/** The adapter of a stack. */
export function stackOf(stack: Stack): StackAdapter {
  return ADAPTERS[stack];
}
