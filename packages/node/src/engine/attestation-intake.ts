import {
  type AdmittedAttestation,
  admitAttestation,
  asVerified,
  type EngineState,
  type Input,
  isSameClaim,
  isToBlame,
  type WireAttestation,
} from "@mach/core";
import { OWN, type Sender } from "./sender-standing.ts";
import type { SignatureDesk } from "./signature-desk.ts";
import { ACCEPT, ignore, reject, type Verdict } from "./verdict.ts";

export interface AttestationIntakePorts {
  readonly desk: Pick<SignatureDesk, "isTrusted" | "withRoom" | "verify">;
  readonly state: () => EngineState;
  readonly input: (input: Input) => void;
}

/** Brings attestations from peers to the engine: the cheap checks, then the attribution check. */
export interface AttestationIntake {
  /**
   * The verdict over all attestations of one message. It may be forwarded where each of them was
   * found valid, now or before in the same bytes, and one of them is new: whoever forwards
   * vouches for every byte, and what is known can be put together anew without end.
   */
  receive(attestations: readonly WireAttestation[], sender?: Sender): Promise<Verdict>;
}

/**
 * How many of a message's attestations are checked first, of one who is not trusted only one; each
 * time that all of them are good, four times as many follow. A message full of forgeries costs the
 * first.
 */
const FIRST_CHUNK = 4;
const CHUNK_GROWTH = 4;
const MAX_CHUNK = 64;

/** An intake with a bound on what one peer may have in the signature check at once. */
export function createAttestationIntake(ports: AttestationIntakePorts): AttestationIntake {
  const { desk, state, input } = ports;

  async function attribute(sender: Sender, admitted: AdmittedAttestation): Promise<Outcome> {
    const { digest: message, publicKey, signature } = admitted;
    const answer = desk.verify(sender, { message, publicKey, signature });
    // One forged signature spoils a sum, and a claim's unchecked sum is tried once.
    if (desk.isTrusted(sender)) input({ type: "attestation-arrived", attestation: admitted });
    const verdict = await answer;
    if (!verdict.ok) {
      input({ type: "attestation-refused", attestation: admitted });
      return verdict.code === "bad-signature" ? reject(verdict.code) : ignore(verdict.code);
    }
    // The same one may have come in another message while this one was checked.
    const isNew = !isCounted(state(), admitted);
    if (isNew) input({ type: "attestation-verified", attestation: asVerified(admitted) });
    return isNew ? "new" : "known";
  }

  return {
    async receive(attestations, sender = OWN) {
      const sorted = sortOut(state(), attestations);
      if ("refused" in sorted) return sorted.refused;
      const outcomes: Outcome[] = [...sorted.settled];
      let size = desk.isTrusted(sender) ? FIRST_CHUNK : 1;
      for (let from = 0; from < sorted.admitted.length; ) {
        const chunk = sorted.admitted.slice(from, from + size);
        const checked = await desk.withRoom(sender, {
          count: chunk.length,
          check: () => Promise.all(chunk.map((each) => attribute(sender, each))),
        });
        if (checked === null) return ignore("overloaded");
        const bad = checked.find(isBlamed);
        if (bad !== undefined) return bad;
        outcomes.push(...checked);
        from += size;
        size = Math.min(size * CHUNK_GROWTH, MAX_CHUNK);
      }
      return combine(outcomes);
    },
  };
}

/** What became of one attestation: "known" was found valid before, in the same bytes. */
type Outcome = "new" | "known" | Verdict;

interface Sorted {
  readonly settled: readonly Outcome[];
  readonly admitted: readonly AdmittedAttestation[];
}

/** The cheap checks of all, before any signature: one that is to blame settles the message. */
function sortOut(
  state: EngineState,
  attestations: readonly WireAttestation[],
): Sorted | { readonly refused: Verdict } {
  const settled: Outcome[] = [];
  const admitted: AdmittedAttestation[] = [];
  for (const attestation of attestations) {
    const admission = admitAttestation(state, attestation);
    if (admission.ok) {
      // One valid signature, repeated, would cost many checks and make its sender trusted.
      if (isAmong(admitted, admission.attestation)) settled.push("known");
      else admitted.push(admission.attestation);
    } else if (isToBlame(admission.code)) return { refused: reject(admission.code) };
    else settled.push(isCounted(state, attestation) ? "known" : ignore(admission.code));
  }
  return { settled, admitted };
}

/** Whether exactly these bytes came before in the same message: what is found of those holds. */
function isAmong(before: readonly AdmittedAttestation[], next: AdmittedAttestation): boolean {
  return before.some(
    ({ digest, index, signature }) =>
      digest === next.digest &&
      index === next.index &&
      Buffer.compare(signature, next.signature) === 0,
  );
}

function combine(outcomes: readonly Outcome[]): Verdict {
  if (outcomes.length === 0) return reject("empty");
  for (const outcome of outcomes) if (typeof outcome !== "string") return outcome;
  return outcomes.includes("new") ? ACCEPT : ignore("duplicate");
}

function isBlamed(outcome: Outcome): outcome is Verdict {
  return typeof outcome !== "string" && !outcome.accept && outcome.blame;
}

/** Whether exactly these bytes count for the operator already. */
function isCounted(state: EngineState, attestation: WireAttestation): boolean {
  const { claim, operator, signature } = attestation;
  const index = state.epochs.get(claim.epoch)?.byOperator.get(operator);
  const height = state.rollups.get(claim.rollupId)?.heights.get(claim.blockNumber);
  if (index === undefined || height === undefined) return false;
  for (const pool of height.pools.values()) {
    if (!isSameClaim(pool.claim, claim)) continue;
    const counted = pool.verified.get(index)?.signature;
    return counted !== undefined && Buffer.compare(counted, signature) === 0;
  }
  return false;
}
