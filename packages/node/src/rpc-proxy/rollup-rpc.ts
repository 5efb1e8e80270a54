import type { RollupConfig } from "../config.ts";
import { createAddressCounts } from "../http/address-counts.ts";
import type { Admission } from "../http/admission.ts";
import type { ReportFailure } from "../http/failure-report.ts";
import type { NodeView } from "../http/node-view.ts";
import { type CallContext, createRouter, type MessageContext } from "./call-router.ts";
import { type CallAnswer, fault, faultAnswer, type RpcFault, responseText } from "./errors.ts";
import { createFilterBook } from "./filter-book.ts";
import {
  type CheckHead,
  createHeadCheck,
  createHeadReader,
  type FinalHead,
  type ReadHead,
} from "./final-head.ts";
import { type IncomingCall, type NoCall, readMessage } from "./message.ts";
import type { CheckBlock } from "./upstream.ts";
import { createUpstreamPool, type UpstreamPool } from "./upstream-pool.ts";

/** A rollup whose RPC is offered. Times in milliseconds. */
export interface RollupRpcOptions {
  readonly rollupId: bigint;
  readonly urls: readonly string[];
  readonly wsUrls: readonly string[];
  readonly maxStalenessMs: number;
  /** Of a whole message, to all the nodes that are asked. */
  readonly timeoutMs: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly maxBatch: number;
  readonly maxInFlight: number;
  readonly maxFilters: number;
  readonly maxSockets: number;
  readonly maxSubscriptions: number;
  /** Of maxInFlight, maxFilters and maxSockets one address takes so much at most. */
  readonly maxSharePercent: number;
}

/** What one address may take of something. */
export function shareOf(max: number, { maxSharePercent }: RollupRpcOptions): number {
  return Math.ceil((max * maxSharePercent) / 100);
}

/** The rollups whose RPC a configuration offers; by their own endpoints where it names no others. */
export function offeredRpc(rollups: readonly RollupConfig[]): readonly RollupRpcOptions[] {
  return rollups.flatMap(({ rollupId, rpcUrls, wsUrls, rpc }) => {
    if (rpc === undefined) return [];
    const urls = rpc.urls ?? rpcUrls;
    return [{ ...rpc, rollupId, urls, wsUrls: rpc.wsUrls ?? (rpc.urls ? [] : wsUrls) }];
  });
}

/** What goes back to the client. */
export interface MessageAnswer {
  /** Null where nothing is answered: notifications. */
  readonly text: string | null;
  /** The head that an answer rests on, where one does. */
  readonly head: FinalHead | null;
}

/** The RPC of one rollup. */
export interface RollupRpc {
  readonly options: RollupRpcOptions;
  readonly pool: UpstreamPool;
  readonly readHead: ReadHead;
  readonly checkHead: CheckHead;
  /** Answers a message; never rejects. */
  answer(text: string, context: MessageContext): Promise<MessageAnswer>;
  openCalls(): number;
  filterCount(): number;
  close(): Promise<void>;
}

/** Calls of one batch that are under way at once. */
const BATCH_WIDTH = 8;

