import {
  checkEvidence,
  checkHeaderChain,
  createMachClient,
  evidenceEpochs,
  type MachClient,
  type MachNetwork,
  type Verdict,
} from "@mach/sdk";
import {
  type Certificate,
  type Claim,
  createNodeReader,
  type Evidence,
  type Hex,
  type OperatorSet,
} from "@mach/sdk/reader";
import type { ReaderTrust } from "./reader-trust.ts";

/** What a certificate's set was taken from: the reader's own trust, or what the node names. */
export type Basis = "own-trust" | "named-by-node";

/** What stands behind a certificate that was checked; ages are left to whoever shows them. */
export interface CheckedFacts {
  readonly operatorSetHash: Hex;
  readonly signedWeight: bigint;
  readonly totalWeight: bigint;
  readonly thresholdBps: number;
  readonly signers: number;
}

/** What this browser makes of a certificate. Only `sound` may ever be shown as final. */
export type CheckResult =
  | { readonly status: "sound"; readonly basis: Basis; readonly facts: CheckedFacts }
  /** Right under a set whose time is over: its keys may sign anything now, and lose nothing. */
  | { readonly status: "expired"; readonly basis: Basis; readonly facts: CheckedFacts }
  /** It does not hold, by a code of the SDK. */
  | { readonly status: "refused"; readonly basis: Basis; readonly code: string }
  /** It could not be held against anything: nothing is known. */
  | { readonly status: "unchecked"; readonly basis: Basis; readonly code: string }
  | { readonly status: "contradicted"; readonly basis: Basis; readonly others: readonly Hex[] };

/** A block that a certificate is shown for: its own, or an ancestor with the headers down to it. */
export interface CoveredBlock {
  readonly rollupId: bigint;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  /** Seconds: as it is signed for the certified block, and the node's word for its ancestors. */
  readonly timestamp: bigint;
  readonly headers: readonly Hex[] | null;
}

/** One check: the certificate, the rollup's threshold as the node names it, and whose word counts. */
export interface CheckQuestion {
  readonly certificate: Certificate;
  readonly thresholdBps: number | null;
  readonly trust: ReaderTrust | null;
  /** The block that it is shown for; the certificate alone is checked if not given. */
  readonly covered?: CoveredBlock | undefined;
}

/** What this browser makes of evidence, under the operator sets that the node names. */
export type EvidenceCheck =
  | { readonly status: "sound" }
  | { readonly status: "refused" | "unchecked"; readonly code: string };

/** Evidence, and the rollup's threshold as the node names it. */
export interface EvidenceQuestion {
  readonly evidence: Evidence;
  readonly thresholdBps: number | null;
}

/** Neither method ever rejects. */
export interface Checker {
  check(question: CheckQuestion): Promise<CheckResult>;
  checkEvidence(question: EvidenceQuestion): Promise<EvidenceCheck>;
}

export interface CheckerOptions {
  readonly endpoint: string;
  /** As the node names it. */
  readonly network: MachNetwork;
  readonly fetch?: typeof globalThis.fetch;
  readonly now?: () => number;
}

/** Codes after which nothing has been shown about the certificate itself. */
const NOTHING_KNOWN = new Set([
  "no-set",
  "l1-unavailable",
  "l1-disagreement",
  "not-fixed",
  "future-epoch",
  "before-trust",
]);
const MAX_CLIENTS = 8;
const LOWEST_BPS = 6667;

interface Source {
  readonly basis: Basis;
  readonly network: MachNetwork;
  readonly trust: Parameters<typeof createMachClient>[0]["trust"];
}

