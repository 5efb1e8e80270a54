import { MAX_PAGE_ITEMS } from "@mach/api";
import { claimStructHash, type Evidence, type Hex } from "@mach/core";
import { evidenceId } from "../store/evidence-id.ts";
import type { Store } from "../store/store.ts";

/** What became of a piece of evidence. */
export type KeptEvidence =
  | "kept"
  /** It, or as much as is of use about the same breach, is kept already. */
  | "known"
  /** The store's bound is reached: what it holds stays, this is not kept. */
  | "full";

/** Puts valid evidence into the store once. */
export interface EvidenceKeeper {
  /** Counts what the store keeps of earlier runs: before anything else is asked. */
  restore(): Promise<void>;
  /** Whether nothing would be gained by checking it. */
  isKnown(evidence: Evidence): boolean;
  keep(evidence: Evidence): Promise<KeptEvidence>;
  /** It has left the store: whose share it took up has room again. */
  forget(evidence: Evidence): void;
}

const MAX_REMEMBERED = 4_096;
/** One piece convicts: a breach is not told in all the ways in which its signatures combine. */
const MAX_PER_BREACH = 1;
/** Certificates of one pair of claims differ in whom they convict. */
const MAX_PER_PAIR = 8;
/**
 * So that no operator fills the store with its own convictions and keeps out others'. Conflicting
 * certificates are no subject to it: they stop fast finality, and a third of the weight made them.
 */
const MAX_PER_OPERATOR = 256;

/**
 * Anyone who holds a few signatures of a breach can write it down in very many valid ways. Each
 * breach is kept in as few of them as convict, so that the store's bound cannot be used up.
 */
export function createEvidenceKeeper(
  store: Pick<Store, "putEvidence" | "listEvidence">,
): EvidenceKeeper {
  const ids = new Set<Hex>();
  const perBreach = new Map<string, number>();
  /** Bounded by what the store keeps: only evidence that it took is counted here. */
  const perOperator = new Map<string, number>();

  function isKnown(evidence: Evidence): boolean {
    if (ids.has(evidenceId(evidence))) return true;
    const { key, most } = breachOf(evidence);
    if ((perBreach.get(key) ?? 0) >= most) return true;
    const operators = countedOperators(evidence);
    const isFull = (operator: Hex): boolean => (perOperator.get(operator) ?? 0) >= MAX_PER_OPERATOR;
    return operators.length > 0 && operators.every(isFull);
  }

  function countOperators(evidence: Evidence, by: 1 | -1): void {
    for (const operator of countedOperators(evidence)) count(perOperator, operator, by);
  }

  return {
    isKnown,
    async restore() {
      for (let from = 0n; ; ) {
        const entries = await store.listEvidence({ from, limit: MAX_PAGE_ITEMS });
        for (const { evidence } of entries) countOperators(evidence, 1);
        const last = entries.at(-1);
        if (last === undefined) return;
        from = last.position + 1n;
      }
    },
    async keep(evidence) {
      if (isKnown(evidence)) return "known";
      forgetBeyond(ids);
      forgetBeyond(perBreach);
      ids.add(evidenceId(evidence));
      count(perBreach, breachOf(evidence).key, 1);
      // Counted while it is written too, so that many at once find the bound where it is.
      countOperators(evidence, 1);
      const kept = await store.putEvidence(evidence);
      if (!kept.ok || !kept.isNew) countOperators(evidence, -1);
      if (!kept.ok) return "full";
      return kept.isNew ? "kept" : "known";
    },
    forget: (evidence) => countOperators(evidence, -1),
  };
}

/** Whose share of the store a piece takes up. */
function countedOperators(evidence: Evidence): readonly Hex[] {
  if (evidence.kind === "conflicting-certificates") return [];
  return "operator" in evidence ? [evidence.operator] : evidence.operators;
}

/** What was breached, whichever of its signatures are shown. */
function breachOf(evidence: Evidence): { readonly key: string; readonly most: number } {
  switch (evidence.kind) {
    case "double-attestation":
    case "attestation-against-certificate": {
      const { operator, rollupId, blockNumber } = evidence;
      return { key: `height/${operator}/${rollupId}/${blockNumber}`, most: MAX_PER_BREACH };
    }
    case "conflicting-certificates": {
      const { lower, higher } = evidence;
      const pair = `${claimStructHash(lower.claim)}/${claimStructHash(higher.claim)}`;
      return { key: `pair/${pair}`, most: MAX_PER_PAIR };
    }
    case "false-set-update": {
      const { epoch, operatorSetHash } = evidence.update;
      const [operator, ...others] = evidence.operators;
      // Each operator's own signature convicts another one: one piece for each.
      if (others.length === 0) return { key: `update/${epoch}/${operator}`, most: MAX_PER_BREACH };
      return { key: `update/${epoch}/${operatorSetHash}`, most: MAX_PER_PAIR };
    }
  }
}

function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** What is forgotten costs another check, and the store knows it all the same. */
function forgetBeyond(remembered: { readonly size: number; clear(): void }): void {
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
}
