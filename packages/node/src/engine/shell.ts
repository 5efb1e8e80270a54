import type { BatchVerifier, NativeBls } from "@mach/bls";
import {
  type AdmittedAttestation,
  admitAttestation,
  asVerified,
  type Certificate,
  type Claim,
  type Contradiction,
  claimDigest,
  createEngineState,
  type Effect,
  type EngineOptions,
  type EngineState,
  type Evidence,
  type EvidenceFailure,
  type Hex,
  type Input,
  isSameDomain,
  isToBlame,
  MIN_THRESHOLD_BPS,
  type Report,
  step,
  type VerifiedAttestation,
  type VerifiedCertificate,
  verifyCertificate,
  verifyEvidence,
  type WireAttestation,
} from "@mach/core";
import { evidenceId } from "../store/evidence-id.ts";
import type { Store } from "../store/store.ts";

/** Whether a peer's message may be forwarded, and whether the peer is to blame for it. */
export type Verdict =
  | { readonly accept: true }
  | { readonly accept: false; readonly code: string; readonly blame: boolean };

/** What the engine's effects reach. Each port is one that the node's wiring fills. */
export interface EnginePorts {
  readonly bls: Pick<NativeBls, "aggregateSignatures" | "verifyAggregate">;
  readonly verifier: Pick<BatchVerifier, "verify" | "verifySum">;
  /** Signs, or refuses with a code; null for an observer. */
  readonly signer: ClaimSigner | null;
  readonly store: EngineStore;
  readonly gossip: EngineGossip;
  /** What happened, once it is stored. */
  readonly announce: (announcement: Announcement) => void;
  readonly now: () => number;
}

export interface ClaimSigner {
  sign(request: {
    readonly claim: Claim;
    readonly verifiedHead: bigint;
    readonly isStillWanted: () => boolean;
  }): Promise<
    | { readonly ok: true; readonly attestation: WireAttestation }
    | { readonly ok: false; readonly code: string }
  >;
}

export type EngineStore = Pick<Store, "putCertificate" | "putEvidence" | "putContradiction">;

export interface EngineGossip {
  publishAttestation(attestation: VerifiedAttestation): void;
  publishCertificate(certificate: Certificate): void;
  publishEvidence(evidence: Evidence): void;
}

export type Announcement =
  | {
      readonly type: "certificate";
      readonly certificate: VerifiedCertificate;
      readonly latencyMs: number | null;
    }
  | { readonly type: "evidence"; readonly evidence: Evidence }
  | {
      readonly type: "contradiction";
      readonly rollupId: bigint;
      readonly contradiction: Contradiction;
    }
  | { readonly type: "sign-refused"; readonly claim: Claim; readonly code: string }
  | { readonly type: "report"; readonly report: Report };

/** The engine with its effects performed. */
export interface EngineShell {
  input(input: Input): void;
  /** For reading only: it changes with the next input. */
  state(): EngineState;
  /** Attestations of one operator, from the wire: cheap checks, then the attribution check. */
  receiveAttestations(attestations: readonly WireAttestation[]): Promise<Verdict>;
  receiveCertificate(certificate: Certificate): Promise<Verdict>;
  receiveEvidence(evidence: Evidence): Promise<Verdict>;
  /** Waits for effects under way. */
  settle(): Promise<void>;
}

const ACCEPT: Verdict = { accept: true };
const MAX_KNOWN_EVIDENCE = 4_096;

