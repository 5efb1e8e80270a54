import {
  createEngineState,
  type Effect,
  type EngineState,
  type Head,
  type Hex,
  type Input,
  releaseEvidence,
  step,
  toCertificate,
  type VerifiedCertificate,
} from "@mach/core";
import { ancestorAt, commonAncestor, pathBetween, type SimBlock } from "./block-tree.ts";
import type { Coverage } from "./coverage.ts";
import type { Judge } from "./judge.ts";
import type { Message } from "./message.ts";
import { keyOfEvidence, receive } from "./node-intake.ts";
import { performSetUpdate } from "./node-set-updates.ts";
import type { Random } from "./random.ts";
import { type Member, ROLLUP_ID, type Setting } from "./setting.ts";
import {
  createRecordDisk,
  newestRow,
  type RecordDisk,
  type SignedRow,
  type SignerPorts,
  signClaim,
} from "./sim-signer.ts";
import { createSimStore, type SimStore } from "./sim-store.ts";

/** How many blocks below the newest a node keeps: deeper than any reorg of a plan. */
export const CHAIN_DEPTH = 96;
/** How many blocks below the last one signed are read again after a restart. */
const OVERLAP = 4n;
/** What is kept of each operator for blocks that are still to come. */
export const EARLY_PER_OPERATOR = 8;

export interface NodePorts {
  readonly setting: Setting;
  readonly random: Random;
  readonly coverage: Coverage;
  readonly judge: Judge;
  readonly log: (line: () => string) => void;
  /** Runs something later in virtual time. */
  readonly after: (delayMs: number, run: () => void) => void;
  readonly send: (to: number, message: Message) => void;
  readonly broadcast: (message: Message) => void;
  /** Milliseconds, by this node's own clock. */
  readonly now: () => number;
  /** How much longer this node's signer takes now, in milliseconds. */
  readonly signerDelayMs: () => number;
  /** The process has died: it is to be started again. */
  readonly onCrash: (node: SimNode, moment: string) => void;
}

/** Thrown where the process dies: nothing after it happens. */
class Crash extends Error {}

/** One node's process, its disk and its view: what the node's shell does, in virtual time. */
export class SimNode {
  readonly index: number;
  readonly member: Member | null;
  readonly ports: NodePorts;
  readonly store: SimStore = createSimStore();
  readonly disk: RecordDisk = createRecordDisk();
  /** Evidence that is kept, one piece for each breach. */
  readonly knownEvidence: Set<string> = new Set();
  state: EngineState;
  isUp = true;
  tip: SimBlock | null = null;
  /** The newest finalised head that this process was told of. */
  finalized: Head | null = null;
  /** The newest one that its sources have agreed on, whatever process asked them. */
  agreed: Head | null = null;
  steps = 0;
  /** Of this process. */
  highestTip: bigint = 0n;
  /** The highest block served as fast-final by this process, without a contradiction since. */
  served: bigint = -1n;
  /** Goes up with each death. */
  incarnation = 0;
  /** Epochs whose set this node has read from L1-finalised state. */
  readonly finalSets: Set<bigint> = new Set();
  readonly #sets: Input[] = [];
  #waiting: Input[] = [];
  #isStepping = false;
  #effectsToCrash: number | null = null;

  constructor(place: { readonly index: number; readonly member: Member | null }, ports: NodePorts) {
    this.index = place.index;
    this.member = place.member;
    this.ports = ports;
    this.state = this.#createState();
  }

  /** Runs what happens to this process, which may die in it. */
  enter(run: () => void): void {
    if (!this.isUp) return;
    try {
      run();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.#die(error.message);
    }
  }

  /** Runs something of this process later, unless it has died by then. */
  later(delayMs: number, run: () => void): void {
    const incarnation = this.incarnation;
    this.ports.after(delayMs, () => {
      if (incarnation === this.incarnation) this.enter(run);
    });
  }

  /** The process dies when so many more effects have been begun. */
  crashAfter(effects: number): void {
    this.#effectsToCrash = effects;
  }

