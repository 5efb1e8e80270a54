import {
  type Certificate,
  type Claim,
  type Contradiction,
  createEngineState,
  type Effect,
  type EngineOptions,
  type EngineState,
  type Evidence,
  type EvidenceFailure,
  type Hex,
  type Input,
  isSameClaim,
  MIN_THRESHOLD_BPS,
  releaseEvidence,
  type SetUpdate,
  step,
  verifyEvidence,
  type WireAttestation,
} from "@mach/core";
import { NodeError } from "../node-error.ts";
import type { ContradictionEntry } from "../store/store.ts";
import { type AttestationIntake, createAttestationIntake } from "./attestation-intake.ts";
import { checkCertificate } from "./certificate-check.ts";
import { createEvidenceKeeper, type EvidenceKeeper } from "./evidence-keeper.ts";
import { keyInSet } from "./key-in-set.ts";
import type { EnginePorts } from "./ports.ts";
import { OWN, type Sender } from "./sender-standing.ts";
import { createSetUpdateDesk, type SetUpdateDesk } from "./set-update-desk.ts";
import { createSignatureDesk, type SignatureDesk } from "./signature-desk.ts";
import { ACCEPT, ignore, reject, type Verdict } from "./verdict.ts";

/** The engine with its effects performed. Nothing of it rejects or throws: see `onFatal`. */
export interface EngineShell {
  input(input: Input): void;
  /** Takes what the store kept: what is there already is neither stored nor announced again. */
  restore(input: Input): void;
  /** Counts the evidence that the store keeps, so that its bounds hold across restarts. */
  restoreEvidence(): Promise<void>;
  /** Evidence has left the store: its place is free for other evidence. */
  forgetEvidence(evidence: Evidence): void;
  /** For reading only: it changes with the next input. */
  state(): EngineState;
  /**
   * The attestations of one message, or of one answer: see `AttestationIntake`. What comes without
   * a sender is taken for this process's own.
   */
  receiveAttestations(attestations: readonly WireAttestation[], sender?: Sender): Promise<Verdict>;
  /** With a sender only as far as it may hold up the main thread: for what comes unasked. */
  receiveCertificate(certificate: Certificate, sender?: Sender): Promise<Verdict>;
  /** With a sender as certificates. */
  receiveEvidence(evidence: Evidence, sender?: Sender): Promise<Verdict>;
  /** One operator's signature over an epoch's hash, or a whole set update. */
  receiveSetUpdate(update: SetUpdate, sender?: Sender): Promise<Verdict>;
  /**
   * Takes that L1 has settled against certificates; resolves when it is stored and announced. It
   * alone rejects: where the store fails.
   */
  contradict(rollupId: bigint, contradiction: Contradiction): Promise<void>;
  /** Waits for effects under way. */
  settle(): Promise<void>;
}

/** What is answered once the engine has failed. */
const FAILED: Verdict = ignore("engine-failed");

/** Runs `core`'s step and performs what it asks for; results come back as inputs. */
export function createEngineShell(options: EngineOptions, ports: EnginePorts): EngineShell {
  return new Shell(options, ports);
}

class Shell implements EngineShell {
  readonly #options: EngineOptions;
  readonly #ports: EnginePorts;
  readonly #desk: SignatureDesk;
  readonly #attestations: AttestationIntake;
  readonly #evidence: EvidenceKeeper;
  readonly #setUpdates: SetUpdateDesk;
  readonly #underWay = new Set<Promise<void>>();
  readonly #waiting: Input[] = [];
  #state: EngineState;
  #isStepping = false;
  #hasFailed = false;

