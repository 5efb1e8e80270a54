import {
  bitfieldIndices,
  type Certificate,
  type Claim,
  type Evidence,
  type Hex,
  type Input,
  MIN_THRESHOLD_BPS,
  type SetUpdate,
  setUpdateDigest,
  type VerifiedCertificate,
  verifyEvidence,
} from "@mach/core";
import {
  type BlockTree,
  commonAncestor,
  isFork,
  isOnBranchOf,
  type SimBlock,
} from "./block-tree.ts";
import { type Conflicts, createConflicts } from "./conflicts.ts";
import type { LedgerEntry } from "./ledger.ts";
import { checkMemory } from "./memory.ts";
import { checkServed } from "./served.ts";
import type { Member, Setting } from "./setting.ts";
import type { SimNode } from "./sim-node.ts";
import type { SignedRow } from "./sim-signer.ts";
import { Violation } from "./violation.ts";

/** What the judge has to know of the world. */
export interface JudgePorts {
  readonly setting: Setting;
  readonly tree: BlockTree;
  /** The newest block that L1 has finalised. */
  readonly finalized: () => SimBlock;
}

/** Sees everything that happens in a run, and throws a Violation for the first broken promise. */
export interface Judge {
  onVerified(member: Member, block: SimBlock): void;
  /** A claim is recorded, or its signature exists: whether it is ever sent does not matter. */
  onSigned(node: SimNode, member: Member, row: SignedRow): void;
  /** A node has found a certificate valid, or made one. */
  onCertificate(node: SimNode, certificate: VerifiedCertificate): void;
  /** A node has found evidence valid. */
  onEvidence(index: number, evidence: Evidence): void;
  /** A node has made evidence: it has to hold under what L1 says. */
  onOwnEvidence(index: number, evidence: Evidence): void;
  onSetUpdateSigned(node: SimNode, signing: SetUpdateSigning): void;
  /** A node holds an update of a quorum. */
  onSetUpdate(index: number, update: SetUpdate): void;
  onStep(node: SimNode, input: Input): void;
  /** Byzantine operators sign what they like; what they have signed they may be blamed for. */
  onByzantine(member: Member, digest: Hex): void;
  /** Every certificate that a node has found valid, one for each claim. */
  certificates(): readonly Certificate[];
  evidence(): readonly Evidence[];
  signed(): number;
  highestSigned(): bigint;
}

export interface SetUpdateSigning {
  readonly member: Member;
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
  readonly digest: Hex;
}

/** A judge of one run. */
export function createJudge(ports: JudgePorts): Judge {
  return new WorldJudge(ports);
}

const CHECK_MEMORY_EVERY = 64;

class WorldJudge implements Judge {
  readonly #ports: JudgePorts;
  readonly #conflicts: Conflicts;
  /** By operator index: the blocks verified, and the claims signed in their order. */
  readonly #verified = new Map<number, Set<Hex>>();
  readonly #signed = new Map<number, LedgerEntry[]>();
  /** By operator: the digests signed, Byzantine ones included. */
  readonly #digests = new Map<Hex, Set<Hex>>();
  readonly #certificates = new Map<Hex, VerifiedCertificate>();
  /** By node: the digests of the certificates that it has held. */
  readonly #heldBy = new Map<number, Set<Hex>>();
  readonly #best = new Map<string, { readonly weight: bigint; readonly signers: bigint }>();
  readonly #evidence: Evidence[] = [];
  #highestSigned = -1n;
  #count = 0;

  constructor(ports: JudgePorts) {
    this.#ports = ports;
    this.#conflicts = createConflicts(ports);
  }

