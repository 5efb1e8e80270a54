import type { Bls, Certificate } from "@mach/core";
import { verifyCertificate } from "@mach/core";
import type { EpochRecord, Store } from "../store/store.ts";
import type { EngineShell } from "./shell.ts";

const PAGE = 256;

/**
 * Gives the engine what the store kept: sets first, then contradictions, then the newest
 * certificates, each verified again. What the disk gives back and does not verify is left out.
 */
export async function restoreEngine(
  engine: Pick<EngineShell, "input" | "state">,
  store: Store,
  context: {
    readonly bls: Pick<Bls, "verifyAggregate">;
    /** Epochs to look for, ascending. */
    readonly epochs: readonly bigint[];
    readonly certificates: number;
  },
): Promise<readonly EpochRecord[]> {
  const records: EpochRecord[] = [];
  for (const epoch of context.epochs) {
    const record = await store.epochRecord(epoch);
    if (record === null) continue;
    records.push(record);
    engine.input({ type: "set-known", ...record });
  }
  for (const rollupId of [...engine.state().rollups.keys()]) {
    for (const contradiction of await store.contradictions(rollupId)) {
      engine.input({ type: "contradiction-restored", rollupId, contradiction });
    }
    await restoreCertificates(engine, store, { ...context, rollupId });
  }
  return records;
}

async function restoreCertificates(
  engine: Pick<EngineShell, "input" | "state">,
  store: Store,
  context: {
    readonly bls: Pick<Bls, "verifyAggregate">;
    readonly rollupId: bigint;
    readonly certificates: number;
  },
): Promise<void> {
  const { rollupId, bls } = context;
  const newest = await store.newestCertificate(rollupId);
  if (newest === null) return;
  const lowest = newest.claim.blockNumber - BigInt(context.certificates) + 1n;
  let from = lowest > 0n ? lowest : 0n;
  for (;;) {
    const rows = await store.listCertificates({ rollupId, from, limit: PAGE });
    for (const certificate of rows) {
      const record = await store.epochRecord(certificate.claim.epoch);
      const verified = record && verifyUnder(bls, certificate, record, engine);
      if (verified?.ok) {
        engine.input({ type: "certificate-verified", certificate: verified.certificate });
      }
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = last.claim.blockNumber + 1n;
  }
}

function verifyUnder(
  bls: Pick<Bls, "verifyAggregate">,
  certificate: Certificate,
  record: EpochRecord,
  engine: Pick<EngineShell, "state">,
): ReturnType<typeof verifyCertificate> | null {
  const { rollupId } = certificate.claim;
  const parameters = record.rollups.find((each) => each.rollupId === rollupId);
  if (parameters === undefined) return null;
  return verifyCertificate(bls, certificate, {
    operatorSet: record.operatorSet,
    thresholdBps: parameters.thresholdBps,
    domain: engine.state().options.domain,
  });
}
