import {
  type Alert,
  alertSchema,
  certificateSchema,
  encodeAlert,
  encodeCertificate,
  encodeSetUpdate,
  setUpdateSchema,
} from "@mach/api";
import {
  type Certificate,
  type Contradiction,
  type Evidence,
  type Hex,
  isSameClaim,
  isSameDomain,
  type SetUpdate,
  toHex,
} from "@mach/core";
import type { z } from "zod";
import {
  contradictionId,
  contradictionSchema,
  encodeContradiction,
  encodeEpochRecord,
  encodeEvidenceEntry,
  encodeParticipationRecord,
  encodeResumePoint,
  epochRecordSchema,
  evidenceEntrySchema,
  isSameEpoch,
  participationRecordSchema,
  resumePointSchema,
} from "./documents.ts";
import { evidenceId } from "./evidence-id.ts";
import { KEEP_CERTIFICATE, PUT_CERTIFICATE } from "./postgres-certificates.ts";
import type { Query } from "./postgres-database.ts";
import { pruneRows, raiseKeptFrom, readKeptFrom } from "./postgres-pruning.ts";
import { agingName } from "./pruning.ts";
import { corruptRow, openRow, sealRow } from "./row.ts";
import { hexKey, nameKey, numberKey } from "./row-key.ts";
import {
  type AgingKind,
  type ContradictionEntry,
  type EpochRecord,
  type EvidenceEntry,
  type PageRequest,
  type ParticipationRecord,
  type PruneResult,
  type PruneStep,
  type PutCertificateResult,
  type PutEpochResult,
  type PutEvidenceResult,
  type PutSetUpdateResult,
  pageItems,
  type ResumePoint,
  type Store,
  type StoreOptions,
} from "./store.ts";

/**
 * A network's rows in PostgreSQL as one query function sees them: reads at any time, puts within
 * a change alone.
 */
export class PostgresRows implements Omit<Store, "flush" | "stop"> {
  readonly #query: Query;
  readonly #options: StoreOptions;

  constructor(query: Query, options: StoreOptions) {
    this.#query = query;
    this.#options = options;
  }

  async putCertificate(certificate: Certificate): Promise<PutCertificateResult> {
    const { certificateId, domain, claim } = certificate;
    if (!isSameDomain(domain, this.#options.domain)) return { ok: false, code: "wrong-domain" };
    const { rollupId, blockNumber } = claim;
    const standing = await this.certificateAt(rollupId, blockNumber);
    if (standing !== null && !isSameClaim(standing.claim, claim)) {
      await this.keepCertificate(certificate);
      return { ok: false, code: "conflicting-claim" };
    }
    const key = hexKey(certificateId);
    const document = sealRow(key, encodeCertificate(certificate));
    const aging = agingName({ kind: "certificates", rollupId });
    const put = await this.#query(PUT_CERTIFICATE, [
      ...[key, document, rollupId, blockNumber],
      ...[standing !== null, aging],
    ]);
    return put.length === 0 ? { ok: false, code: "pruned" } : { ok: true };
  }

  /** Under its id alone: another one stands at its height. */
  async keepCertificate(certificate: Certificate): Promise<void> {
    const key = hexKey(certificate.certificateId);
    const { rollupId, blockNumber } = certificate.claim;
    const document = sealRow(key, encodeCertificate(certificate));
    await this.#query(KEEP_CERTIFICATE, [key, document, rollupId, blockNumber]);
  }