/** Checks certificates by the SDK, under the reader's trust or else the set that the node names. */
export function createChecker(options: CheckerOptions): Checker {
  const { endpoint, fetch, now = Date.now } = options;
  const given = fetch === undefined ? {} : { fetch };
  const reader = createNodeReader({ endpoint, ...given });
  const clients = new Map<string, MachClient>();
  const named = new Map<bigint, Hex>();
  const contradicted = new Map<bigint, CheckResult>();

  async function namedHash(epoch: bigint): Promise<Hex | null> {
    const known = named.get(epoch);
    if (known !== undefined) return known;
    const result = await reader.get("operatorSet", { epoch });
    if (!result.ok || result.answer.data.epoch !== epoch) return null;
    const { operatorSetHash } = result.answer.data;
    keep(named, epoch, operatorSetHash);
    return operatorSetHash;
  }

  function newClient({ network, trust }: Source, clock: () => number): MachClient {
    return createMachClient({ endpoints: [endpoint], network, trust, now: clock, ...given });
  }

  /** The client of a trust remembers what contradicts what, so that those in use are kept. */
  function clientOf(source: Source): MachClient {
    const key = JSON.stringify([source.network, source.trust], (_, value) =>
      typeof value === "bigint" ? `${value}` : value,
    );
    const client = clients.get(key) ?? newClient(source, now);
    keep(clients, key, client);
    return client;
  }

  /** The client of an epoch's named set knows nothing of what was contradicted before its epoch. */
  function asRemembered(result: CheckResult, { rollupId }: Claim): CheckResult {
    if (result.basis === "own-trust") return result;
    if (result.status === "contradicted") keep(contradicted, rollupId, result);
    return result.status === "sound" ? (contradicted.get(rollupId) ?? result) : result;
  }

  async function sourceOf({ certificate, trust }: CheckQuestion): Promise<Source | string> {
    const { epoch } = certificate.claim;
    const { network } = options;
    if (trust === null) {
      const operatorSetHash = await namedHash(epoch);
      if (operatorSetHash === null) return "no-set";
      return { basis: "named-by-node", network, trust: { epoch, operatorSetHash } };
    }
    if (trust.kind === "hash") {
      const { operatorSetHash } = trust;
      return { basis: "own-trust", network, trust: { epoch: trust.epoch, operatorSetHash } };
    }
    const own = { ...network, ...trust.network };
    return { basis: "own-trust", network: own, trust: { l1: { rpcUrls: [trust.rpcUrl] } } };
  }

  return {
    checkEvidence: (question) => checkBySets(reader, options.network, question),
    async check(question) {
      const basis: Basis = question.trust === null ? "named-by-node" : "own-trust";
      try {
        const source = await sourceOf(question);
        if (typeof source === "string") return { status: "unchecked", basis, code: source };
        const minWeightBps = Math.max(LOWEST_BPS, question.thresholdBps ?? LOWEST_BPS);
        const { certificate } = question;
        const broken = brokenCover(question);
        if (broken === "truncated-header-chain")
          return { status: "unchecked", basis, code: broken };
        if (broken !== null) return { status: "refused", basis, code: broken };
        const verdict = await clientOf(source).verifyCertificate(certificate, { minWeightBps });
        if (verdict.status !== "refused" || verdict.code !== "stale-set") {
          return asRemembered(resultOf(verdict, basis), certificate.claim);
        }
        const then = newClient(source, () => Number(certificate.claim.timestamp) * 1000);
        return asExpired(
          resultOf(await then.verifyCertificate(certificate, { minWeightBps }), basis),
        );
      } catch {
        // A network that no certificate can be of, or a URL that is none: nothing was checked.
        return { status: "unchecked", basis, code: "bad-option" };
      }
    },
  };
}

/** Reads the sets of the evidence's epochs, and checks it under them. */
async function checkBySets(
  reader: Pick<ReturnType<typeof createNodeReader>, "get">,
  network: MachNetwork,
  { evidence, thresholdBps }: EvidenceQuestion,
): Promise<EvidenceCheck> {
  const answers = await Promise.all(
    evidenceEpochs(evidence).map((epoch) => reader.get("operatorSet", { epoch })),
  );
  const operatorSets = answers.flatMap((answer): readonly OperatorSet[] =>
    answer.ok ? [answer.answer.data] : [],
  );
  if (operatorSets.length < answers.length) return { status: "unchecked", code: "no-set" };
  const asked = { network, operatorSets, thresholdBps: thresholdBps ?? LOWEST_BPS };
  try {
    const result = checkEvidence(evidence, asked);
    return result.ok ? { status: "sound" } : { status: "refused", code: result.code };
  } catch {
    // A network that none can be.
    return { status: "unchecked", code: "bad-option" };
  }
}

/** Why a certificate says nothing of the block that it is shown for, or null. */
function brokenCover({ certificate: { claim }, covered }: CheckQuestion): string | null {
  if (covered === undefined) return null;
  const { rollupId, headers, blockHash, blockNumber, timestamp } = covered;
  const isCertified = claim.blockHash === blockHash;
  if (claim.rollupId !== rollupId || (isCertified && claim.timestamp !== timestamp)) {
    return "wrong-subject";
  }
  const chain = checkHeaderChain(claim, headers, blockHash);
  if (!chain.ok) return chain.code;
  return chain.blockNumber === blockNumber ? null : "wrong-subject";
}

function resultOf(verdict: Verdict, basis: Basis): CheckResult {
  switch (verdict.status) {
    case "valid": {
      const { operatorSetHash, signedWeight, totalWeight, thresholdBps, signers } = verdict.facts;
      const facts = { operatorSetHash, signedWeight, totalWeight, thresholdBps, signers };
      return { status: "sound", basis, facts };
    }
    case "not-yet":
      return { status: "refused", basis, code: verdict.code };
    case "refused": {
      const { code } = verdict;
      return { status: NOTHING_KNOWN.has(code) ? "unchecked" : "refused", basis, code };
    }
    case "contradicted": {
      const { first, second } = verdict.contradiction;
      return {
        status: "contradicted",
        basis,
        others: [first, second].map((each) => each.certificateId),
      };
    }
  }
}

function asExpired(result: CheckResult): CheckResult {
  return result.status === "sound" ? { ...result, status: "expired" } : result;
}

/** As the one that was used last; the one that was not for longest goes. */
function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_CLIENTS && oldest !== undefined) map.delete(oldest);
}
