import { createPortableBls } from "@mach/bls/portable";
import type { Bls, Certificate, Hex } from "@mach/core";
import type { BlockAnswer, FinalityAnswer, TransactionAnswer } from "./answers.ts";
import { createCertificateMemory } from "./certificate-memory.ts";
import { createEndpoints } from "./endpoints.ts";
import { SdkError } from "./errors.ts";
import type { BlockId } from "./header-chain.ts";
import { createL1Registry } from "./l1-registry.ts";
import { checkNetwork, type MachNetwork } from "./network.ts";
import { type FullPolicy, type Policy, resolvePolicy } from "./policy.ts";
import { finalityOfMemory, type QueryContext, queryBlock, queryFinality } from "./queries.ts";
import { queryTransaction } from "./transaction-query.ts";
import type { SetAnswer, Trust } from "./trust.ts";
import { createTrustedSets } from "./trusted-sets.ts";
import { createVerifier, type Verdict } from "./verdict.ts";
import { waitFor } from "./wait.ts";
import { watchFinality } from "./watch.ts";

export interface MachClientOptions {
  /** URLs of nodes' APIs, 1 to 16. A wrong answer needs more than one of them to lie. */
  readonly endpoints: readonly string[];
  readonly network: MachNetwork;
  /** Whence trust comes: a set's hash, or L1 endpoints of the consumer's own. */
  readonly trust: Trust;
  /** What every answer has to meet; each call can ask otherwise. */
  readonly policy?: Policy;
  /** How many endpoints must say what cannot be verified; more than half if not given. */
  readonly agree?: number;
  /** How long one request may take, milliseconds; 10 s if not given. */
  readonly timeoutMs?: number;
  /** How long the others are waited for once one answer is verified; 500 ms if not given. */
  readonly compareMs?: number;
  readonly fetch?: typeof globalThis.fetch;
  /** BLS12-381; plain JavaScript if not given. In Node `createNativeBls()` of `@mach/bls` is faster. */
  readonly bls?: Bls;
  /** Milliseconds since 1970; the system's clock if not given. */
  readonly now?: () => number;
}

interface RollupQuestion {
  readonly rollupId: bigint;
  readonly policy?: Policy;
}