/** Runs `core`'s step and performs what it asks for; results come back as inputs. */
export function createEngineShell(options: EngineOptions, ports: EnginePorts): EngineShell {
  let state = createEngineState(options);
  const underWay = new Set<Promise<void>>();
  const knownEvidence = new Set<Hex>();
  const { bls, verifier, store, gossip, announce } = ports;

  function input(next: Input): void {
    const result = step(state, next, ports.now());
    state = result.state;
    for (const effect of result.effects) perform(effect);
  }

  function track(work: Promise<void>): void {
    underWay.add(work);
    // A failure to store or sign is not survivable: the rejection ends the process.
    void work.finally(() => underWay.delete(work));
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case "sign":
        track(sign(effect.claim));
        return;
      case "publish-attestation":
        gossip.publishAttestation(effect.attestation);
        return;
      case "check-sum":
        track(checkSum(effect));
        return;
      case "store-certificate": {
        const { certificate, latencyMs } = effect;
        const stored = store.putCertificate(certificate);
        track(stored.then(() => announce({ type: "certificate", certificate, latencyMs })));
        return;
      }
      case "publish-certificate":
        gossip.publishCertificate(effect.certificate);
        return;
      case "store-evidence":
        track(keepEvidence(effect.evidence));
        return;
      case "store-contradiction": {
        const { rollupId, contradiction } = effect;
        const stored = store.putContradiction({ rollupId, contradiction });
        track(stored.then(() => announce({ type: "contradiction", rollupId, contradiction })));
        return;
      }
      case "report":
        announce({ type: "report", report: effect.report });
        return;
    }
  }

  async function sign(claim: Claim): Promise<void> {
    const { rollupId, blockNumber, blockHash } = claim;
    const rollup = state.rollups.get(rollupId);
    if (ports.signer === null || rollup === undefined) return;
    const result = await ports.signer.sign({
      claim,
      verifiedHead: rollup.tip?.blockNumber ?? blockNumber,
      isStillWanted: () => rollup.blocks.get(blockNumber)?.blockHash === blockHash,
    });
    if (result.ok) input({ type: "signed", attestation: result.attestation });
    else announce({ type: "sign-refused", claim, code: result.code });
  }

  async function checkSum(sum: Extract<Effect, { type: "check-sum" }>): Promise<void> {
    const { claim, digest, signers, publicKeys, signatures } = sum;
    let signature: Hex | null;
    if (sum.isEachVerified) {
      signature = bls.aggregateSignatures(signatures);
    } else {
      const verdict = await verifier.verifySum({ message: digest, publicKeys, signatures });
      signature = verdict.ok ? verdict.signature : null;
    }
    input({ type: "sum-checked", claim, digest, signers, signature });
  }

  async function keepEvidence(evidence: Evidence): Promise<void> {
    const id = evidenceId(evidence);
    if (knownEvidence.has(id)) return;
    if (knownEvidence.size >= MAX_KNOWN_EVIDENCE) knownEvidence.clear();
    knownEvidence.add(id);
    await store.putEvidence(evidence);
    announce({ type: "evidence", evidence });
    gossip.publishEvidence(evidence);
  }

  async function receiveOne(attestation: WireAttestation): Promise<Verdict> {
    const admission = admitAttestation(state, attestation);
    if (!admission.ok) {
      return { accept: false, code: admission.code, blame: isToBlame(admission.code) };
    }
    return attribute(admission.attestation);
  }

  async function attribute(admitted: AdmittedAttestation): Promise<Verdict> {
    const { digest: message, publicKey, signature } = admitted;
    const answer = verifier.verify({ message, publicKey, signature });
    input({ type: "attestation-arrived", attestation: admitted });
    const verdict = await answer;
    if (verdict.ok) {
      input({ type: "attestation-verified", attestation: asVerified(admitted) });
      return ACCEPT;
    }
    input({ type: "attestation-refused", attestation: admitted });
    return { accept: false, code: verdict.code, blame: verdict.code === "bad-signature" };
  }

  return {
    input,
    state: () => state,
    async receiveAttestations(attestations) {
      const verdicts = await Promise.all(attestations.map(receiveOne));
      return combine(verdicts);
    },
    async receiveCertificate(certificate) {
      const known = checkKnown(state, certificate);
      if (known !== null && "held" in known) {
        input({ type: "certificate-verified", certificate: known.held });
        return ACCEPT;
      }
      if (known !== null) return known.verdict;
      const epoch = state.epochs.get(certificate.claim.epoch);
      const parameters = epoch?.rollups.get(certificate.claim.rollupId);
      if (epoch === undefined || parameters === undefined) {
        return { accept: false, code: "unknown-operator-set", blame: false };
      }
      const { operatorSet } = epoch;
      const { thresholdBps } = parameters;
      const { domain } = options;
      const context = { operatorSet, thresholdBps, domain };
      const result = verifyCertificate(bls, certificate, context);
      if (!result.ok) return { accept: false, code: result.code, blame: true };
      input({ type: "certificate-verified", certificate: result.certificate });
      return ACCEPT;
    },
    async receiveEvidence(evidence) {
      if (knownEvidence.has(evidenceId(evidence))) {
        return { accept: false, code: "duplicate", blame: false };
      }
      const result = verifyEvidence(bls, evidence, {
        domain: options.domain,
        operatorSet: (epoch) => state.epochs.get(epoch)?.operatorSet,
        thresholdBps: MIN_THRESHOLD_BPS,
      });
      if (!result.ok) {
        return { accept: false, code: result.code, blame: isEvidenceToBlame(result.code) };
      }
      await keepEvidence(evidence);
      return ACCEPT;
    },
    async settle() {
      while (underWay.size > 0) await Promise.allSettled([...underWay]);
    },
  };
}

/** One message carries several attestations: one that is bad is bad for all of it. */
function combine(verdicts: readonly Verdict[]): Verdict {
  const refused = verdicts.filter((verdict) => !verdict.accept);
  const blamed = refused.find((verdict) => verdict.blame);
  if (blamed !== undefined) return blamed;
  const isAnyAccepted = refused.length < verdicts.length;
  return isAnyAccepted ? ACCEPT : (refused[0] ?? { accept: false, code: "empty", blame: true });
}

type Known =
  | { readonly verdict: Verdict }
  /** The very certificate that is held, and was verified before. */
  | { readonly held: VerifiedCertificate };

/** Answers a certificate that needs no cryptography; null where its signature has to be checked. */
function checkKnown(state: EngineState, certificate: Certificate): Known | null {
  const { claim } = certificate;
  const refuse = (code: string, blame: boolean): Known => ({
    verdict: { accept: false, code, blame },
  });
  const rollup = state.rollups.get(claim.rollupId);
  if (rollup === undefined) return refuse("unknown-rollup", false);
  if (!isSameDomain(certificate.domain, state.options.domain)) return refuse("wrong-domain", true);
  const held = rollup.certified.get(claim.blockNumber);
  if (held === undefined || held.certificate.certificateId !== certificate.certificateId) {
    return null;
  }
  const { signers, operatorSetHash, signature } = held.certificate;
  const isSame =
    signers === certificate.signers &&
    operatorSetHash === certificate.operatorSetHash &&
    // The same signers' sum over the same claim has one valid encoding only.
    signature === certificate.signature &&
    held.digest === claimDigest(state.options.domain, claim);
  return isSame ? { held: held.certificate } : refuse("bad-signature", true);
}

/** Evidence of an epoch whose set is not known here may be good: its sender is not to blame. */
function isEvidenceToBlame(code: EvidenceFailure): boolean {
  return code !== "unknown-operator-set";
}
