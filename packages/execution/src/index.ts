export {
  type BlockExecutor,
  createExternalExecutor,
  createWitnessExecutor,
  type InvalidBlock,
  type WitnessExecutorOptions,
} from "./block-executor.ts";
export { MAX_BLOCK_FILE_BYTES, parseBlockFile, parseBlockJson } from "./block-file.ts";
export type {
  BlockAttributes,
  BlockBody,
  ClaimedBlock,
  ExecutionInput,
  Withdrawal,
} from "./block-input.ts";
export { executeBlock } from "./execute-block.ts";
export {
  createExecutor,
  type Executor,
  type ExecutorOptions,
  type FetchMissing,
} from "./executor.ts";
export { encodeKeptBlock } from "./kept-block.ts";
export { EXECUTION_PROFILES, type ExecutionRules, type ForkTime } from "./rules.ts";
export type {
  InvalidVerdict,
  Missing,
  UnverifiableCode,
  UnverifiableVerdict,
  ValidVerdict,
  Verdict,
} from "./verdict.ts";
export { parseWitness, type Witness } from "./witness.ts";