/** Fast finality that is verified where it is used. No method takes an endpoint's word for it. */
export interface MachClient {
  /** The newest block of a rollup that a valid certificate stands for. */
  getFinality(question: RollupQuestion): Promise<FinalityAnswer>;
  /** The status of a block by its hash or height: the hash chain to its certificate is checked. */
  getBlock(question: RollupQuestion & { readonly block: BlockId }): Promise<BlockAnswer>;
  /**
   * The status of a transaction: the way from its receipt to a certificate is checked. With
   * `inclusion: "agreed"` it is enough where nothing proves it that `agree` endpoints name its
   * block; "proven" if not given.
   */
  getTransaction(
    question: RollupQuestion & { readonly hash: Hex; readonly inclusion?: "proven" | "agreed" },
  ): Promise<TransactionAnswer>;
  /**
   * Until a block is fast-final or contradicted; `timed-out` after `timeoutMs` (60 s if not given).
   * Rejects with the signal's reason when it aborts.
   */
  waitForFinality(
    question: RollupQuestion & {
      readonly hash: Hex;
      readonly signal?: AbortSignal;
      readonly timeoutMs?: number;
      readonly pollMs?: number;
    },
  ): Promise<BlockAnswer>;
  /** The verified head each time that it rises, pushed by events and polled for without them. */
  watch(
    question: RollupQuestion & { readonly signal?: AbortSignal; readonly pollMs?: number },
  ): AsyncGenerator<FinalityAnswer, void, void>;
  /** A verdict over a certificate from anyone: by which set, how much weight, how old, and why not. */
  verifyCertificate(certificate: Certificate, policy?: Policy): Promise<Verdict>;
  /** Follows the sets up to now; a client that trusts a hash must, once in every epoch. */
  followSets(): Promise<SetAnswer<{ readonly epoch: bigint; readonly operatorSetHash: Hex }>>;
  /**
   * Ends a contradiction once the consumer has seen L1 finalise the rollup above all of it. False
   * where the height is not above, and everything stays contradicted.
   */
  resumeAfterContradiction(settled: {
    readonly rollupId: bigint;
    readonly l1FinalizedBlockNumber: bigint;
  }): boolean;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_COMPARE_MS = 500;
const DEFAULT_WAIT_MS = 60_000;
const DEFAULT_POLL_MS = 1_000;
const MAX_CERTIFICATES = 1_024;

/** A client of one network. Throws an `SdkError` `bad-option` for options that cannot be held. */
export function createMachClient(options: MachClientOptions): MachClient {
  const { now = Date.now, fetch = globalThis.fetch, bls = createPortableBls() } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, compareMs = DEFAULT_COMPARE_MS } = options;
  const network = checkNetwork(options.network);
  resolvePolicy(options.policy);
  const endpoints = createEndpoints(options.endpoints, { timeoutMs, compareMs, fetch });
  const agree = options.agree ?? Math.floor(endpoints.length / 2) + 1;
  if (!Number.isInteger(agree) || agree < 1 || agree > endpoints.length) {
    throw new SdkError("bad-option", "agree must be 1 to the number of endpoints");
  }
  const { trust } = options;
  const origin = "l1" in trust ? createL1Registry(network, trust, { timeoutMs, fetch }) : trust;
  const memory = createCertificateMemory({ maxCertificates: MAX_CERTIFICATES });
  const sets = createTrustedSets({ bls, endpoints, origin }, { network, compareMs, now });
  const verifier = createVerifier({ bls, sets, memory }, { network, now });
  const context: QueryContext = { endpoints, verifier, memory, agree, compareMs, now };
  const policyOf = (policy: Policy | undefined): FullPolicy =>
    resolvePolicy(options.policy, policy);

  return {
    async getFinality({ rollupId, policy }) {
      return await queryFinality(context, { rollupId, policy: policyOf(policy) });
    },
    async getBlock({ rollupId, block, policy }) {
      return await queryBlock(context, { rollupId, block, policy: policyOf(policy) });
    },
    async getTransaction({ rollupId, hash, policy, inclusion = "proven" }) {
      const asked = { rollupId, transactionHash: hash, policy: policyOf(policy) };
      return await queryTransaction(context, { ...asked, inclusion });
    },
    async waitForFinality({ rollupId, hash, policy, signal, timeoutMs: waitMs, pollMs }) {
      const question = { rollupId, block: hash, policy: policyOf(policy) };
      return await waitFor(() => queryBlock(context, question), {
        timeoutMs: waitMs ?? DEFAULT_WAIT_MS,
        pollMs: pollMs ?? DEFAULT_POLL_MS,
        signal,
        now,
      });
    },
    watch({ rollupId, policy, signal, pollMs = DEFAULT_POLL_MS }) {
      const full = policyOf(policy);
      const question = {
        rollupId,
        async read() {
          // A quiet rollup must not let the trust in the sets lapse.
          await sets.follow();
          return await queryFinality(context, { rollupId, policy: full });
        },
        async take(certificate: Certificate) {
          if (certificate.claim.rollupId !== rollupId) return null;
          await verifier.verify(certificate, full);
          return finalityOfMemory(context, { rollupId, policy: full });
        },
      };
      return watchFinality(endpoints, question, { pollMs, signal, fetch });
    },
    async verifyCertificate(certificate, policy) {
      return await verifier.verify(certificate, policyOf(policy));
    },
    async followSets() {
      const answer = await sets.follow();
      if (!answer.ok) return answer;
      const { epoch, operatorSetHash } = answer.value;
      return { ok: true, value: { epoch, operatorSetHash } };
    },
    resumeAfterContradiction: ({ rollupId, l1FinalizedBlockNumber }) =>
      memory.resume(rollupId, l1FinalizedBlockNumber),
  };
}
