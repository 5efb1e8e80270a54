import { type GossipSub, TopicValidatorResult } from "@libp2p/gossipsub";
import type { Domain } from "@mach/core";
import type { Counters } from "./counters.ts";
import type { GossipHandlers, GossipSource, QueueLoad, Verdict } from "./handlers.ts";
import type { GossipLimits } from "./limits.ts";
import type { NetworkNames } from "./topics.ts";
import { createValidationQueue, type ValidationQueue } from "./validation-queue.ts";
import {
  decodeAttestations,
  decodeCertificate,
  decodeEvidenceMessage,
  decodeSetUpdate,
  isPlausibleAttestations,
  isPlausibleCertificate,
  isPlausibleEvidence,
  isPlausibleSetUpdate,
} from "./wire.ts";

export interface ValidatorContext {
  readonly domain: Domain;
  readonly names: NetworkNames;
  readonly limits: GossipLimits;
  readonly counters: Counters;
  readonly sourceOf: (peerId: string) => GossipSource;
  /** False once the peer is hung up on for what it did: what it sent before is not worth a check. */
  readonly isWelcome: (peerId: string) => boolean;
  /** The peer sent what no honest one does. */
  readonly onBlamed: (peerId: string, code: string) => void;
}

interface TopicRules<T> {
  readonly topic: string;
  /** Counted for what is accepted. */
  readonly name: string;
  readonly next: "newest" | "oldest";
  /** Says from the length and the first bytes whether decoding is worth the while. */
  isPlausible(data: Uint8Array): boolean;
  decode(data: Uint8Array): T | null;
  handle(value: T, from: GossipSource): Promise<Verdict>;
}

const MALFORMED: Verdict = { accept: false, code: "malformed", blame: true };
const OVERSIZED: Verdict = { accept: false, code: "oversized", blame: true };
const UNWELCOME: Verdict = { accept: false, code: "sender-hung-up-on", blame: false };
const ACCEPTED: Verdict = { accept: true };

/**
 * Puts a validator before each topic, the cheap checks first: size, version and length, a place in
 * the queue, decoding, then the handler.
 */
export function installValidators(
  pubsub: GossipSub,
  handlers: GossipHandlers,
  context: ValidatorContext,
): ValidatorQueues {
  const { domain, names } = context;
  const capacity = context.limits.maxQueuedMessages;
  const queues = [
    install(pubsub, context, {
      topic: names.attestations,
      name: "attestations",
      next: "newest",
      isPlausible: isPlausibleAttestations,
      decode: decodeAttestations,
      handle: (attestations, from) => handlers.onAttestations(attestations, from),
    }),
    install(pubsub, context, {
      topic: names.certificates,
      name: "certificates",
      next: "newest",
      isPlausible: isPlausibleCertificate,
      decode: (data) => decodeCertificate(data, domain),
      handle: (certificate, from) => handlers.onCertificate(certificate, from),
    }),
    install(pubsub, context, {
      topic: names.evidence,
      name: "evidence",
      next: "oldest",
      isPlausible: isPlausibleEvidence,
      decode: (data) => decodeEvidenceMessage(handlers, data),
      handle: (evidence, from) => handlers.onEvidence(evidence, from),
    }),
    install(pubsub, context, {
      topic: names.setUpdates,
      name: "set-updates",
      next: "oldest",
      isPlausible: isPlausibleSetUpdate,
      decode: (data) => decodeSetUpdate(data, domain),
      handle: (update, from) => handlers.onSetUpdate(update, from),
    }),
  ];
  return {
    loads: () =>
      queues.map(({ name, queue }) => {
        return { queue: `gossip-${name}`, depth: queue.depth(), capacity };
      }),
    close() {
      for (const { queue } of queues) queue.close();
    },
  };
}

/** What waits to be checked, by topic. */
export interface ValidatorQueues {
  loads(): readonly QueueLoad[];
  /** Drops what waits. */
  close(): void;
}

function install<T>(
  pubsub: GossipSub,
  context: ValidatorContext,
  rules: TopicRules<T>,
): { readonly name: string; readonly queue: ValidationQueue } {
  const { limits, counters } = context;
  const queue = createValidationQueue({
    concurrency: limits.maxMessagesInHand,
    capacity: limits.maxQueuedMessages,
    next: rules.next,
    isPreferred: (peerId) => context.sourceOf(peerId).operator !== undefined,
    timeoutMs: limits.handlerTimeoutMs,
    onLate: (peerId, verdict) => {
      if (verdict.accept || !verdict.blame) return;
      counters.count(verdict.code, peerId);
      context.onBlamed(peerId, verdict.code);
    },
  });
  const judge = (peerId: string, data: Uint8Array): Promise<Verdict> | Verdict => {
    if (data.length > limits.maxMessageBytes) return OVERSIZED;
    if (!rules.isPlausible(data)) return MALFORMED;
    return queue.run(peerId, () => check(peerId, data, context, rules));
  };
  pubsub.topicValidators.set(rules.topic, async (peer, message) => {
    const peerId = peer.toString();
    const verdict = await judge(peerId, message.data);
    if (verdict.accept) {
      counters.count(`accepted-${rules.name}`, peerId);
      return TopicValidatorResult.Accept;
    }
    counters.count(verdict.code, peerId);
    if (!verdict.blame) return TopicValidatorResult.Ignore;
    context.onBlamed(peerId, verdict.code);
    return TopicValidatorResult.Reject;
  });
  return { name: rules.name, queue };
}

async function check<T>(
  peerId: string,
  data: Uint8Array,
  context: ValidatorContext,
  rules: TopicRules<T>,
): Promise<Verdict> {
  // It may have waited in the queue for long.
  if (!context.isWelcome(peerId)) return UNWELCOME;
  try {
    const value = rules.decode(data);
    if (value === null) return MALFORMED;
    const verdict = await rules.handle(value, context.sourceOf(peerId));
    return verdict.accept ? ACCEPTED : verdict;
  } catch (error) {
    // Own bugs never punish peers.
    context.counters.report("handler-failed", { peerId, error });
    return { accept: false, code: "dropped-by-fault", blame: false };
  }
}
