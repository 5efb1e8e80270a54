import {
  type Claim,
  checkForkLock,
  type Hex,
  isSameClaim,
  type LockRefusal,
  linksOf,
  toRelease,
  type VerifiedRelease,
  ZERO_HASH,
} from "@mach/core";
import { NodeError } from "../node-error.ts";
import type {
  ProtectionWriter,
  RecordedSetUpdate,
  SetUpdateRecord,
  SigningRecord,
} from "./protection.ts";
import type { SetUpdateRefusal, SignRefusal } from "./signer.ts";

/** A request that is not done. */
export interface Refused<Code extends SignRefusal | SetUpdateRefusal> {
  readonly ok: false;
  readonly code: Code;
}

/** A claim to record, with what may let it leave the branch of the one before. */
export interface AskedClaim {
  readonly claim: Claim;
  readonly digest: Hex;
  readonly ancestry: readonly Hex[];
  readonly release: VerifiedRelease | null;
}

export type Recorded =
  | { readonly ok: true; readonly record: SigningRecord }
  | Refused<LockRefusal | "waiting-for-finality">;

/** Rules 1 and 2 of the protocol, or it is the very same claim as one of the record. */
export function recordClaim(
  writer: ProtectionWriter,
  asked: AskedClaim,
  unknownLast: () => bigint | null,
): Recorded {
  const { claim, digest, release } = asked;
  const same = writer.at(claim);
  if (same !== null && isSameClaim(same.claim, claim)) {
    if (same.digest !== digest) {
      throw new NodeError("row-corrupt", "The record's digest is not its claim's.");
    }
    return { ok: true, record: same };
  }
  const ancestry = linksOf(asked.ancestry);
  const last = writer.newest(claim.rollupId)?.claim ?? null;
  // An import may have brought claims of before the loss: they do not end the wait.
  const ceiling = unknownLast();
  const lost = ceiling !== null && (last?.blockNumber ?? 0n) <= ceiling ? ceiling : null;
  if (lost !== null && !isClearOf(lost, asked)) return refuse("waiting-for-finality");
  const decision = checkForkLock({ last, claim, ancestry, release });
  if (!decision.ok) return refuse(decision.code);
  const isReleased = decision.ground === "release" || lost !== null;
  const kept = isReleased && release !== null ? toRelease(release) : null;
  const record = { claim, digest, release: kept };
  writer.insert(record);
  return { ok: true, record: { ...record, signature: null } };
}

/**
 * Whether a claim is clear of whatever was signed up to a height before the record was lost: it is
 * above it, on the chain of a block at or above it that L1 has finalised.
 */
function isClearOf(height: bigint, { claim, ancestry, release }: AskedClaim): boolean {
  if (release?.kind !== "l1-finalised-block") return false;
  // As if the last claim had been signed there, on a branch that nothing descends from.
  const last = { ...claim, blockNumber: height, blockHash: ZERO_HASH };
  return checkForkLock({ last, claim, ancestry: linksOf(ancestry), release }).ok;
}

/** Rule 3 of the protocol, as far as a record can hold it: one hash per epoch. Null for another. */
export function recordSetUpdate(
  writer: ProtectionWriter,
  asked: RecordedSetUpdate,
): SetUpdateRecord | null {
  const recorded = writer.setUpdateOf(asked.epoch);
  if (recorded === null) {
    writer.insertSetUpdate(asked);
    return { ...asked, signature: null };
  }
  if (recorded.operatorSetHash !== asked.operatorSetHash) return null;
  if (recorded.epoch !== asked.epoch || recorded.digest !== asked.digest) {
    throw new NodeError("row-corrupt", "The record's digest is not its set update's.");
  }
  return recorded;
}

/** Says no by a code. */
export function refuse<Code extends SignRefusal | SetUpdateRefusal>(code: Code): Refused<Code> {
  return { ok: false, code };
}
