import {
  addressOf,
  type Client,
  createClient,
  eventSchemas,
  type NodeEvent,
  parseCertificate,
  parseDocument,
  TOPIC_NAMES,
  type Topic,
} from "@mach/api";
import { bitfieldIndices, type Certificate, isBitfieldOf } from "@mach/core";
import { checkOrigin } from "./endpoints.ts";
import { readEvents } from "./event-source.ts";

export type {
  Alert,
  BadgeRule,
  BatchRead,
  BlockReference,
  BlockStatus,
  BlockStatusName,
  Client,
  ClientResult,
  DocumentRouteId,
  Finality,
  FollowedRollup,
  Health,
  Lapse,
  LapseReason,
  Network,
  NodeEvent,
  OperatorReport,
  OperatorSummary,
  ProofGap,
  Reason,
  ReasonCode,
  RollupParticipation,
  Topic,
  TransactionStatus,
} from "@mach/api";
export type { Certificate, Claim, Evidence, Hex, Operator, OperatorSet } from "@mach/core";

/** What one node says: parsed, and with no signature checked. For pages that show a node's sight. */
export interface NodeReader extends Client {
  /** The node's origin with a slash at the end. */
  readonly endpoint: string;
  /** Follows the node's events until the signal aborts, and opens a stream that ends again. */
  follow(question: FollowQuestion, handlers: FollowHandlers): Promise<void>;
}

export interface FollowQuestion {
  readonly topics: readonly Topic[];
  /** Only of this rollup; of all if not given. */
  readonly rollupId?: bigint;
  readonly signal: AbortSignal;
}

export interface FollowHandlers {
  readonly onEvent: (event: NodeEvent) => void;
  /** Events were lost, or one could not be read: what is known may be old, read it again. */
  readonly onGap?: () => void;
  /** A stream has opened, or has ended: without one, only polling tells. */
  readonly onOpen?: (isOpen: boolean) => void;
}

export interface ReaderOptions {
  /** The node's API: scheme, host and port. */
  readonly endpoint: string;
  /** How long one request may take, milliseconds; 10 s if not given. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/** Twice the heartbeat of a node, and some. */
const IDLE_MS = 45_000;
const RETRY_MS = 1_000;

/** A reader of one node. Throws an `SdkError` `bad-option` for what is no origin. */
export function createNodeReader(options: ReaderOptions): NodeReader {
  const { fetch = globalThis.fetch, timeoutMs = 10_000 } = options;
  const endpoint = checkOrigin(options.endpoint);
  const client = createClient({ baseUrl: endpoint, timeoutMs, fetch });
  return {
    ...client,
    endpoint,
    async follow({ topics, rollupId, signal }, handlers) {
      const url = new URL(addressOf("events", { topics, rollupId }), endpoint);
      const source = { url, fetch, signal, idleMs: IDLE_MS, retryMs: RETRY_MS };
      await readEvents(source, {
        onEvent({ name, data }) {
          const event = eventOf(name, data);
          if (event === null) handlers.onGap?.();
          else handlers.onEvent(event);
        },
        onOpen: (isOpen) => handlers.onOpen?.(isOpen),
      });
    },
  };
}

/** A certificate from text: its JSON, or an answer of the API that holds it. Null for anything else. */
export function certificateFromText(text: string): Certificate | null {
  try {
    const json: unknown = JSON.parse(text);
    const isAnswer = typeof json === "object" && json !== null && "data" in json;
    const parsed = parseCertificate(isAnswer ? json.data : json);
    return parsed.ok ? parsed.value : null;
  } catch {
    // Whoever pastes text can paste any.
    return null;
  }
}

/** The indices of a certificate's signers in its set; null where the bitfield is not of that size. */
export function signerIndices(
  certificate: Pick<Certificate, "signers">,
  operatorCount: number,
): readonly number[] | null {
  const { signers } = certificate;
  return isBitfieldOf(signers, operatorCount) ? bitfieldIndices(signers) : null;
}

function eventOf(name: string, data: string): NodeEvent | null {
  const topic = TOPIC_NAMES.find((each) => each === name);
  if (topic === undefined) return null;
  try {
    // One schema for each topic: the compiler does not follow the name into the answer.
    const schema = eventSchemas[topic] as Parameters<typeof parseDocument<unknown>>[0];
    const parsed = parseDocument(schema, JSON.parse(data));
    if (!parsed.ok) return null;
    return { topic, rollupId: null, answer: parsed.value } as NodeEvent;
  } catch {
    // An endpoint can push any text.
    return null;
  }
}