  input(input: Input): void {
    this.#waiting.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#step(next);
    } finally {
      this.#isStepping = false;
    }
  }

  receive(from: number, message: Message): void {
    this.enter(() => receive(this, from, message));
  }

  learnSet(input: Input): void {
    // L1 can be read again at any time: what it fixed outlives the process.
    this.#sets.push(input);
    if (input.type === "set-final") this.finalSets.add(input.epoch);
    this.enter(() => this.input(input));
  }

  learnHeads(heads: { readonly safe: Head | null; readonly finalized: Head | null }): void {
    const { safe, finalized } = heads;
    if (finalized !== null) {
      this.agreed = finalized;
      // A process that is down is told nothing.
      if (this.isUp) this.finalized = finalized;
    }
    this.enter(() => this.input({ type: "heads", rollupId: ROLLUP_ID, safe, finalized }));
  }

  /** Follows the sequencer to a block, on whatever branch it is. */
  follow(block: SimBlock): void {
    this.enter(() => {
      const { tip } = this;
      if (tip === null) {
        this.tip = block;
        this.#takeBlocks([block]);
        return;
      }
      const fork = commonAncestor(tip, block);
      this.tip = block;
      if (fork !== tip) {
        this.ports.log(() => `node ${this.index} leaves the branch above ${fork.blockNumber}`);
        const commonAncestorHeight = fork.blockNumber;
        this.input({ type: "reorged", rollupId: ROLLUP_ID, commonAncestor: commonAncestorHeight });
      }
      this.#takeBlocks(pathBetween(fork, block));
    });
  }

  tick(): void {
    this.enter(() => this.input({ type: "tick" }));
  }

  /** Starts the process again from what is durable, on the branch that it is shown now. */
  restart(branch: SimBlock): void {
    this.isUp = true;
    this.state = this.#createState();
    this.tip = null;
    // Its sources tell it again; until then it takes a quorum's word.
    this.finalized = null;
    this.served = -1n;
    this.highestTip = 0n;
    this.ports.log(() => `node ${this.index} starts again`);
    this.enter(() => {
      for (const input of this.#sets) this.input(input);
      for (const contradiction of this.store.contradictions()) {
        this.input({ type: "contradiction-restored", rollupId: ROLLUP_ID, contradiction });
      }
      for (const certificate of this.store.certificates()) {
        this.input({ type: "certificate-verified", certificate });
      }
      const last = newestRow(this.disk.rows())?.claim.blockNumber ?? branch.blockNumber;
      const lowest = branch.blockNumber - BigInt(CHAIN_DEPTH) + 1n;
      const from = last - OVERLAP > lowest ? last - OVERLAP : lowest;
      const start = ancestorAt(branch, from < 0n ? 0n : from);
      this.tip = branch;
      this.#takeBlocks([start, ...pathBetween(start, branch)]);
    });
  }

  get rollup(): EngineState["rollups"] extends Map<bigint, infer R> ? R | undefined : never {
    return this.state.rollups.get(ROLLUP_ID);
  }

  #createState(): EngineState {
    const { plan, domain, schedule } = this.ports.setting;
    const lastSigned = newestRow(this.disk.rows())?.claim ?? null;
    return createEngineState({
      domain,
      schedule,
      operator: this.member?.operator ?? null,
      rollups: [{ rollupId: ROLLUP_ID, lastSigned }],
      improvementWindowMs: plan.improvementWindowMs,
      openHeights: plan.openHeights,
      earlyAttestations: EARLY_PER_OPERATOR * plan.operators,
      chainDepth: CHAIN_DEPTH,
      graceMs: 1_000,
    });
  }

  #die(moment: string): void {
    this.incarnation += 1;
    this.isUp = false;
    this.#effectsToCrash = null;
    this.#waiting = [];
    this.#isStepping = false;
    this.store.crash();
    this.disk.crash();
    this.knownEvidence.clear();
    for (const evidence of this.store.evidence()) this.knownEvidence.add(keyOfEvidence(evidence));
    this.ports.log(() => `node ${this.index} dies: ${moment}`);
    this.ports.onCrash(this, moment);
  }

  #takeBlocks(blocks: readonly SimBlock[]): void {
    for (const block of blocks) {
      if (block.blockNumber > this.highestTip) this.highestTip = block.blockNumber;
      if (this.member !== null) this.ports.judge.onVerified(this.member, block);
      const observedAtMs = this.ports.now();
      this.input({ type: "block-verified", rollupId: ROLLUP_ID, block, observedAtMs });
    }
  }

  #step(input: Input): void {
    this.steps += 1;
    const result = step(this.state, input, this.ports.now());
    this.state = result.state;
    for (const effect of result.effects) {
      this.#pass(effect.type);
      this.#perform(effect);
    }
    this.ports.judge.onStep(this, input);
  }

  #pass(moment: string): void {
    if (this.#effectsToCrash === null) return;
    this.#effectsToCrash -= 1;
    if (this.#effectsToCrash < 0) throw new Crash(moment);
  }

  #perform(effect: Effect): void {
    const { broadcast, random, setting, judge } = this.ports;
    switch (effect.type) {
      case "sign":
        this.later(random.between(1, 5) + this.ports.signerDelayMs(), () => this.#sign(effect));
        return;
      case "publish-attestation": {
        const { claim, operator, signature } = effect.attestation;
        broadcast({ type: "attestation", attestation: { claim, operator, signature } });
        return;
      }
      case "check-sum": {
        const { claim, digest, signers, publicKeys, signatures, isEachVerified } = effect;
        this.later(random.between(1, 4), () => {
          const sum = setting.bls.sum(signatures);
          const isValid =
            isEachVerified ||
            setting.bls.verifyAggregate({ publicKeys, message: digest, signature: sum });
          this.input({
            type: "sum-checked",
            claim,
            digest,
            signers,
            signature: isValid ? sum : null,
          });
        });
        return;
      }
      case "store-certificate":
        this.#storeCertificate(effect.certificate);
        return;
      case "publish-certificate":
        broadcast({ type: "certificate", certificate: toCertificate(effect.certificate) });
        return;
      case "store-evidence": {
        const { evidence } = effect;
        judge.onOwnEvidence(this.index, evidence);
        const key = keyOfEvidence(evidence);
        if (this.knownEvidence.has(key)) return;
        this.knownEvidence.add(key);
        this.store.putEvidence(evidence);
        this.#flushThen(() => broadcast({ type: "evidence", evidence }));
        return;
      }
      case "store-contradiction":
        this.ports.log(() => `node ${this.index} finds a contradiction`);
        this.store.putContradiction(effect.contradiction);
        this.#flushThen(() => undefined);
        return;
      case "sign-set-update":
      case "publish-set-update":
      case "sum-set-update":
      case "store-set-update":
        performSetUpdate(this, effect);
        return;
      case "report": {
        const { report } = effect;
        if (report.code === "fork-locked" || report.code === "fork-released") {
          this.ports.coverage.count(report.code);
          this.ports.log(() => `node ${this.index} is ${report.code}`);
        }
        return;
      }
    }
  }

  #sign({ claim, ancestry, release }: Extract<Effect, { type: "sign" }>): void {
    const { member } = this;
    if (member === null) return;
    // A claim whose block was left meanwhile is not signed any more.
    const isWanted = this.rollup?.blocks.get(claim.blockNumber)?.blockHash === claim.blockHash;
    const evidence = release && releaseEvidence(this.state, release);
    const result = isWanted
      ? signClaim(this.#signerPorts(member), { claim, ancestry, release: evidence })
      : ({ ok: false, code: "no-longer-wanted" } as const);
    if (!result.ok) {
      this.ports.coverage.count(`refused-${result.code}`);
      const last = newestRow(this.disk.rows())?.claim ?? null;
      this.input({ type: "sign-refused", claim, code: result.code, last });
      return;
    }
    const { signature } = result;
    this.input({ type: "signed", attestation: { claim, operator: member.operator, signature } });
  }

  #signerPorts(member: Member): SignerPorts {
    const { setting, judge } = this.ports;
    const { bls, domain } = setting;
    return {
      disk: this.disk,
      bls,
      domain,
      publicKey: member.publicKey,
      pass: (moment) => this.#pass(moment),
      onRecorded: (row) => this.#note("records", row, () => judge.onSigned(this, member, row)),
      onSignature: (row) => this.#note("signs", row, () => judge.onSigned(this, member, row)),
    };
  }

  /** Said first: the judge may end the run. */
  #note(verb: string, { claim }: SignedRow, judge: () => void): void {
    this.ports.log(() => `node ${this.index} ${verb} ${nameOf(claim)}`);
    judge();
  }

  #storeCertificate(certificate: VerifiedCertificate): void {
    this.ports.judge.onCertificate(this, certificate);
    const standing = this.store.certificateAt(certificate.claim.blockNumber);
    const isOther =
      standing !== undefined && standing.claim.blockHash !== certificate.claim.blockHash;
    if (standing !== undefined && isOther) {
      // The one that stands may have left memory: the engine has to see that they conflict.
      this.input({ type: "certificate-verified", certificate: standing });
      return;
    }
    this.ports.log(() => `node ${this.index} holds a certificate of ${nameOf(certificate.claim)}`);
    this.store.putCertificate(certificate);
    this.#flushThen(() => undefined);
  }

  #flushThen(run: () => void): void {
    this.later(this.ports.random.between(1, 30), () => {
      this.store.flush();
      run();
    });
  }
}

function nameOf(claim: {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly epoch: bigint;
}): string {
  return `${claim.blockNumber}/${claim.blockHash.slice(2, 8)} of epoch ${claim.epoch}`;
}