  onVerified(member: Member, block: SimBlock): void {
    setAt(this.#verified, member.index).add(block.blockHash);
  }

  onSigned(node: SimNode, member: Member, { claim, digest }: SignedRow): void {
    const { tree, setting } = this.#ports;
    const block = tree.byHash(claim.blockHash);
    const expected = block && setting.claimOf(block);
    const isVerified = this.#verified.get(member.index)?.has(claim.blockHash) ?? false;
    const isMember = setting.weightOf(claim.epoch, member.index) > 0n;
    if (!isMember || !isVerified || !block || !expected || setting.digestOf(expected) !== digest) {
      throw new Violation("signed-unverified", `operator ${member.index} at ${claim.blockNumber}`);
    }
    const entries = this.#signed.get(member.index) ?? [];
    this.#signed.set(member.index, entries);
    if (entries.some((each) => each.digest === digest)) return;
    const last = entries.at(-1);
    if (last !== undefined) this.#checkOrder(node, member, { last, claim, block });
    const entry = { claim, digest, block };
    entries.push(entry);
    setAt(this.#digests, member.operator).add(digest);
    this.#count += 1;
    if (claim.blockNumber > this.#highestSigned) this.#highestSigned = claim.blockNumber;
    this.#conflicts.onSigned(member, entry);
  }

  onByzantine(member: Member, digest: Hex): void {
    setAt(this.#digests, member.operator).add(digest);
  }

  onSetUpdateSigned(node: SimNode, signing: SetUpdateSigning): void {
    const { member, epoch, operatorSetHash, digest } = signing;
    const truth = this.#ports.setting.operatorSet(epoch)?.operatorSetHash;
    if (truth !== operatorSetHash || !node.finalSets.has(epoch)) {
      throw new Violation("signed-false-set", `operator ${member.index} for epoch ${epoch}`);
    }
    setAt(this.#digests, member.operator).add(digest);
  }

  onSetUpdate(index: number, update: SetUpdate): void {
    const { setting } = this.#ports;
    const { epoch, operatorSetHash } = update;
    const where = `node ${index}, update into ${epoch}`;
    const operatorSet = setting.operatorSet(epoch - 1n);
    const digest = setUpdateDigest(setting.domain, { epoch, operatorSetHash });
    if (operatorSet === null || setting.operatorSet(epoch)?.operatorSetHash !== operatorSetHash) {
      throw new Violation("false-set-update", `${where}: not the registry's hash`);
    }
    const operators = bitfieldIndices(update.signers).map((at) => operatorSet.operators[at]);
    const weight = operators.reduce((sum, each) => sum + (each?.weight ?? 0n), 0n);
    const isSigned = operators.every(
      (each) => each && this.#digests.get(each.operator)?.has(digest),
    );
    if (weight * 3n <= operatorSet.totalWeight * 2n || !isSigned) {
      throw new Violation("false-set-update", `${where}: not enough have signed it`);
    }
  }

  onCertificate(node: SimNode, certificate: VerifiedCertificate): void {
    const { setting, tree } = this.#ports;
    const digest = setting.digestOf(certificate.claim);
    setAt(this.#heldBy, node.index).add(digest);
    this.#checkReplacement(node, certificate, digest);
    const isSeen = this.#certificates.get(digest)?.certificateId === certificate.certificateId;
    if (isSeen) return;
    checkCertificate(setting, certificate, (operator) => this.#digests.get(operator)?.has(digest));
    const block = tree.byHash(certificate.claim.blockHash);
    const expected = block && setting.claimOf(block);
    const isTrue = expected && setting.digestOf(expected) === digest;
    const isVerified = setting.members.some(
      ({ index }) => this.#verified.get(index)?.has(certificate.claim.blockHash) ?? false,
    );
    if (!isTrue || !isVerified) {
      throw new Violation("certified-unverified", `at ${certificate.claim.blockNumber}`);
    }
    this.#certificates.set(digest, certificate);
  }

  onOwnEvidence(index: number, evidence: Evidence): void {
    const { setting } = this.#ports;
    const result = verifyEvidence(setting.bls, evidence, {
      domain: setting.domain,
      operatorSet: (epoch) => setting.operatorSet(epoch) ?? undefined,
      thresholdBps: MIN_THRESHOLD_BPS,
    });
    if (!result.ok) {
      throw new Violation("false-evidence", `node ${index}: ${evidence.kind}, ${result.code}`);
    }
    this.onEvidence(index, evidence);
  }

  onEvidence(index: number, evidence: Evidence): void {
    const { setting, finalized, tree } = this.#ports;
    this.#evidence.push(evidence);
    const named = "operator" in evidence ? [evidence.operator] : evidence.operators;
    const honest = named.filter((operator) => !setting.byAddress(operator)?.isByzantine);
    if (honest.length === 0) return;
    if (evidence.kind === "conflicting-certificates") {
      const { lower, higher } = evidence;
      const lowerBlock = tree.byHash(lower.claim.blockHash);
      const isLower = lower.claim.blockNumber < higher.claim.blockNumber;
      const isSettledAgainst = lowerBlock !== undefined && isFork(finalized(), lowerBlock);
      if (isLower && isSettledAgainst) return;
      if (isLower && this.#excuse(lower, higher) !== null) return;
    }
    const who = honest.map((operator) => setting.byAddress(operator)?.index).join();
    throw new Violation("honest-guilty", `node ${index} holds ${evidence.kind} against ${who}`);
  }

  onStep(node: SimNode, input: Input): void {
    if (node.steps % CHECK_MEMORY_EVERY === 0) checkMemory(node);
    const isOfInterest =
      input.type === "heads" || input.type === "certificate-verified" || input.type === "reorged";
    if (isOfInterest || input.type === "sum-checked" || node.steps % CHECK_MEMORY_EVERY === 0) {
      const { setting, tree } = this.#ports;
      checkServed(node, { setting, tree, certificates: this.#certificates });
    }
  }

  certificates(): readonly VerifiedCertificate[] {
    return [...this.#certificates.values()];
  }

  evidence(): readonly Evidence[] {
    return this.#evidence;
  }

  signed(): number {
    return this.#count;
  }

  highestSigned(): bigint {
    return this.#highestSigned;
  }

  #checkOrder(
    node: SimNode,
    member: Member,
    signing: { readonly last: LedgerEntry; readonly claim: Claim; readonly block: SimBlock },
  ): void {
    const { last, claim, block } = signing;
    const what = `operator ${member.index}: ${last.claim.blockNumber} then ${claim.blockNumber}`;
    if (claim.blockNumber <= last.claim.blockNumber || claim.epoch < last.claim.epoch) {
      throw new Violation("signed-not-above-last", what);
    }
    if (isOnBranchOf(block, last.block)) return;
    const { finalized } = node;
    const settled = finalized && this.#ports.tree.byHash(finalized.blockHash);
    if (settled) {
      const shared = commonAncestor(settled, block);
      if (shared.blockNumber >= last.claim.blockNumber) return;
    }
    for (const digest of this.#heldBy.get(node.index) ?? []) {
      const held = this.#certificates.get(digest);
      if (held !== undefined && isRelease(this.#ports.tree, held, signing)) return;
    }
    throw new Violation("fork-lock-broken", what);
  }

  /** A certificate that voids a charge: it and the lower one are the pair then. */
  #excuse(lower: Certificate, higher: Certificate): VerifiedCertificate | null {
    const { tree } = this.#ports;
    const block = tree.byHash(higher.claim.blockHash);
    for (const held of this.#certificates.values()) {
      const at = tree.byHash(held.claim.blockHash);
      const isBetween =
        held.claim.blockNumber >= lower.claim.blockNumber &&
        held.claim.blockNumber < higher.claim.blockNumber &&
        held.claim.epoch >= lower.claim.epoch &&
        held.claim.epoch <= higher.claim.epoch;
      if (isBetween && block && at && isOnBranchOf(block, at)) return held;
    }
    return null;
  }

  #checkReplacement(node: SimNode, certificate: VerifiedCertificate, digest: Hex): void {
    const held = node.rollup?.certified.get(certificate.claim.blockNumber);
    // What was lost with the process, or has left memory, may come back in a worse form.
    const key = `${node.index}/${node.incarnation}/${digest}`;
    if (held === undefined || held.digest !== digest) {
      this.#best.delete(key);
      return;
    }
    const weight = weightOf(this.#ports.setting, held.certificate);
    const signers = BigInt(held.certificate.signers);
    const best = this.#best.get(key);
    const isWorse =
      best !== undefined &&
      (weight < best.weight || (weight === best.weight && signers > best.signers));
    if (isWorse) {
      throw new Violation(
        "replaced-by-worse",
        `node ${node.index} at ${held.certificate.claim.blockNumber}`,
      );
    }
    this.#best.set(key, { weight, signers });
  }
}

function isRelease(
  tree: BlockTree,
  certificate: VerifiedCertificate,
  signing: { readonly last: LedgerEntry; readonly claim: Claim; readonly block: SimBlock },
): boolean {
  const { last, claim, block } = signing;
  const { blockNumber, epoch, blockHash } = certificate.claim;
  const at = tree.byHash(blockHash);
  return (
    at !== undefined &&
    blockNumber >= last.claim.blockNumber &&
    blockNumber < claim.blockNumber &&
    epoch >= last.claim.epoch &&
    epoch <= claim.epoch &&
    isOnBranchOf(block, at)
  );
}

function checkCertificate(
  setting: Setting,
  certificate: VerifiedCertificate,
  hasSigned: (operator: Hex) => boolean | undefined,
): void {
  const { claim } = certificate;
  const where = `at ${claim.blockNumber} of epoch ${claim.epoch}`;
  const operatorSet = setting.operatorSet(claim.epoch);
  if (operatorSet === null || operatorSet.operatorSetHash !== certificate.operatorSetHash) {
    throw new Violation("false-certificate", `${where}: not its epoch's set`);
  }
  if (!setting.isEnough(claim.epoch, weightOf(setting, certificate))) {
    throw new Violation("false-certificate", `${where}: not enough weight`);
  }
  for (const index of bitfieldIndices(certificate.signers)) {
    const operator = operatorSet.operators[index]?.operator;
    if (operator === undefined || !hasSigned(operator)) {
      throw new Violation("false-certificate", `${where}: names who has not signed`);
    }
  }
}

function weightOf(setting: Setting, certificate: Certificate): bigint {
  const operators = setting.operatorSet(certificate.claim.epoch)?.operators ?? [];
  return bitfieldIndices(certificate.signers).reduce(
    (sum, index) => sum + (operators[index]?.weight ?? 0n),
    0n,
  );
}

function setAt<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  const found = map.get(key) ?? new Set<V>();
  map.set(key, found);
  return found;
}
