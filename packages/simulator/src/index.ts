export { addCounts, type Counts } from "./coverage.ts";
export { describeFault, FAULT_KINDS, type Fault, type FaultKind, isFaultKind } from "./fault.ts";
export { createPlan, type Plan, type PlanOptions } from "./plan.ts";
export { type ShrinkOptions, type Shrunk, shrink } from "./shrink.ts";
export { type Failure, type Outcome, type RunOptions, runPlan, simulate } from "./simulate.ts";
export type { ViolationCode } from "./violation.ts";
