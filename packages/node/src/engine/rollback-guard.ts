import { bitfieldIndices, type EngineState, type Hex } from "@mach/core";
import type { Alerts } from "../alerts.ts";
import { NodeError } from "../node-error.ts";
import type { OperatorSigner } from "../operator.ts";
import type { ClaimSigner } from "./ports.ts";

/** A claim of this node's operator that the network holds, signed with the operator's own key. */
export interface SeenClaim {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
}

export interface RollbackGuardPorts {
  readonly newestSeen: (rollupId: bigint) => SeenClaim | null;
  /** The record is not where it was opened last, and peers have not been asked for long enough. */
  readonly isQuarantined: () => Promise<boolean>;
  /** A signer in another process has found that its record is not where it was. */
  readonly onQuarantined: () => void;
  /** The record was made after a loss: until it holds a claim the signer waits for L1 by itself. */
  readonly isMadeAnew: boolean;
  readonly alerts: Pick<Alerts, "raise">;
}

/**
 * How long a record that is not where it was is kept from signing: longer than peers take to hand
 * over what is still open, a turn with each of dozens every few seconds.
 */
const QUARANTINE_MS = 120_000;

const UNREACHABLE = { ok: false, code: "signer-unreachable" } as const;
const QUARANTINED = { ok: false, code: "quarantined" } as const;

const BEHIND =
  "The network holds a claim that this operator signed and that its signing record lacks: the " +
  "record is an old copy. Stop the node, and make a record in an empty folder without --new: " +
  "mach protection init";

export interface RecordGuardPorts {
  readonly state: () => EngineState;
  /** Whether a peer has handed over what it holds since the start. */
  readonly hasAskedPeers: () => boolean;
  readonly alerts: Pick<Alerts, "raise">;
  /** Milliseconds. */
  readonly now: () => number;
}

/** An operator's signer, held against what the network knows of the operator. */
export function guardRecord(
  { claims, operator, record }: Pick<OperatorSigner, "claims" | "operator" | "record">,
  { state, hasAskedPeers, alerts, now }: RecordGuardPorts,
): ClaimSigner {
  let startedAtMs = now();
  let isInPlace = record.isInPlace;

  async function isQuarantined(): Promise<boolean> {
    if (isInPlace) return false;
    if (!hasAskedPeers() || now() - startedAtMs < QUARANTINE_MS) return true;
    // Not before: a restart in between begins anew.
    await record.keepPlace();
    isInPlace = true;
    return false;
  }

  return guardAgainstRollback(claims, {
    newestSeen: (rollupId) => newestSeenIn(state(), { rollupId, operator }),
    isQuarantined,
    onQuarantined: () => {
      isInPlace = false;
      startedAtMs = now();
    },
    isMadeAnew: record.origin === "record-lost",
    alerts,
  });
}

/**
 * A signer that signs nothing while its record may be an old copy, and nothing any more on a
 * rollup where the network knows better than the record: what else it lacks nobody can say.
 */
export function guardAgainstRollback(signer: ClaimSigner, ports: RollbackGuardPorts): ClaimSigner {
  const { newestSeen, isQuarantined, onQuarantined, isMadeAnew, alerts } = ports;

  /** Where the signer is out of reach nothing is known of the record, and nothing is signed. */
  async function reach<T>(question: Promise<T>): Promise<{ readonly value: T } | null> {
    try {
      return { value: await question };
    } catch (error) {
      if (error instanceof NodeError && error.code === "signer-unreachable") return null;
      throw error;
    }
  }

  return {
    holds: (publicKey) => signer.holds(publicKey),
    lastSigned: async (rollupId) => (await reach(signer.lastSigned(rollupId)))?.value ?? null,
    signSetUpdate: (request) => signer.signSetUpdate(request),
    async sign(request) {
      const { rollupId } = request.claim;
      const asked = await reach(signer.lastSigned(rollupId));
      if (asked === null) return UNREACHABLE;
      const last = asked.value;
      if (last === null && isMadeAnew) return await signer.sign(request);
      // Asked after the record, which is never behind what this process has published.
      const seen = newestSeen(rollupId);
      if (seen !== null && isBehind(last, seen)) {
        alerts.raise({
          code: "record-behind-network",
          severity: "critical",
          rollupId,
          message: BEHIND,
        });
        return { ok: false, code: "record-behind-network" };
      }
      const quarantine = await reach(isQuarantined());
      if (quarantine === null) return UNREACHABLE;
      if (quarantine.value) return QUARANTINED;
      const result = await signer.sign(request);
      if (!result.ok && result.code === QUARANTINED.code) onQuarantined();
      return result;
    },
  };
}

/** The newest claim of an operator in what peers have sent: attestations, and certificates. */
export function newestSeenIn(
  state: EngineState,
  { rollupId, operator }: { readonly rollupId: bigint; readonly operator: Hex },
): SeenClaim | null {
  const rollup = state.rollups.get(rollupId);
  if (rollup === undefined) return null;
  let newest: SeenClaim | null = rollup.bound.get(operator) ?? null;
  for (const [blockNumber, { certificate }] of rollup.certified) {
    if (newest !== null && blockNumber <= newest.blockNumber) continue;
    const index = state.epochs.get(certificate.claim.epoch)?.byOperator.get(operator);
    if (index !== undefined && bitfieldIndices(certificate.signers).includes(index)) {
      newest = { blockNumber, blockHash: certificate.claim.blockHash };
    }
  }
  return newest;
}

function isBehind(last: SeenClaim | null, seen: SeenClaim): boolean {
  if (last === null || seen.blockNumber > last.blockNumber) return true;
  return seen.blockNumber === last.blockNumber && seen.blockHash !== last.blockHash;
}
