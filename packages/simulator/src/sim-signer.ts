import {
  type Claim,
  checkForkLock,
  claimDigest,
  type Domain,
  type Hex,
  isSameClaim,
  type LockRefusal,
  linksOf,
  type ReleaseEvidence,
  verifyRelease,
} from "@mach/core";
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

export interface SimRequest {
  readonly claim: Claim;
  /** Headers, newest first. */
  readonly ancestry: readonly Hex[];
  readonly release: ReleaseEvidence | null;
}

export type SimSignature =
  | { readonly ok: true; readonly row: SignedRow; readonly signature: Uint8Array }
  | { readonly ok: false; readonly code: LockRefusal | "bad-release" };

/**
 * What the node's signer does with one request, in the same order: rules 1 and 2 against the
 * record, the row made durable, and only then the signature.
 */
export function signClaim(ports: SignerPorts, request: SimRequest): SimSignature {
  const { disk, bls, domain, publicKey, pass, onRecorded, onSignature } = ports;
  const { claim } = request;
  pass("before-record");
  const refusal = refuse(ports, request);
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
  { disk, bls, domain }: SignerPorts,
  { claim, ancestry, release: evidence }: SimRequest,
): LockRefusal | "bad-release" | null {
  const rows = disk.rows();
  const release = evidence && verifyRelease(bls, evidence, domain);
  if (evidence !== null && release === null) return "bad-release";
  if (rows.some((row) => isSameClaim(row.claim, claim))) return null;
  const last = newestRow(rows)?.claim ?? null;
  const decision = checkForkLock({ last, claim, ancestry: linksOf(ancestry), release });
  return decision.ok ? null : decision.code;
}
