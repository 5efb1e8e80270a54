import { isObject, mentionsTag } from "@mach/rpc";
import type { NodeView } from "../http/node-view.ts";
import { type CallAnswer, fault, type RpcFault } from "./errors.ts";
import { type FilterBook, isAboutFilter } from "./filter-book.ts";
import { callFinal } from "./final-calls.ts";
import type { Poll } from "./final-filter.ts";
import { answerMachMethod, isMachMethod } from "./mach-methods.ts";
import type { IncomingCall } from "./message.ts";
import { isRefused } from "./refused-methods.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** How a message came. */
export interface MessageContext {
  /** The tags that mean the newest fast-final block. */
  readonly tags: ReadonlySet<string>;
  /** Opens and ends subscriptions; null where nothing can be pushed. */
  readonly subscriptions: SubscriptionDesk | null;
  /** The client's address, as far as it can be trusted. */
  readonly address: string;
}

export interface SubscriptionDesk {
  subscribe(params: readonly unknown[], poll: Poll): Promise<CallAnswer | RpcFault>;
  unsubscribe(params: readonly unknown[]): CallAnswer | RpcFault;
}

/** What a call is answered with. */
export interface CallContext extends MessageContext, Poll {}

export type Router = (call: IncomingCall, context: CallContext) => Promise<CallAnswer | RpcFault>;

/** Decides who answers a call: the proxy itself, or a node, and as of which block. */
export function createRouter(dependencies: {
  readonly view: Pick<NodeView, "finality" | "certificate" | "certificateById">;
  readonly pool: UpstreamPool;
  readonly filters: FilterBook;
  readonly rollupId: bigint;
}): Router {
  const { view, pool, filters, rollupId } = dependencies;

  async function passOn(
    call: IncomingCall,
    params: readonly unknown[],
    context: CallContext,
  ): Promise<CallAnswer | RpcFault> {
    const { method, paramsText } = call;
    const { tags } = context;
    if (isAboutFilter(method)) {
      return await filters.answer({ ...context, method, params, paramsText });
    }
    if (!mentionsTag(call.params, tags)) {
      const passed = await pool.pass(method, paramsText);
      return passed.ok ? passed.answer : passed;
    }
    if (isObject(call.params)) return fault("unsupported-tag", { method });
    const head = await context.readHead();
    return head.ok ? await callFinal(pool, head, { method, params, tags }) : head;
  }

  return async (call, context) => {
    const { method } = call;
    if (isRefused(method)) return fault("method-refused", { method: method.slice(0, 64) });
    const params = Array.isArray(call.params) ? call.params : [];
    const { tags, readHead, subscriptions } = context;
    if (isMachMethod(method)) {
      if (isObject(call.params)) return fault("invalid-params");
      const isWebSocket = subscriptions !== null;
      return await answerMachMethod(
        { view, rollupId, readHead, isWebSocket, tags },
        method,
        params,
      );
    }
    switch (method) {
      case "eth_subscribe":
        return subscriptions?.subscribe(params, context) ?? fault("web-socket-only");
      case "eth_unsubscribe":
        return subscriptions?.unsubscribe(params) ?? fault("web-socket-only");
      default:
        return await passOn(call, params, context);
    }
  };
}
