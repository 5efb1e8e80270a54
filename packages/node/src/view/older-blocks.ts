import type { BlockView, Hex, VerifiedCertificate } from "@mach/core";
import type { TransactionSources } from "../engine/transaction-sources.ts";
import type { Store } from "../store/store.ts";

export interface OlderBlocksPorts {
  readonly store: Pick<Store, "listCertificates">;
  readonly sources: Pick<TransactionSources, "block" | "headersBetween">;
  /** The certificate that is served at a height, and meets what is asked; null for none. */
  readonly served: (blockNumber: bigint) => Promise<VerifiedCertificate | null>;
}

/** Certificates above a block that are looked at for one that is served. */
const MAX_CERTIFICATES = 8;

/** A block that the sources know; `view` is null where no certificate that is kept covers it. */
export interface OlderBlock {
  readonly blockNumber: bigint;
  readonly view: BlockView | null;
}

/**
 * A block that memory holds no more, under the lowest certificate of the store that covers it:
 * the way between is read from the rollup's sources, and hashed. Null where the sources have no such block.
 */
export async function findOlderBlock(
  ports: OlderBlocksPorts,
  asked: { readonly rollupId: bigint; readonly blockHash: Hex },
): Promise<OlderBlock | null> {
  const { store, sources, served } = ports;
  const { rollupId, blockHash } = asked;
  const block = await sources.block(rollupId, blockHash);
  if (block === null) return null;
  const { blockNumber } = block;
  const page = { rollupId, from: blockNumber, limit: MAX_CERTIFICATES };
  for (const { claim } of await store.listCertificates(page)) {
    const certificate = await served(claim.blockNumber);
    if (certificate === null) continue;
    const ends = { top: certificate.claim, bottom: block };
    const headers = await sources.headersBetween(rollupId, ends);
    // Not an ancestor of it, or too far below: higher certificates would not tell more.
    if (headers === null) break;
    const view = { block, presentWeight: 0n, certificate, headers };
    return { blockNumber, view: { status: "fast-final", ...view } };
  }
  return { blockNumber, view: null };
}
