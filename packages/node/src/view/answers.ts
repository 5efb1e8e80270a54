import {
  type BadgeRule,
  type BlockStatus,
  certificateRule,
  type Finality,
  MAX_ANSWER_HEADERS,
  type Reason,
  type RuleBasis,
} from "@mach/api";
import {
  type BlockView,
  type EngineState,
  epochAt,
  type FinalityView,
  type Head,
  isAttestedHeight,
  isSplit,
  openContradiction,
  requiredWeight,
  toCertificate,
  type VerifiedBlock,
  type VerifiedCertificate,
} from "@mach/core";

/** A rollup's finality as readers are told it. `abstention` is why it signs or trusts no block. */
export function toFinality(
  view: FinalityView,
  context: { readonly now: number; readonly abstention: string | null },
): Finality {
  const { now, abstention } = context;
  const { certified, reason, participation, rollupId } = view;
  const certificate = certified?.certificate ?? null;
  return {
    rollupId,
    observed: view.observed,
    fastFinal: view.fastFinal,
    safe: view.safe,
    finalized: view.finalized,
    certificate: certificate && toCertificate(certificate),
    rule: certificate && certificateRule(certificate),
    reason: reason && { ...reason, abstention },
    participation,
    latencyMs: certified?.latencyMs ?? null,
    agesMs: {
      observed: ageOf(view.observed, now),
      fastFinal: ageOf(view.fastFinal, now),
      safe: ageOf(view.safe, now),
      finalized: ageOf(view.finalized, now),
      certificate: certified === null ? null : Math.max(0, now - certified.certifiedAtMs),
    },
  };
}

const BASIS: { readonly [Status in BlockView["status"]]: RuleBasis } = {
  unknown: "nothing",
  observed: "node",
  attested: "attestations",
  "fast-final": "certificate",
  safe: "l1",
  finalized: "l1-finalized",
  contradicted: "contradiction",
};

/** A block's status as readers are told it. */
export function toBlockStatus(
  state: EngineState,
  view: BlockView,
  context: {
    readonly rollupId: bigint;
    readonly now: number;
    /** Why this node trusts no newer block now; null where it does. */
    readonly abstention: string | null;
    /** It is so old that whatever certified it is no longer kept. */
    readonly isPruned: boolean;
  },
): BlockStatus {
  const { rollupId, now } = context;
  const { status, certificate } = view;
  const block = view.block ?? (certificate === null ? null : certificate.claim);
  const held = certificate && state.rollups.get(rollupId)?.certified;
  const certifiedAtMs = certificate && held?.get(certificate.claim.blockNumber)?.certifiedAtMs;
  return {
    rollupId,
    status,
    block: block && headOf(block),
    rule: { ...ruleOf(state, view, rollupId), basis: BASIS[status] },
    certificate: certificate && toCertificate(certificate),
    headers: headersOf(view),
    reason: reasonOf(state, view, context),
    agesMs: {
      block: ageOf(block, now),
      certificate: typeof certifiedAtMs === "number" ? Math.max(0, now - certifiedAtMs) : null,
    },
  };
}

/** A block that this node knows nothing of. */
export const UNKNOWN_BLOCK: BlockView = {
  status: "unknown",
  block: null,
  presentWeight: 0n,
  certificate: null,
  headers: [],
};

/** A block that only its certificate, read from the store and checked, tells of. */
export function certifiedBlockView(certificate: VerifiedCertificate): BlockView {
  return { status: "fast-final", block: null, presentWeight: 0n, certificate, headers: [] };
}

/** A block whose only certificate that is known here, read from the store, is contradicted. */
export function contradictedBlockView(certificate: VerifiedCertificate): BlockView {
  return { status: "contradicted", block: null, presentWeight: 0n, certificate, headers: [] };
}

function headersOf(view: BlockView): BlockStatus["headers"] {
  if (view.certificate === null || view.headers.length > MAX_ANSWER_HEADERS) return null;
  return view.headers;
}

function ruleOf(state: EngineState, view: BlockView, rollupId: bigint): BadgeRule {
  const { certificate, block, presentWeight } = view;
  if (certificate !== null) return certificateRule(certificate);
  const epoch = block === null ? null : epochOf(state, block);
  const fixed = epoch === null ? undefined : state.epochs.get(epoch);
  const parameters = fixed?.rollups.get(rollupId);
  if (fixed === undefined || parameters === undefined) {
    return {
      basis: "nothing",
      signedWeight: null,
      requiredWeight: null,
      totalWeight: null,
      thresholdBps: null,
      verification: null,
      epoch,
    };
  }
  const { totalWeight } = fixed.operatorSet;
  const { thresholdBps, verification } = parameters;
  return {
    basis: "attestations",
    signedWeight: presentWeight,
    requiredWeight: requiredWeight(totalWeight, thresholdBps),
    totalWeight,
    thresholdBps,
    verification,
    epoch,
  };
}

function reasonOf(
  state: EngineState,
  view: BlockView,
  context: {
    readonly rollupId: bigint;
    readonly abstention: string | null;
    readonly isPruned: boolean;
  },
): Reason | null {
  const { rollupId, isPruned } = context;
  const { status, block, presentWeight } = view;
  if (status === "fast-final" || status === "safe" || status === "finalized") return null;
  const blockNumber = block?.blockNumber ?? null;
  const because = (code: Reason["code"], abstention: string | null = null): Reason => ({
    code,
    blockNumber,
    presentWeight: null,
    requiredWeight: null,
    abstention,
  });
  if (status === "contradicted") return because("contradicted");
  if (block === null && isPruned) return because("pruned");
  if (block === null) return because("unknown-block", context.abstention);
  if (isSuspended(state, rollupId, block)) return because("contradicted");
  if (block.isWithinBatch) return because("not-covered-yet");
  if (block.outputRoot === null) return because("unverified-block", "needs-proof");
  const epoch = epochOf(state, block);
  const fixed = epoch === null ? undefined : state.epochs.get(epoch);
  if (fixed === undefined) return because("unknown-operator-set");
  const parameters = fixed.rollups.get(rollupId);
  if (parameters === undefined) return because("unknown-rollup");
  if (!isAttestedHeight(parameters, block.blockNumber)) {
    return because("not-covered-yet");
  }
  const required = requiredWeight(fixed.operatorSet.totalWeight, parameters.thresholdBps);
  const asked = { epoch: fixed.operatorSet.epoch, requiredWeight: required };
  const code = isSplit(state, rollupId, asked) ? "split" : "below-threshold";
  const lock = state.rollups.get(rollupId)?.lock ?? null;
  return { ...because(code, lock), presentWeight, requiredWeight: required };
}

/** Whether a contradiction stops fast finality at this height, whatever weight stands there. */
function isSuspended(state: EngineState, rollupId: bigint, block: VerifiedBlock): boolean {
  const rollup = state.rollups.get(rollupId);
  const open = rollup === undefined ? null : openContradiction(rollup);
  return open !== null && block.blockNumber >= open.fromBlockNumber;
}

function epochOf(state: EngineState, block: VerifiedBlock): bigint | null {
  return epochAt(state.options.schedule, block.timestamp);
}

function headOf(block: Head): Head {
  const { blockNumber, blockHash, timestamp } = block;
  return { blockNumber, blockHash, timestamp };
}

function ageOf(head: Head | null, now: number): number | null {
  return head === null ? null : Math.max(0, now - Number(head.timestamp) * 1_000);
}
