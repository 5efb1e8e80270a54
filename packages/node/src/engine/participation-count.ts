import { type Lapse, MAX_LAPSE_REASONS, MAX_LAPSES, type Participation } from "@mach/api";
import type { ParticipationRecord } from "../store/store.ts";
import type { CountedHeight, Outcome } from "./participation-height.ts";

const NOTHING: Participation = {
  expected: 0,
  made: 0,
  late: 0,
  missed: 0,
  disagreeing: 0,
  unseen: 0,
  newestBlockNumber: null,
  reasons: [],
  lapses: [],
};

/** The record of a rollup and epoch with one more height; null stands for none yet. */
export function addHeight(
  record: ParticipationRecord | null,
  rollupId: bigint,
  counted: CountedHeight & { readonly blockNumber: bigint },
): ParticipationRecord {
  const { blockNumber, epoch, outcomes } = counted;
  const known = new Map(record?.operators.map((each) => [each.operator, each]));
  const operators = outcomes.map(({ operator, outcome }) => ({
    ...addOutcome(known.get(operator) ?? NOTHING, outcome, blockNumber),
    operator,
  }));
  return { rollupId, epoch, throughBlockNumber: blockNumber, operators };
}

function addOutcome(before: Participation, outcome: Outcome, blockNumber: bigint): Participation {
  const { kind } = outcome;
  const counts = { ...before, expected: before.expected + 1, [kind]: before[kind] + 1 };
  const hasAttested = kind === "made" || kind === "late" || kind === "disagreeing";
  const newestBlockNumber = hasAttested ? blockNumber : before.newestBlockNumber;
  if (!("reason" in outcome)) return { ...counts, newestBlockNumber };
  const lapse: Lapse = { ...outcome, blockNumber };
  return {
    ...counts,
    newestBlockNumber,
    reasons: withOneMore(before.reasons, lapse),
    lapses: [...before.lapses, lapse].slice(-MAX_LAPSES),
  };
}

/** What there is no room for is counted under one reason. */
const OTHER = "other";

function withOneMore(
  reasons: Participation["reasons"],
  { kind, reason }: Pick<Lapse, "kind" | "reason">,
): Participation["reasons"] {
  const at = reasons.findIndex((each) => each.kind === kind && each.reason === reason);
  const found = reasons[at];
  if (found !== undefined) return reasons.with(at, { ...found, count: found.count + 1 });
  // One place for each kind is kept free.
  const isFull = reasons.length >= MAX_LAPSE_REASONS - 3 && reason !== OTHER;
  if (isFull) return withOneMore(reasons, { kind, reason: OTHER });
  return [...reasons, { kind, reason, count: 1 }];
}
