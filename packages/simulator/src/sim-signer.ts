import { type Claim, claimDigest, type Domain, type Hex, isSameClaim } from "@mach/core";
import type { TwinBls } from "./twin-bls.ts";

/** A claim that an operator has recorded, and will sign or has signed. */
export interface SignedRow {
  readonly claim: Claim;
  readonly digest: Hex;
}

/** The rows of a signing record: what is written is lost with the process until it is synced. */
export interface RecordDisk {
  rows(): readonly SignedRow[];
  write(row: SignedRow): void;
  sync(): void;
  /** The process dies. */
  crash(): void;
}

/** An empty record. */
export function createRecordDisk(): RecordDisk {
  const durable: SignedRow[] = [];
  let pending: SignedRow[] = [];
  return {
    rows: () => [...durable, ...pending],
    write: (row) => void pending.push(row),
    sync() {
      durable.push(...pending);
      pending = [];
    },
    crash() {
      pending = [];
    },
  };
}

/** The moments between which an operator's process may die. */
export type SignerMoment = "before-record" | "before-sync" | "before-signature" | "before-publish";

export interface SignerPorts {
  readonly disk: RecordDisk;
  readonly bls: TwinBls;
  readonly domain: Domain;
  readonly publicKey: Hex;
  /** May throw: then the process has died. */
  readonly pass: (moment: SignerMoment) => void;
  /** A row is durable, which is as good as signed. */
  readonly onRecorded: (row: SignedRow) => void;
  /** The signature exists, sent or not. */
  readonly onSignature: (row: SignedRow) => void;
}

export type SimSignature =
  | { readonly ok: true; readonly row: SignedRow; readonly signature: Uint8Array }
  | { readonly ok: false; readonly code: "height-not-above-last" | "epoch-below-last" };

/**
 * What the node's signer does with one request, in the same order: rule 1 against the record, the
 * row made durable, and only then the signature.
 */
export function signClaim(ports: SignerPorts, claim: Claim): SimSignature {
  const { disk, bls, domain, publicKey, pass, onRecorded, onSignature } = ports;
  pass("before-record");
  const refusal = refuse(disk.rows(), claim);
  if (refusal !== null) return { ok: false, code: refusal };
  const row = { claim, digest: claimDigest(domain, claim) };
  disk.write(row);
  pass("before-sync");
  disk.sync();
  onRecorded(row);
  pass("before-signature");
  const signature = bls.sign(publicKey, row.digest);
  onSignature(row);
  pass("before-publish");
  return { ok: true, row, signature };
}

/** The highest claim in a record. */
export function newestRow(rows: readonly SignedRow[]): SignedRow | null {
  let newest: SignedRow | null = null;
  for (const row of rows) {
    if (newest === null || row.claim.blockNumber > newest.claim.blockNumber) newest = row;
  }
  return newest;
}

function refuse(
  rows: readonly SignedRow[],
  claim: Claim,
): "height-not-above-last" | "epoch-below-last" | null {
  const last = newestRow(rows);
  if (last === null) return null;
  if (rows.some((row) => isSameClaim(row.claim, claim))) return null;
  if (claim.blockNumber <= last.claim.blockNumber) return "height-not-above-last";
  return claim.epoch < last.claim.epoch ? "epoch-below-last" : null;
}
