import { isSameClaim, isSameDomain } from "@mach/core";
import type { ProtectionInterchange } from "./interchange.ts";
import type {
  ProtectionIdentity,
  ProtectionRecord,
  ProtectionWriter,
  RecordedClaim,
} from "./protection.ts";

export type ImportRefusal =
  /** The export is of another network. */
  | "wrong-domain"
  /** The export is of another operator. */
  | "wrong-operator"
  /** The exported record was made after a loss and this one was not: import into an empty folder. */
  | "record-was-lost"
  /** Of the two highest claims on a rollup the higher has the lower epoch: no record holds both. */
  | "epochs-cross";

/** What an import has added; `conflicts` are different signatures where there can be only one. */
export interface ImportCounts {
  readonly claims: number;
  readonly setUpdates: number;
  readonly conflicts: number;
}

export type ImportResult =
  | { readonly ok: true; readonly counts: ImportCounts }
  | { readonly ok: false; readonly code: ImportRefusal };

/** Null where the export is this identity's. */
export function checkImport(
  identity: ProtectionIdentity,
  { domain, operator }: ProtectionInterchange,
): ImportRefusal | null {
  if (!isSameDomain(domain, identity.domain)) return "wrong-domain";
  return operator === identity.operator ? null : "wrong-operator";
}

/**
 * Takes into a record what another holds, all of it or nothing: of both the higher. What is
 * recorded is never replaced and nothing is lowered.
 */
export function importRecord(
  record: ProtectionRecord,
  exported: ProtectionInterchange,
): ImportResult {
  const refusal = checkImport(record.identity, exported);
  if (refusal !== null) return { ok: false, code: refusal };
  if (exported.origin === "record-lost" && record.origin === "never-signed") {
    return { ok: false, code: "record-was-lost" };
  }
  return record.commit((writer): ImportResult => {
    if (exported.claims.some((each) => crossesEpochs(writer, each))) {
      return { ok: false, code: "epochs-cross" };
    }
    for (const { rollupId, blockNumber } of exported.ceilings) {
      const own = writer.ceiling(rollupId);
      if (own === null || own < blockNumber) writer.keepCeiling(rollupId, blockNumber);
    }
    if (exported.bindingSequence > writer.bindingSequence()) {
      writer.keepBindingSequence(exported.bindingSequence);
    }
    const claims = exported.claims.map((each) => takeClaim(writer, each));
    const setUpdates = exported.setUpdates.map((each) => takeSetUpdate(writer, each));
    const count = (all: readonly Taken[], what: Taken): number =>
      all.filter((each) => each === what).length;
    return {
      ok: true,
      counts: {
        claims: count(claims, "added"),
        setUpdates: count(setUpdates, "added"),
        conflicts: count([...claims, ...setUpdates], "conflict"),
      },
    };
  });
}

type Taken = "added" | "known" | "conflict";

function crossesEpochs(writer: ProtectionWriter, { claim }: RecordedClaim): boolean {
  const own = writer.newest(claim.rollupId)?.claim;
  if (own === undefined) return false;
  return own.blockNumber < claim.blockNumber ? own.epoch > claim.epoch : own.epoch < claim.epoch;
}

function takeClaim(writer: ProtectionWriter, exported: RecordedClaim): Taken {
  const own = writer.at(exported.claim);
  if (own !== null) return isSameClaim(own.claim, exported.claim) ? "known" : "conflict";
  writer.insert(exported);
  return "added";
}

function takeSetUpdate(
  writer: ProtectionWriter,
  exported: ProtectionInterchange["setUpdates"][number],
): Taken {
  const own = writer.setUpdateOf(exported.epoch);
  if (own !== null) return own.operatorSetHash === exported.operatorSetHash ? "known" : "conflict";
  writer.insertSetUpdate(exported);
  return "added";
}