/** The methods of a rollup's RPC, and what is answered here rather than passed on. */
export function createRollupRpc(
  dependencies: {
    readonly view: Pick<NodeView, "finality" | "certificate" | "certificateById">;
    readonly checkBlock: CheckBlock;
    readonly admission: Pick<Admission, "charge">;
    readonly reportFailure: ReportFailure;
  },
  options: RollupRpcOptions,
): RollupRpc {
  const { view, admission, reportFailure } = dependencies;
  const { rollupId, urls, maxInFlight, maxResponseBytes } = options;
  // A node that hangs leaves time for another one.
  const timeoutMs = Math.ceil((0.9 * options.timeoutMs) / Math.min(urls.length, 3));
  const pool = createUpstreamPool(dependencies, { urls, timeoutMs, maxResponseBytes, maxInFlight });
  const checkHead = createHeadCheck(view, options);
  const { maxFilters } = options;
  const maxFiltersPerAddress = shareOf(maxFilters, options);
  const filters = createFilterBook({ pool, checkHead }, { maxFilters, maxFiltersPerAddress });
  const route = createRouter({ view, pool, filters, rollupId });
  const readHead = createHeadReader(view, options);
  const perAddress = createAddressCounts(shareOf(maxInFlight, options));
  let open = 0;

  async function answerCall(call: IncomingCall, context: CallContext): Promise<CallAnswer> {
    const { address } = context;
    if (open >= maxInFlight) return faultAnswer(fault("busy"));
    if (!perAddress.hasRoom(address)) return faultAnswer(fault("too-many-requests"));
    open += 1;
    perAddress.add(address);
    try {
      const answer = await within(context.deadlineMs, route(call, context));
      return "code" in answer ? faultAnswer(answer) : answer;
    } catch (error) {
      reportFailure("rpc", error);
      return faultAnswer(fault("internal"));
    } finally {
      open -= 1;
      perAddress.remove(address);
    }
  }

  async function answerMessage(
    text: string,
    { tags, subscriptions, address }: MessageContext,
  ): Promise<MessageAnswer> {
    const message = readMessage(text, options);
    let used: FinalHead | null = null;
    let asked: ReturnType<ReadHead> | null = null;
    // One head for all of a message: a batch is answered as of one moment.
    const readOnce: ReadHead = async () => {
      asked ??= readHead();
      const head = await asked;
      if (head.ok) used = head;
      return head;
    };
    const deadlineMs = performance.now() + options.timeoutMs;
    const context = { tags, subscriptions, address, readHead: readOnce, deadlineMs };
    const answerOne = async (call: IncomingCall | NoCall): Promise<string | null> => {
      const answer = call.ok ? await answerCall(call, context) : faultAnswer(call);
      return call.id === null ? null : responseText(call.id, answer);
    };
    if (message.kind === "single") return { text: await answerOne(message.call), head: used };
    admission.charge(address, message.calls.length - 1);
    const texts = await answerBatch(message.calls, answerOne, maxResponseBytes);
    return { text: texts.length === 0 ? null : `[${texts.join(",")}]`, head: used };
  }

  return {
    options,
    pool,
    readHead,
    checkHead,
    async answer(text, context) {
      try {
        return await answerMessage(text, context);
      } catch (error) {
        reportFailure("rpc", error);
        return { text: responseText("null", faultAnswer(fault("internal"))), head: null };
      }
    },
    openCalls: () => open,
    filterCount: () => filters.count(),
    close: () => pool.close(),
  };
}

/** The answers in the order of the calls, of together so many bytes at most. */
async function answerBatch(
  calls: readonly (IncomingCall | NoCall)[],
  answerOne: (call: IncomingCall | NoCall) => Promise<string | null>,
  maxBytes: number,
): Promise<readonly string[]> {
  const answers: (string | null)[] = [];
  let next = 0;
  let size = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < calls.length; at = next++) {
      const call = calls[at];
      if (call === undefined) return;
      const answer = size > maxBytes ? tooLarge(call) : await answerOne(call);
      size += answer?.length ?? 0;
      answers[at] = size > maxBytes ? tooLarge(call) : answer;
    }
  };
  await Promise.all(Array.from({ length: BATCH_WIDTH }, work));
  return answers.filter((answer) => answer !== null);
}

function tooLarge({ id }: IncomingCall | NoCall): string | null {
  return id === null ? null : responseText(id, faultAnswer(fault("response-too-large")));
}

async function within<T>(deadlineMs: number, answer: Promise<T>): Promise<T | RpcFault> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<RpcFault>((resolve) => {
    const leftMs = Math.max(0, deadlineMs - performance.now());
    timer = setTimeout(() => resolve(fault("timeout")), leftMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
