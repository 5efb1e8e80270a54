import type { EpochSchedule, Hex } from "@mach/core";
import type { Provider, Signer } from "ethers";
import { sendCall } from "./operator-calls.ts";
import { type Effect, effectAt, type OperatorPlan, type PlannedStep } from "./operator-plan.ts";
import type { TransactionFailure } from "./transaction.ts";

export interface PerformPlanContext {
  readonly signer: Signer;
  readonly provider: Provider;
  readonly schedule: EpochSchedule;
  /** Of each transaction, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of each transaction once it is in a block. */
  readonly onStep: (step: PlannedStep, transactionHash: Hex) => void;
}

export type PerformPlanResult =
  | {
      readonly ok: true;
      /** By the time of the block that the last transaction is in; as planned where L1 is silent. */
      readonly effect: Effect | null;
    }
  | (TransactionFailure & { readonly step: PlannedStep });

/**
 * Sends what a plan says, one after the other. What was done before a failure stays done: a plan
 * made anew leaves it out. Never rejects.
 */
export async function performOperatorPlan(
  plan: OperatorPlan,
  context: PerformPlanContext,
): Promise<PerformPlanResult> {
  const { signer, provider, schedule, timeoutMs, onStep } = context;
  let effect = plan.effect;
  for (const step of plan.steps) {
    const sent = await sendCall(step.call, { signer, timeoutMs });
    if (!sent.ok) return { ...sent, step };
    onStep(step, sent.transactionHash);
    const block = await provider.getBlock(Number(sent.blockNumber)).catch(() => null);
    if (effect !== null && block !== null) effect = effectAt(schedule, BigInt(block.timestamp));
  }
  return { ok: true, effect };
}