  constructor(options: EngineOptions, ports: EnginePorts) {
    this.#options = options;
    this.#ports = ports;
    this.#evidence = createEvidenceKeeper(ports.store);
    this.#state = createEngineState(options);
    this.#desk = createSignatureDesk(ports);
    this.#attestations = createAttestationIntake({
      desk: this.#desk,
      state: () => this.#state,
      input: (input) => this.input(input),
    });
    this.#setUpdates = createSetUpdateDesk({
      ...ports,
      desk: this.#desk,
      state: () => this.#state,
      input: (input) => this.input(input),
    });
  }

  state(): EngineState {
    return this.#state;
  }

  input(input: Input): void {
    this.#waiting.push(input);
    // An effect that answers at once waits its turn: a step's effects are performed in order.
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#step(next);
    } catch (error) {
      // A step that broke off leaves a state of which nothing is known.
      this.#fail(error);
    } finally {
      this.#isStepping = false;
    }
  }

  restore(input: Input): void {
    if (this.#hasFailed) return;
    const result = step(this.#state, input, this.#ports.now());
    this.#state = result.state;
    for (const effect of result.effects) {
      const isKept = effect.type === "store-certificate" || effect.type === "store-set-update";
      if (!isKept) this.#perform(effect);
    }
  }

  restoreEvidence(): Promise<void> {
    return this.#evidence.restore();
  }

  forgetEvidence(evidence: Evidence): void {
    this.#evidence.forget(evidence);
  }

  async receiveAttestations(
    attestations: readonly WireAttestation[],
    sender: Sender = OWN,
  ): Promise<Verdict> {
    if (this.#hasFailed) return FAILED;
    const verdict = await this.#attestations.receive(attestations, sender);
    return this.#hasFailed ? FAILED : verdict;
  }

  async receiveCertificate(certificate: Certificate, sender: Sender = OWN): Promise<Verdict> {
    if (this.#hasFailed) return FAILED;
    if (isBelowMemory(this.#state, certificate.claim) && (await this.#isKept(certificate))) {
      return this.#hasFailed ? FAILED : ignore("stale");
    }
    return this.#noted(sender, this.#takeCertificate(certificate, sender));
  }

  async receiveEvidence(evidence: Evidence, sender: Sender = OWN): Promise<Verdict> {
    if (this.#hasFailed) return FAILED;
    if (this.#evidence.isKnown(evidence)) return ignore("duplicate");
    if (!this.#desk.mayHoldUp(sender, costOf(evidence))) return ignore("overloaded");
    const result = verifyEvidence(this.#ports.bls, evidence, {
      domain: this.#options.domain,
      operatorSet: (epoch) => this.#state.epochs.get(epoch)?.operatorSet,
      thresholdBps: MIN_THRESHOLD_BPS,
    });
    if (!result.ok) {
      const { code } = result;
      return this.#noted(sender, isEvidenceToBlame(code) ? reject(code) : ignore(code));
    }
    if (evidence.kind === "conflicting-certificates") {
      // They stop fast finality here as well, whether or not there is room to keep the evidence.
      this.#takeCertificate(evidence.lower);
      this.#takeCertificate(evidence.higher);
    }
    await this.#keepEvidence(evidence);
    return this.#hasFailed ? FAILED : ACCEPT;
  }

  async receiveSetUpdate(update: SetUpdate, sender: Sender = OWN): Promise<Verdict> {
    if (this.#hasFailed) return FAILED;
    const verdict = await this.#setUpdates.receive(update, sender);
    return this.#hasFailed ? FAILED : verdict;
  }

  async contradict(rollupId: bigint, contradiction: Contradiction): Promise<void> {
    // Before it is stored: nothing of it is served meanwhile.
    this.input({ type: "contradiction-restored", rollupId, contradiction });
    await this.#storeContradiction({ rollupId, contradiction });
  }

  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all([...this.#underWay]);
  }

  #step(input: Input): void {
    if (this.#hasFailed) return;
    const result = step(this.#state, input, this.#ports.now());
    this.#state = result.state;
    for (const effect of result.effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    const { gossip, announce } = this.#ports;
    switch (effect.type) {
      case "sign":
        this.#track(this.#sign(effect));
        return;
      case "publish-attestation":
        gossip.publishAttestation(effect.attestation);
        return;
      case "check-sum":
        this.#track(this.#checkSum(effect));
        return;
      case "store-certificate":
        this.#track(this.#storeCertificate(effect));
        return;
      case "publish-certificate":
        gossip.publishCertificate(effect.certificate);
        return;
      case "store-evidence":
        this.#track(this.#keepOwnEvidence(effect.evidence));
        return;
      case "store-contradiction":
        this.#track(this.#storeContradiction(effect));
        return;
      case "sign-set-update":
      case "publish-set-update":
      case "sum-set-update":
      case "store-set-update":
        this.#track(this.#setUpdates.perform(effect));
        return;
      case "report":
        announce({ type: "report", report: effect.report });
        return;
    }
  }

  #track(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#waiting.length = 0;
    this.#ports.onFatal(error);
  }

  async #sign({ claim, ancestry, release }: Extract<Effect, { type: "sign" }>): Promise<void> {
    const { rollupId, blockNumber, blockHash } = claim;
    const { signer } = this.#ports;
    const rollup = this.#state.rollups.get(rollupId);
    if (signer === null || rollup === undefined) return;
    const verifiedHead = rollup.tip?.blockNumber ?? blockNumber;
    const publicKey = keyInSet(this.#state, claim.epoch);
    if (publicKey === null || !(await signer.holds(publicKey))) {
      // What it signs is counted unchecked: with another key it would make bad certificates.
      this.#onRefused({ claim, code: "key-not-in-set", last: null });
      return;
    }
    const result = await signer.sign({
      claim,
      publicKey,
      verifiedHead,
      ancestry,
      release: release && releaseEvidence(this.#state, release),
      isStillWanted: () => rollup.blocks.get(blockNumber)?.blockHash === blockHash,
    });
    if (result.ok) {
      this.input({ type: "signed", attestation: result.attestation });
      return;
    }
    // What the record says may be ahead of what is known here: a claim whose key failed is in it.
    const last = isOfRecord(result.code) ? await signer.lastSigned(rollupId) : null;
    this.#onRefused({ claim, code: result.code, last });
  }

  #onRefused(refused: Omit<Extract<Input, { type: "sign-refused" }>, "type">): void {
    const { claim, code } = refused;
    this.#ports.announce({ type: "sign-refused", claim, code });
    this.input({ type: "sign-refused", ...refused });
  }

  async #checkSum(sum: Extract<Effect, { type: "check-sum" }>): Promise<void> {
    const { claim, digest, signers, publicKeys, signatures } = sum;
    const { bls, verifier } = this.#ports;
    let signature: Hex | null;
    if (sum.isEachVerified) {
      signature = bls.aggregateSignatures(signatures);
      // Only keys that were chosen to cancel out sum to infinity. To try again is to loop.
      if (signature === null) return;
    } else {
      const verdict = await verifier.verifySum({ message: digest, publicKeys, signatures });
      signature = verdict.ok ? verdict.signature : null;
    }
    this.input({ type: "sum-checked", claim, digest, signers, signature });
  }

  #takeCertificate(certificate: Certificate, sender: Sender = OWN): Verdict {
    const mayVerify = (): boolean => this.#desk.mayHoldUp(sender, 1);
    const check = checkCertificate(this.#ports.bls, certificate, this.#state, mayVerify);
    if (!check.ok) return check.verdict;
    this.input({ type: "certificate-verified", certificate: check.certificate });
    return this.#hasFailed ? FAILED : ACCEPT;
  }

  /** Whoever handed on what no honest peer does is not trusted for a while. */
  #noted(sender: Sender, verdict: Verdict): Verdict {
    if (!verdict.accept && verdict.blame) this.#desk.onBad(sender);
    return verdict;
  }

  async #storeCertificate(effect: Extract<Effect, { type: "store-certificate" }>): Promise<void> {
    const { certificate, latencyMs } = effect;
    const { store, announce } = this.#ports;
    const stored = await store.putCertificate(certificate);
    if (stored.ok) {
      announce({ type: "certificate", certificate, latencyMs });
      return;
    }
    if (stored.code === "wrong-domain") {
      throw new NodeError("data-folder-unusable", "The store is of another network.");
    }
    // Too old to be told from one that contradicts what stood there: it is in nobody's store.
    if (stored.code === "pruned") return;
    // The one that stands there may have left memory: the engine has to see that they conflict.
    const { rollupId, blockNumber } = certificate.claim;
    const standing = await store.certificateAt(rollupId, blockNumber);
    if (standing !== null) this.#takeCertificate(standing);
  }

  /** Whether the store has one for that very claim, or had: what is old is neither checked nor sent on. */
  async #isKept({ claim }: Certificate): Promise<boolean> {
    try {
      const { store } = this.#ports;
      const { rollupId, blockNumber } = claim;
      const kept = await store.certificateAt(rollupId, blockNumber);
      if (kept !== null) return isSameClaim(kept.claim, claim);
      return blockNumber < (await store.keptFrom({ kind: "certificates", rollupId }));
    } catch (error) {
      this.#fail(error);
      return true;
    }
  }

  async #storeContradiction({ rollupId, contradiction }: ContradictionEntry): Promise<void> {
    await this.#ports.store.putContradiction({ rollupId, contradiction });
    this.#ports.announce({ type: "contradiction", rollupId, contradiction });
  }

  async #keepOwnEvidence(evidence: Evidence): Promise<void> {
    const kept = await this.#keepEvidence(evidence);
    if (kept === "kept") this.#ports.gossip.publishEvidence(evidence);
  }

  /** Evidence from a peer is forwarded by its verdict: only what is found here is published. */
  async #keepEvidence(evidence: Evidence): Promise<"kept" | "known" | "full" | "failed"> {
    try {
      const kept = await this.#evidence.keep(evidence);
      if (kept === "kept") this.#ports.announce({ type: "evidence", evidence });
      if (kept === "full") this.#ports.announce({ type: "evidence-full", evidence });
      return kept;
    } catch (error) {
      this.#fail(error);
      return "failed";
    }
  }
}

/** Whether a height is so far below the newest that the engine would forget it at once. */
function isBelowMemory(state: EngineState, claim: Claim): boolean {
  const rollup = state.rollups.get(claim.rollupId);
  const tip = rollup?.tip?.blockNumber ?? 0n;
  const newest = rollup?.newest?.certificate.claim.blockNumber ?? 0n;
  const top = tip > newest ? tip : newest;
  return claim.blockNumber + BigInt(state.options.chainDepth) <= top;
}

/** Whether a refusal tells that the record may hold a claim that is not known here. */
function isOfRecord(code: string): boolean {
  return code === "fork-locked" || code === "key-failed" || code.endsWith("-last");
}

/** In signatures: two of them, and sixteen headers take as long to hash as one takes to check. */
function costOf(evidence: Evidence): number {
  const headers = evidence.kind === "conflicting-certificates" ? evidence.headers.length : 0;
  return 2 + Math.ceil(headers / 16);
}

/** Evidence of an epoch whose set is not known here may be good: its sender is not to blame. */
function isEvidenceToBlame(code: EvidenceFailure): boolean {
  return code !== "unknown-operator-set";
}
