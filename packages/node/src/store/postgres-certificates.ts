/** Keeps a certificate under its id alone: id, document, rollup, height. */
export const KEEP_CERTIFICATE: string = `
  insert into mach.certificates (certificate_id, document, of_rollup, at_block)
  values ($1, $2, $3, $4)
  on conflict (certificate_id) do update set document = excluded.document`;

/**
 * Keeps a certificate and makes it that of its height: id, document, rollup, height, whether one
 * stands there, and the name of what goes with age. In one statement, because each is a way to the
 * database; no row comes back where the height has gone.
 */
export const PUT_CERTIFICATE: string = `
  with welcome as (
    select $5::boolean or not exists (
      select from mach.kept_from where what = $6 and kept_from > $4::numeric
    ) as yes
  ), kept as (
    insert into mach.certificates (certificate_id, document, of_rollup, at_block)
    select $1::bytea, $2::bytea, $3::numeric, $4::numeric from welcome where yes
    on conflict (certificate_id) do update set document = excluded.document
  )
  insert into mach.heights (rollup_id, block_number, certificate_id)
  select $3::numeric, $4::numeric, $1::bytea from welcome where yes
  on conflict (rollup_id, block_number) do update set certificate_id = excluded.certificate_id
  returning 1 as put`;