  async certificateAt(rollupId: bigint, blockNumber: bigint): Promise<Certificate | null> {
    const rows = await this.#query(
      `select certificate_id, document from mach.heights join mach.certificates
       using (certificate_id) where rollup_id = $1 and block_number = $2`,
      [rollupId, blockNumber],
    );
    const certificate = readCertificate(rows[0]);
    const claim = certificate?.claim;
    if (claim && (claim.rollupId !== rollupId || claim.blockNumber !== blockNumber)) {
      throw corruptRow(numberKey([rollupId, blockNumber]), "it is of another height");
    }
    return certificate;
  }

  async certificateById(certificateId: Hex): Promise<Certificate | null> {
    const rows = await this.#query(
      "select certificate_id, document from mach.certificates where certificate_id = $1",
      [hexKey(certificateId)],
    );
    return readCertificate(rows[0]);
  }

  async newestCertificate(rollupId: bigint): Promise<Certificate | null> {
    const [newest = null] = await this.listCertificates({ rollupId, limit: 1 });
    return newest;
  }

  async listCertificates(
    page: PageRequest & { readonly rollupId: bigint },
  ): Promise<readonly Certificate[]> {
    const rows = await this.#page(
      {
        columns: "certificate_id, document, block_number",
        from: "mach.heights join mach.certificates using (certificate_id)",
        position: "block_number",
      },
      page,
      page.rollupId,
    );
    return rows.flatMap((row) => {
      const certificate = readCertificate(row);
      const { rollupId } = page;
      const isThere =
        certificate?.claim.rollupId === rollupId &&
        certificate.claim.blockNumber === BigInt(String(row["block_number"]));
      if (!isThere) throw corruptRow(numberKey([rollupId]), "it is of another height");
      return certificate;
    });
  }

  async putContradiction({ rollupId, contradiction }: ContradictionEntry): Promise<void> {
    const { fromBlockNumber, throughBlockNumber } = contradiction;
    const id = hexKey(contradictionId(contradiction));
    await this.#query(
      "insert into mach.contradictions values ($1, $2, $3, $4, $5) on conflict do nothing",
      [
        rollupId,
        fromBlockNumber,
        throughBlockNumber,
        id,
        sealRow(id, encodeContradiction(contradiction)),
      ],
    );
  }

  async contradictions(rollupId: bigint): Promise<readonly Contradiction[]> {
    const rows = await this.#query(
      `select contradiction_id as key, document from mach.contradictions where rollup_id = $1
       order by from_block_number, through_block_number, contradiction_id`,
      [rollupId],
    );
    return rows.map((row) => readRow(contradictionSchema, row["key"] as Uint8Array, row));
  }

  async putEpoch(record: EpochRecord): Promise<PutEpochResult> {
    const { epoch } = record.operatorSet;
    const kept = await this.epochRecord(epoch);
    if (kept !== null && !isSameEpoch(kept, record)) {
      return { ok: false, code: "conflicting-epoch" };
    }
    if (kept !== null) return { ok: true };
    await this.#query("insert into mach.epochs (epoch, document) values ($1, $2)", [
      epoch,
      sealRow(numberKey([epoch]), encodeEpochRecord(record)),
    ]);
    return { ok: true };
  }

  async epochRecord(epoch: bigint): Promise<EpochRecord | null> {
    const rows = await this.#query("select document from mach.epochs where epoch = $1", [epoch]);
    return rows[0] === undefined ? null : readRow(epochRecordSchema, numberKey([epoch]), rows[0]);
  }

  async epochsBelow(epoch: bigint): Promise<readonly bigint[]> {
    const rows = await this.#query(
      "select epoch from mach.epochs where epoch < $1 order by epoch",
      [epoch],
    );
    return rows.map((row) => BigInt(String(row["epoch"])));
  }

  async putSetUpdate(update: SetUpdate): Promise<PutSetUpdateResult> {
    const { domain, epoch } = update;
    if (!isSameDomain(domain, this.#options.domain)) return { ok: false, code: "wrong-domain" };
    await this.#query(
      `insert into mach.set_updates (epoch, document) values ($1, $2)
       on conflict (epoch) do update set document = excluded.document`,
      [epoch, sealRow(numberKey([epoch]), encodeSetUpdate(update))],
    );
    return { ok: true };
  }

  async setUpdateOf(epoch: bigint): Promise<SetUpdate | null> {
    const rows = await this.#query("select document from mach.set_updates where epoch = $1", [
      epoch,
    ]);
    return rows[0] === undefined ? null : readRow(setUpdateSchema, numberKey([epoch]), rows[0]);
  }

  async putEvidence(evidence: Evidence): Promise<PutEvidenceResult> {
    const id = evidenceId(evidence);
    const key = hexKey(id);
    const known = await this.#query("select 1 from mach.evidence where evidence_id = $1", [key]);
    if (known.length > 0) return { ok: true, evidenceId: id, isNew: false };
    const [kept] = await this.#query(
      "select coalesce(max(position), -1) + 1 as position, count(*) as count from mach.evidence",
    );
    if (Number(kept?.["count"]) >= this.#options.maxEvidence) {
      return { ok: false, code: "evidence-full", evidenceId: id };
    }
    const position = BigInt(String(kept?.["position"]));
    await this.#query("insert into mach.evidence values ($1, $2, $3)", [
      position,
      key,
      sealRow(key, encodeEvidenceEntry({ position, evidenceId: id, evidence })),
    ]);
    return { ok: true, evidenceId: id, isNew: true };
  }

  async evidenceById(id: Hex): Promise<Evidence | null> {
    const rows = await this.#query(
      "select evidence_id, document from mach.evidence where evidence_id = $1",
      [hexKey(id)],
    );
    return rows[0] === undefined ? null : readEvidence(rows[0]).evidence;
  }

  async listEvidence(page: PageRequest): Promise<readonly EvidenceEntry[]> {
    const columns = "evidence_id, document";
    const from = "mach.evidence";
    const rows = await this.#page({ columns, from, position: "position" }, page);
    return rows.map(readEvidence);
  }

  async putAlert(alert: Alert): Promise<void> {
    const document = sealRow(nameKey(alert.alertId), encodeAlert(alert));
    await this.#query(
      `insert into mach.alerts (position, alert_id, document)
       values ((select coalesce(max(position), -1) + 1 from mach.alerts), $1, $2)
       on conflict (alert_id) do update set document = excluded.document`,
      [alert.alertId, document],
    );
    await this.#query(
      "delete from mach.alerts where position <= (select max(position) from mach.alerts) - $1::bigint",
      [this.#options.maxAlerts],
    );
  }

  /** Makes these all the alerts there are, oldest first. */
  async replaceAlerts(alerts: readonly Alert[]): Promise<void> {
    await this.#query("delete from mach.alerts");
    await this.#query(
      `insert into mach.alerts (position, alert_id, document)
       select * from unnest($1::bigint[], $2::text[], $3::bytea[])`,
      [
        alerts.map((_, position) => position),
        alerts.map(({ alertId }) => alertId),
        alerts.map((alert) => sealRow(nameKey(alert.alertId), encodeAlert(alert))),
      ],
    );
  }

  async listAlerts(): Promise<readonly Alert[]> {
    const rows = await this.#query(
      "select alert_id, document from mach.alerts order by position desc limit $1",
      [this.#options.maxAlerts],
    );
    return rows.map((row) => readRow(alertSchema, nameKey(String(row["alert_id"])), row));
  }

  async putResumePoint(point: ResumePoint): Promise<void> {
    const key = numberKey([point.rollupId]);
    await this.#query(
      `insert into mach.resume_points (rollup_id, document) values ($1, $2)
       on conflict (rollup_id) do update set document = excluded.document`,
      [point.rollupId, sealRow(key, encodeResumePoint(point))],
    );
  }

  async resumePoint(rollupId: bigint): Promise<ResumePoint | null> {
    const rows = await this.#query("select document from mach.resume_points where rollup_id = $1", [
      rollupId,
    ]);
    const [row] = rows;
    return row === undefined ? null : readRow(resumePointSchema, numberKey([rollupId]), row);
  }

  async putParticipation(records: readonly ParticipationRecord[]): Promise<void> {
    for (const record of records) {
      const { epoch, rollupId } = record;
      await this.#query(
        `insert into mach.participation (epoch, rollup_id, document) values ($1, $2, $3)
         on conflict (epoch, rollup_id) do update set document = excluded.document`,
        [epoch, rollupId, sealRow(numberKey([epoch, rollupId]), encodeParticipationRecord(record))],
      );
    }
    const [newest] = await this.#query("select max(epoch) as epoch from mach.participation");
    if (newest?.["epoch"] === null || newest === undefined) return;
    const { participationEpochs } = this.#options;
    const lowest = BigInt(String(newest["epoch"])) - BigInt(participationEpochs) + 1n;
    await raiseKeptFrom(this.#query, { kind: "participation" }, lowest);
    await this.#query("delete from mach.participation where epoch < $1", [lowest]);
  }

  async participation(epoch: bigint): Promise<readonly ParticipationRecord[]> {
    const rows = await this.#query(
      "select rollup_id, document from mach.participation where epoch = $1 order by rollup_id",
      [epoch],
    );
    return rows.map((row) => {
      const key = numberKey([epoch, BigInt(String(row["rollup_id"]))]);
      return readRow(participationRecordSchema, key, row);
    });
  }

  async participationEpochs(): Promise<readonly bigint[]> {
    const rows = await this.#query("select distinct epoch from mach.participation order by epoch");
    return rows.map((row) => BigInt(String(row["epoch"])));
  }

  keptFrom(of: AgingKind): Promise<bigint> {
    return readKeptFrom(this.#query, of);
  }

  prune(step: PruneStep): Promise<PruneResult> {
    return pruneRows(this.#query, this, step);
  }

  /** Ascending from `from`, or the newest ones, ascending too; of one rollup where there are several. */
  async #page(
    table: { readonly columns: string; readonly from: string; readonly position: string },
    page: PageRequest,
    rollupId?: bigint,
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { columns, from, position } = table;
    const limit = pageItems(page.limit);
    const ofRollup = rollupId === undefined ? "$2::numeric is null" : "rollup_id = $2";
    const isNewest = page.from === undefined;
    const rows = await this.#query(
      `select ${columns} from ${from}
       where ($1::numeric is null or ${position} >= $1::numeric) and ${ofRollup}
       order by ${position} ${isNewest ? "desc" : "asc"} limit $3`,
      [page.from ?? null, rollupId ?? null, limit],
    );
    return isNewest ? rows.toReversed() : rows;
  }
}

type Row = Readonly<Record<string, unknown>>;

function readRow<T>(schema: z.core.$ZodType<T, unknown>, key: Uint8Array, row: Row): T {
  return openRow(schema, { key, bytes: row["document"] as Uint8Array });
}

function readCertificate(row: Row | undefined): Certificate | null {
  if (row === undefined) return null;
  const key = row["certificate_id"] as Uint8Array;
  const certificate = readRow(certificateSchema, key, row);
  if (certificate.certificateId !== toHex(key)) throw corruptRow(key, "it is another one");
  return certificate;
}

function readEvidence(row: Row): EvidenceEntry {
  return readRow(evidenceEntrySchema, row["evidence_id"] as Uint8Array, row);
}
