import { createMachClient, type MachClient } from "@mach/sdk";
import type { Proof } from "./proof.ts";
import type { BadgeTrust, Question, Subject } from "./question.ts";
import { READ_TIMEOUT_MS } from "./shared-fetch.ts";

/** How long other endpoints may take to contradict one that has proved its answer. */
const COMPARE_MS = 300;
/** More than the endpoints, networks and trusted sets that one page has. */
const MAX_CLIENTS = 16;

/** Checks answers in this process. Loaded only where a badge asks for it. */
export interface Verifier {
  prove(question: Question, subject: Subject): Promise<Proof>;
}

/** A verifier for all badges of a page: those that trust alike share what was verified. */
export function createVerifier(options: {
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
}): Verifier {
  const clients = new Map<string, MachClient>();

  function clientOf({ endpoints }: Question, { network, trust }: BadgeTrust): MachClient {
    const written = (_: string, value: unknown): unknown =>
      typeof value === "bigint" ? value.toString() : value;
    const key = JSON.stringify([endpoints, network, trust], written);
    const known = clients.get(key);
    if (known !== undefined) return known;
    const times = { timeoutMs: READ_TIMEOUT_MS, compareMs: COMPARE_MS };
    const client = createMachClient({ endpoints, network, trust, ...times, ...options });
    clients.set(key, client);
    const [oldest] = clients.keys();
    if (clients.size > MAX_CLIENTS && oldest !== undefined) clients.delete(oldest);
    return client;
  }

  return {
    async prove(question, subject) {
      const { rollupId, policy, trust } = question;
      if (trust === null) throw new TypeError("a question without trust");
      const client = clientOf(question, trust);
      // What a certificate will be held to is read before it is there, and trust by a hash must not lapse.
      void client.followSets();
      if (subject.kind === "block") {
        return toProof(await client.getBlock({ rollupId, block: subject.block, policy }));
      }
      const answer = await client.getTransaction({ rollupId, hash: subject.hash, policy });
      if (answer.status !== "fast-final") return toProof(answer);
      // The client gives out nothing else for a transaction, unless it is asked to.
      if (answer.inclusion !== "proven") throw new TypeError("a transaction without its proof");
      return { ...toProof(answer), isSuccess: answer.receipt.isSuccess };
    },
  };
}

function toProof(answer: Awaited<ReturnType<MachClient["getBlock"]>>): Proof {
  const { endpoints } = answer;
  if (answer.status !== "fast-final") {
    return { status: answer.status, code: answer.code, endpoints };
  }
  const { blockNumber, blockHash, certificate, facts } = answer;
  const { claim, certificateId } = certificate;
  return {
    status: "fast-final",
    block: { blockNumber, blockHash },
    rule: {
      signedWeight: facts.signedWeight,
      requiredWeight: null,
      totalWeight: facts.totalWeight,
      thresholdBps: facts.thresholdBps,
      verification: facts.verification,
      epoch: facts.epoch,
    },
    certificate: { certificateId, blockNumber: claim.blockNumber, timestamp: claim.timestamp },
    isSuccess: null,
    endpoints,
  };
}
