import { type Certificate, finalityOf, type Hex } from "@mach/core";
import { isFork, type SimBlock } from "./block-tree.ts";
import { receiveCertificate } from "./node-intake.ts";
import { ROLLUP_ID } from "./setting.ts";
import type { SimNode } from "./sim-node.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What has to be true once faults have stopped and the network has had its time. */
export function checkEnd(world: World): void {
  checkProgress(world);
  exchange(world);
  checkConvergence(world);
  checkAccountability(world);
}

/** The highest block that the honest operators alone must have certified by now. */
function dueBlock(world: World): SimBlock | null {
  const { setting, sequencer, plan, calmFrom } = world;
  if (calmFrom === null) return null;
  // Whoever signed in an epoch that is still to come has to wait for it.
  if (plan.faults.some(({ kind }) => kind === "timestamp-warp")) return null;
  const last = sequencer.canonical().blockNumber;
  for (let at: SimBlock | null = sequencer.canonical(); at !== null; at = at.parent) {
    if (at.blockNumber <= calmFrom.blockNumber + 8n) return null;
    const claim = setting.claimOf(at);
    if (claim === null || at.blockNumber > last - 1n) continue;
    if (setting.operatorSet(claim.epoch) === null) return null;
    const honest = setting.members
      .filter(({ isByzantine }) => !isByzantine)
      .reduce((sum, { index }) => sum + setting.weightOf(claim.epoch, index), 0n);
    if (setting.isEnough(claim.epoch, honest)) return at;
  }
  return null;
}

function checkProgress(world: World): void {
  const due = dueBlock(world);
  if (due === null) return;
  for (const node of world.nodes.values()) {
    const view = finalityOf(node.state, ROLLUP_ID, node.ports.now());
    const reached = view?.fastFinal?.blockNumber ?? -1n;
    if (reached >= due.blockNumber || isDisputed(world, node)) continue;
    const reason = view?.reason?.code ?? "no reason";
    throw new Violation(
      "no-progress",
      `node ${node.index} is at ${reached}, ${due.blockNumber} is due (${reason})`,
    );
  }
}

/** What was hoarded may come out late: nothing is due from a dispute that L1 has not passed yet. */
function isDisputed({ sequencer }: World, node: SimNode): boolean {
  const passed = sequencer.finalized().blockNumber;
  return (
    node.rollup?.contradictions.some(({ throughBlockNumber }) => throughBlockNumber > passed) ??
    false
  );
}

/** Everyone hands everyone what it holds. */
function exchange(world: World): void {
  const held = new Map<Hex, Certificate>();
  for (const node of world.nodes.values()) {
    for (const { certificate } of node.rollup?.certified.values() ?? []) {
      held.set(certificate.certificateId, certificate);
    }
    for (const certificate of node.store.certificates()) {
      held.set(certificate.certificateId, certificate);
    }
  }
  for (const certificate of world.judge.certificates()) {
    held.set(certificate.certificateId, certificate);
  }
  for (const node of world.nodes.values()) {
    node.enter(() => {
      for (const certificate of held.values()) receiveCertificate(node, certificate);
    });
  }
}

function checkConvergence(world: World): void {
  const due = dueBlock(world);
  if (due === null) return;
  const held = new Set<string>();
  for (const node of world.nodes.values()) {
    const at = node.rollup?.certified.get(due.blockNumber);
    // What is exchanged may contradict it: then nobody is served it, and it improves no more.
    if (at !== undefined && node.rollup?.contradicted.has(at.digest)) return;
    if (at !== undefined) held.add(at.certificate.certificateId);
  }
  if (held.size <= 1) return;
  throw new Violation("no-convergence", `${held.size} certificates at ${due.blockNumber}`);
}

/** Certificates of one epoch that conflict: more than a third of its weight stands in evidence. */
function checkAccountability(world: World): void {
  const { judge, setting, plan } = world;
  if (!plan.isBreach) return;
  const named = new Set(
    judge.evidence().flatMap((each) => ("operator" in each ? [each.operator] : each.operators)),
  );
  for (const { lower, higher } of conflictsOf(world)) {
    const { epoch } = lower.claim;
    const weight = setting.members
      .filter(({ operator }) => named.has(operator))
      .reduce((sum, { index }) => sum + setting.weightOf(epoch, index), 0n);
    if (weight * 3n > setting.totalWeight(epoch)) continue;
    const where = `${lower.claim.blockNumber} and ${higher.claim.blockNumber}`;
    throw new Violation(
      "not-accountable",
      `at ${where}: evidence names ${weight} of ${setting.totalWeight(epoch)}`,
    );
  }
}

/** Pairs of one epoch that conflict, and that no choice of L1 excuses. */
function* conflictsOf({ judge, tree, sequencer }: World): Generator<{
  readonly lower: Certificate;
  readonly higher: Certificate;
}> {
  const certificates = [...judge.certificates()].sort((a, b) =>
    a.claim.blockNumber < b.claim.blockNumber ? -1 : 1,
  );
  for (const [i, lower] of certificates.entries()) {
    const lowerBlock = tree.byHash(lower.claim.blockHash);
    if (lowerBlock === undefined) continue;
    const isSettledAgainst = isFork(lowerBlock, sequencer.finalized());
    for (const higher of certificates.slice(i + 1)) {
      const higherBlock = tree.byHash(higher.claim.blockHash);
      const isOneEpoch = lower.claim.epoch === higher.claim.epoch;
      if (!isOneEpoch || higherBlock === undefined || !isFork(lowerBlock, higherBlock)) continue;
      const isOneHeight = lowerBlock.blockNumber === higherBlock.blockNumber;
      if (isOneHeight || !isSettledAgainst) yield { lower, higher };
    }
  }
}
