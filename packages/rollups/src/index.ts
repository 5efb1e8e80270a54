export { checkHeader, type Header, type HeaderCheck, type HeaderFailure } from "./header.ts";
export { opOutputRoot } from "./op.ts";
export type { BlockCheck, BlockFailure, CheckedBlock, StackRules } from "./stack.ts";
export { stackOf } from "./stacks.ts";
