import type { BatchVerifier, NativeBls } from "@mach/bls";
import {
  type AdmittedAttestation,
  admitAttestation,
  asVerified,
  type Certificate,
  type Claim,
  type Contradiction,
  checkClaim,
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
  return new Shell(options, ports);
}

class Shell implements EngineShell {
  readonly #options: EngineOptions;
  readonly #ports: EnginePorts;
  readonly #underWay = new Set<Promise<void>>();
  readonly #knownEvidence = new Set<Hex>();
  #state: EngineState;

  constructor(options: EngineOptions, ports: EnginePorts) {
    this.#options = options;
    this.#ports = ports;
    this.#state = createEngineState(options);
  }

  state(): EngineState {
    return this.#state;
  }

  input(input: Input): void {
    const result = step(this.#state, input, this.#ports.now());
    this.#state = result.state;
    for (const effect of result.effects) this.#perform(effect);
  }

  async receiveAttestations(attestations: readonly WireAttestation[]): Promise<Verdict> {
    return combine(await Promise.all(attestations.map((each) => this.#receiveOne(each))));
  }

  async receiveCertificate(certificate: Certificate): Promise<Verdict> {
    const known = checkKnown(this.#state, certificate);
    if (known !== null && "held" in known) {
      this.input({ type: "certificate-verified", certificate: known.held });
      return ACCEPT;
    }
    if (known !== null) return known.verdict;
    const illegal = checkClaim(this.#state, certificate.claim);
    if (illegal !== null) return { accept: false, code: illegal, blame: isToBlame(illegal) };
    const epoch = this.#state.epochs.get(certificate.claim.epoch);
    const parameters = epoch?.rollups.get(certificate.claim.rollupId);
    if (epoch === undefined || parameters === undefined) {
      return { accept: false, code: "unknown-operator-set", blame: false };
    }
    const { operatorSet } = epoch;
    const { thresholdBps } = parameters;
    const { domain } = this.#options;
    const context = { operatorSet, thresholdBps, domain };
    const result = verifyCertificate(this.#ports.bls, certificate, context);
    if (!result.ok) return { accept: false, code: result.code, blame: true };
    this.input({ type: "certificate-verified", certificate: result.certificate });
    return ACCEPT;
  }

  async receiveEvidence(evidence: Evidence): Promise<Verdict> {
    if (this.#knownEvidence.has(evidenceId(evidence))) {
      return { accept: false, code: "duplicate", blame: false };
    }
    const result = verifyEvidence(this.#ports.bls, evidence, {
      domain: this.#options.domain,
      operatorSet: (epoch) => this.#state.epochs.get(epoch)?.operatorSet,
      thresholdBps: MIN_THRESHOLD_BPS,
    });
    if (!result.ok) {
      return { accept: false, code: result.code, blame: isEvidenceToBlame(result.code) };
    }
    await this.#keepEvidence(evidence);
    return ACCEPT;
  }

  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }

  #perform(effect: Effect): void {
    const { gossip, store, announce } = this.#ports;
    switch (effect.type) {
      case "sign":
        this.#track(this.#sign(effect.claim));
        return;
      case "publish-attestation":
        gossip.publishAttestation(effect.attestation);
        return;
      case "check-sum":
        this.#track(this.#checkSum(effect));
        return;
      case "store-certificate": {
        const { certificate, latencyMs } = effect;
        const stored = store.putCertificate(certificate);
        this.#track(stored.then(() => announce({ type: "certificate", certificate, latencyMs })));
        return;
      }
      case "publish-certificate":
        gossip.publishCertificate(effect.certificate);
        return;
      case "store-evidence":
        this.#track(this.#keepEvidence(effect.evidence));
        return;
      case "store-contradiction": {
        const { rollupId, contradiction } = effect;
        const stored = store.putContradiction({ rollupId, contradiction });
        const announcement = { type: "contradiction", rollupId, contradiction } as const;
        this.#track(stored.then(() => announce(announcement)));
        return;
      }
      case "report":
        announce({ type: "report", report: effect.report });
        return;
    }
  }

  #track(work: Promise<void>): void {
    this.#underWay.add(work);
    // A store that fails is not survivable: the rejection is left to end the process.
    void work.finally(() => this.#underWay.delete(work));
  }

  async #sign(claim: Claim): Promise<void> {
    const { rollupId, blockNumber, blockHash } = claim;
    const { signer, announce } = this.#ports;
    const rollup = this.#state.rollups.get(rollupId);
    if (signer === null || rollup === undefined) return;
    const result = await signer.sign({
      claim,
      verifiedHead: rollup.tip?.blockNumber ?? blockNumber,
      isStillWanted: () => rollup.blocks.get(blockNumber)?.blockHash === blockHash,
    });
    if (result.ok) this.input({ type: "signed", attestation: result.attestation });
    else announce({ type: "sign-refused", claim, code: result.code });
  }

  async #checkSum(sum: Extract<Effect, { type: "check-sum" }>): Promise<void> {
    const { claim, digest, signers, publicKeys, signatures } = sum;
    const { bls, verifier } = this.#ports;
    let signature: Hex | null;
    if (sum.isEachVerified) {
      signature = bls.aggregateSignatures(signatures);
    } else {
      const verdict = await verifier.verifySum({ message: digest, publicKeys, signatures });
      signature = verdict.ok ? verdict.signature : null;
    }
    this.input({ type: "sum-checked", claim, digest, signers, signature });
  }

  async #keepEvidence(evidence: Evidence): Promise<void> {
    const id = evidenceId(evidence);
    if (this.#knownEvidence.has(id)) return;
    if (this.#knownEvidence.size >= MAX_KNOWN_EVIDENCE) this.#knownEvidence.clear();
    this.#knownEvidence.add(id);
    const { store, gossip, announce } = this.#ports;
    const kept = await store.putEvidence(evidence);
    if (!kept.ok || !kept.isNew) return;
    announce({ type: "evidence", evidence });
    gossip.publishEvidence(evidence);
  }

  async #receiveOne(attestation: WireAttestation): Promise<Verdict> {
    const admission = admitAttestation(this.#state, attestation);
    if (!admission.ok) {
      return { accept: false, code: admission.code, blame: isToBlame(admission.code) };
    }
    return await this.#attribute(admission.attestation);
  }

  async #attribute(admitted: AdmittedAttestation): Promise<Verdict> {
    const { digest: message, publicKey, signature } = admitted;
    const answer = this.#ports.verifier.verify({ message, publicKey, signature });
    this.input({ type: "attestation-arrived", attestation: admitted });
    const verdict = await answer;
    if (verdict.ok) {
      this.input({ type: "attestation-verified", attestation: asVerified(admitted) });
      return ACCEPT;
    }
    this.input({ type: "attestation-refused", attestation: admitted });
    return { accept: false, code: verdict.code, blame: verdict.code === "bad-signature" };
  }
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
