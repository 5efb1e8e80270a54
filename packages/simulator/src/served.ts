import { blockOf, finalityOf, type Hex, type VerifiedCertificate } from "@mach/core";
import { type BlockTree, isFork, isOnBranchOf, type SimBlock } from "./block-tree.ts";
import { ROLLUP_ID, type Setting } from "./setting.ts";
import type { SimNode } from "./sim-node.ts";
import { Violation } from "./violation.ts";

interface Truth {
  readonly setting: Setting;
  readonly tree: BlockTree;
  /** Certificates that exist, by digest. */
  readonly certificates: ReadonlyMap<Hex, VerifiedCertificate>;
}

/** Asks a node what a consumer asks, and throws where the answer is wrong. */
export function checkServed(node: SimNode, truth: Truth): void {
  const { setting, tree, certificates } = truth;
  const view = finalityOf(node.state, ROLLUP_ID, node.ports.now());
  const fastFinal = view?.fastFinal ?? null;
  const isContradicted = (node.rollup?.contradicted.size ?? 0) > 0;
  const reached = fastFinal?.blockNumber ?? -1n;
  if (reached < node.served && !isContradicted) {
    throw new Violation("false-finality", `node ${node.index}: ${reached} after ${node.served}`);
  }
  node.served = isContradicted ? -1n : reached;
  if (view === null || fastFinal === null) return;
  const where = `node ${node.index}, height ${fastFinal.blockNumber}`;
  const certificate = view.certified?.certificate;
  const digest = certificate && setting.digestOf(certificate.claim);
  const isReal = digest !== undefined && certificates.has(digest);
  const block = tree.byHash(fastFinal.blockHash);
  if (!isReal || block === undefined || certificate?.claim.blockHash !== block.blockHash) {
    throw new Violation("false-finality", `${where}: there is no such certificate`);
  }
  const finalized = node.finalized && tree.byHash(node.finalized.blockHash);
  if (finalized && canTell(node, block, finalized) && isFork(finalized, block)) {
    throw new Violation("false-finality", `${where}: L1 has finalised another branch`);
  }
  checkBlock(node, truth, block);
}

/** A node cannot place a block that it never had, and takes a quorum's word for it until L1 speaks. */
function canTell(node: SimNode, block: SimBlock, finalized: SimBlock): boolean {
  const { rollup } = node;
  if (rollup === undefined) return false;
  const own = rollup.blocks.get(finalized.blockNumber);
  const isFollowed = own?.blockHash === finalized.blockHash;
  if (!rollup.numberByHash.has(block.blockHash)) return isFollowed && isDropped(node, block);
  // Where its own branch is off, it cannot know how far down.
  return isFollowed || (own !== undefined && block.blockNumber >= finalized.blockNumber);
}

/** A block under the fast-final one, or beside it: each is asked for by its hash. */
function checkBlock(node: SimNode, truth: Truth, fastFinal: SimBlock): void {
  const { tree, certificates } = truth;
  const asked = tree.blocks[node.steps % tree.blocks.length];
  if (asked === undefined) return;
  for (const block of [asked, fastFinal.parent ?? fastFinal]) {
    const view = blockOf(node.state, ROLLUP_ID, { blockHash: block.blockHash });
    if (view === null || view.status !== "fast-final") continue;
    const { certificate } = view;
    const certified = certificate && tree.byHash(certificate.claim.blockHash);
    const digest = certificate && truth.setting.digestOf(certificate.claim);
    const isCovered =
      certified && digest && certificates.has(digest) && isOnBranchOf(certified, block);
    if (!isCovered) {
      const where = `node ${node.index}, block ${block.blockNumber}`;
      throw new Violation("false-finality", `${where}: no certificate covers it`);
    }
  }
}

function isDropped(node: SimNode, block: SimBlock): boolean {
  return node.rollup?.dropped.has(block.blockHash) ?? false;
}
