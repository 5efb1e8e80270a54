import { MAX_PAGE_ITEMS } from "@mach/api";
import type { Store } from "../store/store.ts";
import type { JournalEntry } from "./journal.ts";

/** Which part of a store there is to walk: it lists neither its rollups nor its epochs. */
export interface StoreExtent {
  readonly rollupIds: readonly bigint[];
  /** The newest epoch that it may have something of. */
  readonly newestEpoch: bigint;
}

/** Names all that a store holds, in the order in which readers need it; replaced ones not. */
export async function* storeEntries(
  store: Store,
  { rollupIds, newestEpoch }: StoreExtent,
): AsyncGenerator<JournalEntry> {
  for (let epoch = 0n; epoch <= newestEpoch; epoch += 1n) {
    yield { kind: "epoch", epoch };
    yield { kind: "set-update", epoch };
  }
  for (const rollupId of rollupIds) yield { kind: "contradiction", rollupId };
  const limit = MAX_PAGE_ITEMS;
  for (let from = 0n; ; ) {
    const page = await store.listEvidence({ from, limit });
    for (const { evidenceId } of page) yield { kind: "evidence", evidenceId };
    const last = page.at(-1);
    if (last === undefined) break;
    from = last.position + 1n;
  }
  for (const rollupId of rollupIds) {
    for (let from = 0n; ; ) {
      const page = await store.listCertificates({ rollupId, from, limit });
      for (const { certificateId } of page) yield { kind: "certificate", certificateId };
      const last = page.at(-1);
      if (last === undefined) break;
      from = last.claim.blockNumber + 1n;
    }
  }
}

/** Names what one node alone tells, for when it begins to be the one. */
export async function* ownEntries(
  store: Store,
  { rollupIds }: Pick<StoreExtent, "rollupIds">,
): AsyncGenerator<JournalEntry> {
  yield { kind: "alerts" };
  for (const rollupId of rollupIds) yield { kind: "pruned-certificates", rollupId };
  yield { kind: "pruned-sets" };
  for (const epoch of await store.participationEpochs()) yield { kind: "participation", epoch };
}
