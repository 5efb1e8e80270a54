import {
  type BlockExecutor,
  createExecutor,
  createExternalExecutor,
  createWitnessExecutor,
  type ExecutionRules,
  type InvalidBlock,
} from "@mach/execution";
import { createHttpClient } from "@mach/rpc";
import type { RollupConfig } from "../config.ts";

/** What executes the blocks of the configured rollups. */
export interface BlockExecutors {
  of(rollupId: bigint): BlockExecutor | undefined;
  stop(): Promise<void>;
}

/** Witnesses of large blocks are tens of megabytes as hexadecimal digits. */
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;
const MAX_IN_FLIGHT = 64;
const MAX_FETCHES = 64;

/**
 * Opens an executor for each rollup that has one configured; threads start when needed. A block
 * that is invalid is told to `onInvalid`, which is waited for.
 */
export function createBlockExecutors(
  rollups: readonly RollupConfig[],
  ports: {
    readonly onInvalid: (rollupId: bigint, invalid: InvalidBlock) => Promise<void>;
  },
): BlockExecutors {
  const executors = new Map<bigint, BlockExecutor>();
  const closers: (() => Promise<void>)[] = [];
  for (const { rollupId, execution } of rollups) {
    const [url] = execution?.urls ?? [];
    if (execution === undefined || url === undefined) continue;
    const { by, timeoutMs } = execution;
    const limits = { maxResponseBytes: MAX_RESPONSE_BYTES, maxInFlight: MAX_IN_FLIGHT };
    const client = createHttpClient({ url, timeoutMs, ...limits });
    closers.push(() => client.close());
    if (by === "external") {
      executors.set(rollupId, createExternalExecutor(client));
      continue;
    }
    const executor = createExecutor({ timeoutMs, maxFetches: MAX_FETCHES });
    closers.push(() => executor.stop());
    const witness = by === "proofs" ? "proofs" : "execution-witness";
    const rules: ExecutionRules = {
      profile: execution.profile,
      chainId: rollupId,
      forks: Object.entries(execution.forks).map(([name, timestamp]) => ({ name, timestamp })),
      baseFee: {
        denominator: execution.eip1559Denominator,
        elasticity: execution.eip1559Elasticity,
      },
    };
    const onInvalid = (invalid: InvalidBlock): Promise<void> => ports.onInvalid(rollupId, invalid);
    const options = { rules, witness, onInvalid } as const;
    executors.set(rollupId, createWitnessExecutor({ client, executor }, options));
  }
  return {
    of: (rollupId) => executors.get(rollupId),
    async stop() {
      await Promise.all(closers.map((close) => close()));
    },
  };
}
