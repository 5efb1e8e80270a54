import {
  bitfieldFromIndices,
  type Certificate,
  type Claim,
  type Hex,
  keccak256,
  type SetUpdate,
  setUpdateDigest,
  sumWeight,
  toHex,
  type WireAttestation,
} from "@mach/core";
import type { BlockTree, SimBlock } from "./block-tree.ts";
import { certify } from "./certify.ts";
import type { Coverage } from "./coverage.ts";
import type { FaultKind } from "./fault.ts";
import { forge } from "./forgery.ts";
import type { Judge } from "./judge.ts";
import type { Message } from "./message.ts";
import { isOn } from "./network.ts";
import type { Random } from "./random.ts";
import type { Member, Setting } from "./setting.ts";

export interface AdversaryPorts {
  readonly setting: Setting;
  readonly random: Random;
  readonly coverage: Coverage;
  readonly judge: Judge;
  readonly tree: BlockTree;
  /** Sends in a Byzantine operator's name, after a time. */
  readonly send: (from: Member, to: number, delayMs: number, message: Message) => void;
  /** Whether a node is shown a branch of this block now. */
  readonly isShown: (node: number, block: SimBlock) => boolean;
}

/** All Byzantine operators together: they share what they hear, and act as one. */
export interface Adversary {
  onBlock(block: SimBlock, atMs: number): void;
  onMessage(message: Message, atMs: number): void;
}

/** An adversary that does what the plan's faults say, and attests honestly otherwise. */
export function createAdversary(ports: AdversaryPorts): Adversary {
  return new Cabal(ports);
}

const MAX_REMEMBERED = 512;

class Cabal implements Adversary {
  readonly #ports: AdversaryPorts;
  readonly #byzantine: readonly Member[];
  readonly #places: readonly number[];
  /** By digest: everyone's attestations that were heard. */
  readonly #heard = new Map<Hex, Map<Hex, WireAttestation>>();

  constructor(ports: AdversaryPorts) {
    this.#ports = ports;
    const { plan, members } = ports.setting;
    this.#byzantine = members.filter(({ isByzantine }) => isByzantine);
    this.#places = Array.from({ length: plan.operators + plan.observers }, (_, index) => index);
  }

