import { concatHex, type Hex, keccak256, uintWord } from "@mach/core";
import { isObject, parseHash, parseInteger } from "./rpc-values.ts";
import { eventTopic, readLogs, type SettledAnswer, type SettlementQuery } from "./settlement.ts";
import type { NodeCall, NodeFailure } from "./stack.ts";

/** How far the agglayer is with a certificate; `in-error` ends it. */
export type CertificateStatus = "pending" | "proven" | "candidate" | "settled" | "in-error";

/** What the agglayer says of a chain's certificate. */
export interface CertificateHeader {
  readonly networkId: number;
  readonly height: bigint;
  readonly certificateId: Hex;
  readonly previousLocalExitRoot: Hex | null;
  readonly newLocalExitRoot: Hex;
  readonly status: CertificateStatus;
  /** The L1 transaction that settles it, once there is one. */
  readonly settlementTransactionHash: Hex | null;
}

const METHODS = {
  known: "interop_getLatestKnownCertificateHeader",
  pending: "interop_getLatestPendingCertificateHeader",
  settled: "interop_getLatestSettledCertificateHeader",
} as const;

const STATUSES: Readonly<Record<string, CertificateStatus>> = {
  Pending: "pending",
  Proven: "proven",
  Candidate: "candidate",
  Settled: "settled",
};
const UINT32 = 2 ** 32;

/** A network's newest certificate, by the agglayer's JSON-RPC; `missing` where it has none. */
export async function readCertificateHeader(
  agglayer: NodeCall,
  asked: { readonly networkId: number; readonly newest: keyof typeof METHODS },
): Promise<{ readonly ok: true; readonly header: CertificateHeader } | NodeFailure> {
  const answer = await agglayer(METHODS[asked.newest], [asked.networkId]);
  if (!answer.ok) return answer;
  if (answer.value === null) return { ok: false, code: "missing" };
  const header = parseCertificateHeader(answer.value);
  const isAsked =
    header !== null &&
    header.networkId === asked.networkId &&
    (asked.newest !== "settled" || header.status === "settled");
  return isAsked ? { ok: true, header } : { ok: false, code: "malformed" };
}

/** A change of a chain's local exit root that L1 has accepted with a pessimistic proof. */
export interface SettledExitRoot {
  readonly previousLocalExitRoot: Hex;
  readonly newLocalExitRoot: Hex;
  readonly l1InfoRoot: Hex;
  readonly l1BlockNumber: bigint;
  readonly transactionHash: Hex;
}

const PESSIMISTIC_TRANSITION = eventTopic(
  "VerifyPessimisticStateTransition(uint32,bytes32,bytes32,bytes32,bytes32,bytes32,address)",
);

/** The certificates' exit roots that the rollup manager verified for a chain, in the order of L1. */
export async function readSettledExitRoots(
  l1: NodeCall,
  query: SettlementQuery,
): Promise<
  | { readonly ok: true; readonly exitRoots: readonly SettledExitRoot[] }
  | Extract<SettledAnswer, { ok: false }>
> {
  const { contracts } = query;
  if (contracts.stack !== "cdk") throw new RangeError("the contracts are of another stack");
  const read = await readLogs(l1, query, {
    address: contracts.rollupManager,
    events: [PESSIMISTIC_TRANSITION],
    secondTopic: uintWord(contracts.rollupIndex),
  });
  if (!read.ok) return read;
  const exitRoots: SettledExitRoot[] = [];
  for (const { topics, words, l1BlockNumber, transactionHash } of read.logs) {
    // The first two words are the pessimistic roots, which hold the balances as well.
    const [, , previousLocalExitRoot, newLocalExitRoot, l1InfoRoot] = words;
    const isWhole = topics.length === 3 && words.length === 5;
    if (!isWhole || !previousLocalExitRoot || !newLocalExitRoot || !l1InfoRoot) {
      return { ok: false, code: "malformed" };
    }
    const roots = { previousLocalExitRoot, newLocalExitRoot, l1InfoRoot };
    exitRoots.push({ ...roots, l1BlockNumber, transactionHash });
  }
  return { ok: true, exitRoots };
}

/** keccak256(uint256 threshold || each signer's address padded to a word). */
export function multisigHash(threshold: number, signers: readonly Hex[]): Hex {
  const words = signers.map((signer) => uintWord(BigInt(signer)));
  return keccak256(concatHex(uintWord(threshold), ...words));
}

/** What L1 and the pessimistic proof know of a chain's own checks, for consensus type 1. */
export function aggchainHash(parts: {
  readonly verificationKey: Hex;
  readonly parameters: Hex;
  readonly multisigHash: Hex;
}): Hex {
  const consensusType: Hex = "0x00000001";
  return keccak256(
    concatHex(consensusType, parts.verificationKey, parts.parameters, parts.multisigHash),
  );
}

function parseCertificateHeader(raw: unknown): CertificateHeader | null {
  if (!isObject(raw)) return null;
  const networkId = parseInteger(raw["network_id"]);
  const height = parseInteger(raw["height"]);
  const certificateId = parseHash(raw["certificate_id"]);
  const newLocalExitRoot = parseHash(raw["new_local_exit_root"]);
  const status = parseStatus(raw["status"]);
  const previous = parseOptional(raw["prev_local_exit_root"]);
  const settlement = parseOptional(raw["settlement_tx_hash"]);
  if (networkId === null || networkId >= UINT32 || height === null || status === null) return null;
  if (certificateId === null || newLocalExitRoot === null) return null;
  if (previous === undefined || settlement === undefined) return null;
  return {
    networkId: Number(networkId),
    height,
    certificateId,
    previousLocalExitRoot: previous,
    newLocalExitRoot,
    status,
    settlementTransactionHash: settlement,
  };
}

/** A name, or `{ InError: … }` with the agglayer's words, which are dropped. */
function parseStatus(raw: unknown): CertificateStatus | null {
  if (isObject(raw)) return Object.hasOwn(raw, "InError") ? "in-error" : null;
  return typeof raw === "string" && Object.hasOwn(STATUSES, raw) ? (STATUSES[raw] ?? null) : null;
}

/** Null where it is absent, undefined where it is no hash. */
function parseOptional(raw: unknown): Hex | null | undefined {
  return raw === null || raw === undefined ? null : (parseHash(raw) ?? undefined);
}
