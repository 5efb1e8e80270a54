import { type Certificate, type Claim, claimDigest, type Stack } from "@mach/core";
import {
  type ComparedBlock,
  compareWithSettled,
  MAX_WALK_BLOCKS,
  type SettledPlace,
  type SettledPlaces,
  type SettledRoot,
} from "@mach/rollups";
import type { Store } from "../store/store.ts";

/** How what L1 has settled stands beside what is certified here. */
export type SettledVerdict =
  | {
      readonly kind: "agrees" | "contradicts";
      /** The settled block, and the certificate in or under which this node has that height. */
      readonly blockNumber: bigint;
      readonly certificate: Certificate;
      /** Its claim was contradicted before. */
      readonly isKnown: boolean;
    }
  /** No certificate that is kept here covers that height. */
  | { readonly kind: "uncertified"; readonly blockNumber: bigint | null }
  /** The rollup's nodes do not tell what it takes: asked again later. */
  | { readonly kind: "unread"; readonly code: string };

export interface VerdictPorts {
  readonly store: Pick<Store, "listCertificates" | "contradictions">;
  readonly places: Pick<SettledPlaces, "find" | "ancestor">;
}

/** How many certificates from a height on are looked at for one that stands. */
const MAX_CANDIDATES = 8;

/**
 * Compares a settled root with the certified chain: with the claim at its height, or with the block
 * there that headers show to be an ancestor of the next certificate's. Nothing that cannot be shown
 * is a contradiction.
 */
export async function judgeSettled(
  ports: VerdictPorts,
  asked: { readonly rollupId: bigint; readonly stack: Stack; readonly root: SettledRoot },
): Promise<SettledVerdict> {
  const { rollupId, stack, root } = asked;
  const found = await ports.places.find(root);
  if (!found.ok) return { kind: "unread", code: found.code };
  if (found.place === null) return { kind: "uncertified", blockNumber: null };
  const { place } = found;
  const { blockNumber } = place;
  const cover = await coverOf(ports.store, { rollupId, blockNumber });
  if (cover === null) return { kind: "uncertified", blockNumber };
  const distance = cover.certificate.claim.blockNumber - blockNumber;
  const isAtHeight = distance === 0n;
  // Where claims are per batch, a certificate above says nothing of the roots of another batch.
  const isApart = stack === "zk" ? !isAtHeight : distance > MAX_WALK_BLOCKS;
  if (isApart) return { kind: "uncertified", blockNumber };
  const block = isAtHeight
    ? { ok: true as const, block: blockOfClaim(cover.certificate.claim) }
    : await ports.places.ancestor(cover.certificate.claim, blockNumber);
  if (!block.ok) return { kind: "unread", code: block.code };
  const comparison = compare(block.block, { root, place });
  if (comparison === "unread") return { kind: "unread", code: "sources-disagree" };
  return comparison === "elsewhere"
    ? { kind: "uncertified", blockNumber }
    : { kind: comparison, blockNumber, ...cover };
}

function compare(
  block: ComparedBlock,
  { root, place }: { readonly root: SettledRoot; readonly place: SettledPlace },
): "agrees" | "contradicts" | "elsewhere" | "unread" {
  const { subject } = root;
  const isOther = place.blockHash !== null && place.blockHash !== block.blockHash;
  if (isOther) {
    // By its hash L1 has another block at that height. Which block ends a batch is only the word
    // of nodes, and they are on another branch than the certificate: L1's head decides that.
    return subject.by === "hash" ? "contradicts" : "unread";
  }
  return compareWithSettled(block, root, place.batchNumber);
}

interface Cover {
  readonly certificate: Certificate;
  readonly isKnown: boolean;
}

/** The lowest certificate from a height on that is not contradicted, else the one at the height. */
async function coverOf(
  store: VerdictPorts["store"],
  { rollupId, blockNumber }: { readonly rollupId: bigint; readonly blockNumber: bigint },
): Promise<Cover | null> {
  const page = { rollupId, from: blockNumber, limit: MAX_CANDIDATES };
  const certificates = await store.listCertificates(page);
  const [first] = certificates;
  if (first === undefined) return null;
  const contradicted = new Set(
    (await store.contradictions(rollupId)).flatMap(({ claims }) =>
      claims.map(({ digest }) => digest),
    ),
  );
  const standing = certificates.find(
    ({ domain, claim }) => !contradicted.has(claimDigest(domain, claim)),
  );
  if (standing !== undefined) return { certificate: standing, isKnown: false };
  return first.claim.blockNumber === blockNumber ? { certificate: first, isKnown: true } : null;
}

function blockOfClaim(claim: Claim): ComparedBlock {
  const { blockNumber, blockHash, stateRoot, outputRoot } = claim;
  return { blockNumber, blockHash, stateRoot, outputRoot, unverifiable: null };
}