  onBlock(block: SimBlock, atMs: number): void {
    const { setting, random, coverage, isShown } = this.#ports;
    const claim = setting.claimOf(block);
    if (claim === null || this.#byzantine.length === 0) return;
    if (this.#isOn("withhold", atMs)) {
      coverage.count("withhold", this.#byzantine.length);
      return;
    }
    this.#deceive(claim, atMs);
    const isEquivocating = this.#isOn("equivocate", atMs);
    for (const member of this.#byzantine) {
      if (!this.#isMember(member, claim)) continue;
      const attestation = this.#attest(member, claim);
      const isPartial = isEquivocating && random.chance(0.3);
      for (const to of this.#places) {
        // Everyone is told what suits the branch that it is shown.
        if (isEquivocating && (!isShown(to, block) || (isPartial && random.chance(0.5)))) continue;
        this.#ports.send(member, to, random.between(0, 50), { type: "attestation", attestation });
      }
      if (isEquivocating) coverage.count("equivocate");
    }
  }

  onMessage(message: Message, atMs: number): void {
    if (message.type !== "attestation" || this.#byzantine.length === 0) return;
    this.#remember(message.attestation);
    if (this.#isOn("hoard", atMs)) this.#hoard(message.attestation.claim);
  }

  #deceive(claim: Claim, atMs: number): void {
    const { random } = this.#ports;
    if (this.#isOn("garbage", atMs)) this.#sendGarbage(claim);
    if (!this.#isOn("lie", atMs)) return;
    if (random.chance(0.6)) this.#lie(claim);
    if (random.chance(0.1)) this.#lieAboutSet(claim);
  }

  #isOn(kind: FaultKind, atMs: number): boolean {
    return this.#ports.setting.plan.faults.some(
      (fault) => fault.kind === kind && isOn(fault, atMs),
    );
  }

  #isMember(member: Member, claim: Claim): boolean {
    return this.#ports.setting.weightOf(claim.epoch, member.index) > 0n;
  }

  #attest(member: Member, claim: Claim): WireAttestation {
    const { setting, judge } = this.#ports;
    judge.onByzantine(member, setting.digestOf(claim));
    const signature = setting.bls.sign(member.publicKey, setting.digestOf(claim));
    const attestation = { claim, operator: member.operator, signature };
    this.#remember(attestation);
    return attestation;
  }

  /** One of them signs a set of its own for the epoch to come. */
  #lieAboutSet(claim: Claim): void {
    const { setting, random, coverage, send, judge } = this.#ports;
    const member = random.pick(this.#byzantine);
    const signing = setting.operatorSet(claim.epoch);
    const index = signing?.operators.find((each) => each.operator === member.operator)?.index;
    if (signing === null || index === undefined) return;
    const epoch = claim.epoch + 1n;
    const operatorSetHash = random.chance(0.8)
      ? keccak256(claim.blockHash)
      : signing.operatorSetHash;
    const digest = setUpdateDigest(setting.domain, { epoch, operatorSetHash });
    judge.onByzantine(member, digest);
    coverage.count("lie-about-set");
    const update: SetUpdate = {
      version: 1,
      domain: setting.domain,
      epoch,
      operatorSetHash,
      signedBy: signing.operatorSetHash,
      signers: bitfieldFromIndices([index], signing.operators.length),
      signature: toHex(setting.bls.sign(member.publicKey, digest)),
    };
    for (const to of this.#places) {
      send(member, to, random.between(0, 200), { type: "set-update", update });
    }
  }

  /** All of them sign one false state, and tell everyone or a few. */
  #lie(claim: Claim): void {
    const { random, coverage, send } = this.#ports;
    const isOtherBlock = random.chance(0.4);
    const lie: Claim = {
      ...claim,
      stateRoot: keccak256(claim.stateRoot),
      blockHash: isOtherBlock ? keccak256(claim.blockHash) : claim.blockHash,
    };
    const reach = random.next();
    for (const member of this.#byzantine) {
      if (!this.#isMember(member, claim)) continue;
      coverage.count("lie");
      const attestation = this.#attest(member, lie);
      for (const to of this.#places) {
        if (!random.chance(reach)) continue;
        send(member, to, random.between(0, 200), { type: "attestation", attestation });
      }
    }
  }

  #sendGarbage(claim: Claim): void {
    const { setting, random, coverage, send, tree } = this.#ports;
    const member = random.pick(this.#byzantine);
    const heard = [...this.#heard.values()];
    const forged = forge({ setting, random, claim, member, heard, tree });
    for (const { message, signs } of forged) {
      coverage.count("garbage");
      if (signs !== null) this.#ports.judge.onByzantine(member, signs);
      const to = random.pick(this.#places);
      for (const place of random.chance(0.5) ? [to] : this.#places) {
        send(member, place, random.between(0, 100), message);
      }
    }
  }

  #remember(attestation: WireAttestation): void {
    const { setting } = this.#ports;
    const digest = setting.digestOf(attestation.claim);
    const heard = this.#heard.get(digest) ?? new Map<Hex, WireAttestation>();
    this.#heard.set(digest, heard);
    heard.set(attestation.operator, attestation);
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > MAX_REMEMBERED && oldest !== undefined) this.#heard.delete(oldest);
  }

  /** Puts a certificate together that nobody else may hold, and shows it to one node. */
  #hoard(claim: Claim): void {
    const { setting, random, coverage, send } = this.#ports;
    const operatorSet = setting.operatorSet(claim.epoch);
    const member = random.pick(this.#byzantine);
    if (operatorSet === null || !random.chance(0.3)) return;
    for (const each of this.#byzantine) if (this.#isMember(each, claim)) this.#attest(each, claim);
    const certificate = this.#certify(claim, operatorSet.operators);
    if (certificate === null) return;
    coverage.count("hoard");
    const to = random.pick(this.#places);
    send(member, to, random.between(0, 5_000), { type: "certificate", certificate });
  }

  #certify(
    claim: Claim,
    operators: readonly {
      readonly operator: Hex;
      readonly index: number;
      readonly weight: bigint;
    }[],
  ): Certificate | null {
    const { setting, random } = this.#ports;
    const heard = this.#heard.get(setting.digestOf(claim));
    if (heard === undefined) return null;
    const chosen: {
      readonly index: number;
      readonly weight: bigint;
      readonly signature: Uint8Array;
    }[] = [];
    for (const { operator, index, weight } of random.shuffle(operators)) {
      const attestation = heard.get(operator);
      if (attestation === undefined) continue;
      chosen.push({ index, weight, signature: attestation.signature });
      // As few as will do: who comes after is left out.
      if (setting.isEnough(claim.epoch, sumWeight(chosen))) break;
    }
    if (!setting.isEnough(claim.epoch, sumWeight(chosen))) return null;
    return certify(setting, claim, {
      indices: chosen.map(({ index }) => index),
      signatures: chosen.map(({ signature }) => signature),
    });
  }
}
