import { domainSchema, encodeDomain } from "@mach/api";
import { type Domain, isSameDomain } from "@mach/core";
import type { PostgresDatabase, Query } from "./postgres-database.ts";
import { openRow, sealRow } from "./row.ts";
import { nameKey } from "./row-key.ts";

/**
 * Each brings the tables from the version before to its own, the first being 1. What has been
 * released is never edited: a change is a new one at the end.
 */
const MIGRATIONS: readonly string[] = [
  `create table mach.network (
     id boolean primary key default true check (id),
     database_id uuid not null default gen_random_uuid(),
     domain bytea not null
   );
   create table mach.certificates (certificate_id bytea primary key, document bytea not null);
   create table mach.heights (
     rollup_id numeric(20) not null,
     block_number numeric(20) not null,
     certificate_id bytea not null references mach.certificates,
     primary key (rollup_id, block_number)
   );
   create table mach.contradictions (
     rollup_id numeric(20) not null,
     from_block_number numeric(20) not null,
     through_block_number numeric(20) not null,
     contradiction_id bytea not null,
     document bytea not null,
     primary key (rollup_id, from_block_number, through_block_number, contradiction_id)
   );
   create table mach.epochs (epoch numeric(20) primary key, document bytea not null);
   create table mach.set_updates (epoch numeric(20) primary key, document bytea not null);
   create table mach.evidence (
     position bigint primary key,
     evidence_id bytea not null unique,
     document bytea not null
   );
   create table mach.alerts (
     position bigint primary key,
     alert_id text not null unique,
     document bytea not null
   );
   create table mach.resume_points (rollup_id numeric(20) primary key, document bytea not null);
   create table mach.participation (
     epoch numeric(20) not null,
     rollup_id numeric(20) not null,
     document bytea not null,
     primary key (epoch, rollup_id)
   );
   create table mach.nodes (node_id uuid primary key, sent numeric(20) not null);
   create table mach.view (
     id boolean primary key default true check (id),
     revision bigint not null,
     run text not null,
     session uuid not null,
     document bytea not null,
     written_at timestamptz not null
   );
   create table mach.view_heights (
     rollup_id numeric(20) not null,
     block_number numeric(20) not null,
     revision bigint not null,
     document bytea not null,
     primary key (rollup_id, block_number)
   );
   create index view_heights_by_revision on mach.view_heights (revision);
   create table mach.events (
     run text not null,
     sequence bigint not null,
     topic text not null,
     document bytea not null,
     primary key (run, sequence)
   );`,
  // The document is behind the 32 bytes of its seal: it alone names the height of one replaced.
  `alter table mach.certificates
     add column of_rollup numeric(20), add column at_block numeric(20);
   update mach.certificates set
     of_rollup = (convert_from(substr(document, 33), 'UTF8')::json->'claim'->>'rollupId')::numeric,
     at_block = (convert_from(substr(document, 33), 'UTF8')::json->'claim'->>'blockNumber')::numeric;
   alter table mach.certificates
     alter column of_rollup set not null, alter column at_block set not null;
   create index certificates_by_height on mach.certificates (of_rollup, at_block);
   create table mach.kept_from (what text primary key, kept_from numeric(20) not null);`,
];

/** The version of the tables that this program reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

const DOMAIN = nameKey("domain");

export type SchemaCheck =
  | { readonly ok: true; readonly databaseId: string }
  /** The tables are missing (0), or of another version than this program's. */
  | { readonly ok: false; readonly code: "wrong-version"; readonly version: number }
  /** The database is of another network: it must not answer for this one. */
  | { readonly ok: false; readonly code: "wrong-domain" };

export type MigrationResult =
  | { readonly ok: true; readonly from: number; readonly to: number }
  | Extract<SchemaCheck, { readonly ok: false }>;

/** Whether the database is one that this program can use, for this network. */
export async function checkSchema(query: Query, domain: Domain): Promise<SchemaCheck> {
  const version = await readVersion(query);
  if (version !== SCHEMA_VERSION) return { ok: false, code: "wrong-version", version };
  const [row] = await query("select database_id, domain from mach.network");
  if (row === undefined || !isSameDomain(readDomain(row["domain"]), domain)) {
    return { ok: false, code: "wrong-domain" };
  }
  return { ok: true, databaseId: String(row["database_id"]) };
}

/**
 * Brings a database to this program's version, all of it or nothing, and makes it this network's
 * where it is nobody's. Versions only rise: a newer one is refused.
 */
export async function migrate(
  database: Pick<PostgresDatabase, "change">,
  domain: Domain,
): Promise<MigrationResult> {
  return await database.change(async (query) => {
    const from = await readVersion(query);
    if (from > SCHEMA_VERSION) return { ok: false, code: "wrong-version", version: from };
    if (from === 0) {
      await query("create schema if not exists mach");
      await query(
        `create table if not exists mach.migrations (
           version integer primary key,
           applied_at timestamptz not null default now()
         )`,
      );
    }
    for (const [i, statements] of MIGRATIONS.entries()) {
      if (i < from) continue;
      await query(statements);
      await query("insert into mach.migrations (version) values ($1)", [i + 1]);
    }
    await query("insert into mach.network (domain) values ($1) on conflict do nothing", [
      sealRow(DOMAIN, encodeDomain(domain)),
    ]);
    const check = await checkSchema(query, domain);
    return check.ok ? { ok: true, from, to: SCHEMA_VERSION } : check;
  });
}

/** What to do about a database that cannot be used, in words. */
export function adviceOnSchema(check: Extract<SchemaCheck, { readonly ok: false }>): string {
  if (check.code === "wrong-domain") {
    return "The database is of another network: give each network a database of its own.";
  }
  const { version } = check;
  if (version === 0) return "The database has no tables yet: run `mach db migrate`.";
  const versions = `The database's tables have version ${version}, and this program needs ${SCHEMA_VERSION}`;
  return version < SCHEMA_VERSION
    ? `${versions}: stop what uses it and run \`mach db migrate\`.`
    : `${versions}: the database is newer, use a newer program.`;
}

async function readVersion(query: Query): Promise<number> {
  const [found] = await query("select to_regclass('mach.migrations') is not null as exists");
  if (found?.["exists"] !== true) return 0;
  const [row] = await query("select coalesce(max(version), 0) as version from mach.migrations");
  return Number(row?.["version"]);
}

function readDomain(bytes: unknown): Domain {
  return openRow(domainSchema, { key: DOMAIN, bytes: bytes as Uint8Array });
}
