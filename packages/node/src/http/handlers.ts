import {
  type BlockStatusName,
  type CacheClass,
  encodeAlert,
  encodeBlockStatus,
  encodeCertificate,
  encodeEvidence,
  encodeFinality,
  encodeHealth,
  encodeNetwork,
  encodeOperatorReport,
  encodeOperatorSet,
  encodeOperatorSummary,
  encodeRollup,
  encodeSetUpdate,
  encodeTransactionStatus,
  isAsking,
  type RouteId,
  type RouteShapes,
} from "@mach/api";
import { type Answer, jsonAnswer, toJsonBody } from "./answer.ts";
import type { BodyCache } from "./body-cache.ts";
import { createCertificateAnswer, formatAnswer, keyOf } from "./certificate-answer.ts";
import { demandOf, isAccepted, refuseFinality, refuseStatus } from "./demand.ts";
import type { Eventual, NodeView, ViewFailure, ViewResult } from "./node-view.ts";
import { describeSelf } from "./self-description.ts";

/** The routes that answer once; a stream of events and a batch of others stand beside them. */
export type AnsweredRouteId = Exclude<RouteId, "events" | "batch">;

export type HandlerResult =
  | { readonly ok: true; readonly answer: Answer }
  | {
      readonly ok: false;
      readonly code: ViewFailure | "malformed" | "too-many-waits";
      readonly detail?: string;
    };

/** Answers one route from its parsed params and query. */
export type Handler<Id extends AnsweredRouteId> = (
  input: Pick<RouteShapes[Id], "params" | "query">,
) => Eventual<HandlerResult>;

export type Handlers = { readonly [Id in AnsweredRouteId]: Handler<Id> };

/** What each route answers, read from the node's view. */
export function createHandlers(
  dependencies: { readonly view: NodeView; readonly cache: BodyCache },
  options: { readonly software: string },
): Handlers {
  const { view, cache } = dependencies;
  const toCertificateAnswer = createCertificateAnswer({ view, cache });
  const { openApi, docs } = describeSelf(options.software);
  return {
    network: () => after(view.network(), (value) => plain(encodeNetwork(value), "head")),
    rollups: () => after(view.rollups(), (value) => plain(value.map(encodeRollup), "head")),
    rollup: ({ params }) =>
      found(view.rollup(params.rollupId), (value) => plain(encodeRollup(value), "head")),
    ...createStatusHandlers(view),
    certificates: ({ params, query }) =>
      found(view.certificates(params.rollupId, query), ({ data, next }) => {
        const { policy } = demandOf(query);
        const met = data.filter((each) => policy === undefined || isAccepted(policy, each));
        return page(met.map(encodeCertificate), next?.toString() ?? null);
      }),
    certificate: ({ params, query }) =>
      found(view.certificate(params.rollupId, params.blockNumber), (value) =>
        toCertificateAnswer(value, query, value.isImproving ? "head" : "settled"),
      ),
    certificateById: ({ params, query }) => {
      const { format = "json" } = query;
      // What the policy asks for is not known of kept bytes.
      const kept = isAsking(query) ? undefined : cache.get(keyOf(params.certificateId, format));
      if (kept !== undefined) return ok(formatAnswer(kept, format, "immutable"));
      return found(view.certificateById(params.certificateId), (value) =>
        toCertificateAnswer(value, query, "immutable"),
      );
    },
    operatorSet: ({ params }) =>
      found(view.operatorSet(params.epoch), (value) => {
        const key = `${value.epoch}:${value.operatorSetHash}`;
        const kept = cache.get(key) ?? toJsonBody({ data: encodeOperatorSet(value) });
        cache.set(key, kept);
        return ok(jsonAnswer(kept, params.epoch === "current" ? "head" : "settled"));
      }),
    setUpdate: ({ params }) =>
      found(view.setUpdate(params.epoch), ({ update, isImproving }) => {
        const isSettled = params.epoch !== "current" && !isImproving;
        return plain(encodeSetUpdate(update), isSettled ? "settled" : "head");
      }),
    operators: ({ query }) =>
      found(view.operators(query.epoch ?? "current"), (value) =>
        plain(value.map(encodeOperatorSummary), "head"),
      ),
    operator: ({ params, query }) =>
      found(view.operator(params.operator, query), ({ report, next }) => {
        const body = { data: encodeOperatorReport(report), next: next?.toString() ?? null };
        return ok(jsonAnswer(toJsonBody(body), "head"));
      }),
    evidence: ({ query }) =>
      after(view.evidence(query), ({ data, next }) =>
        page(data.map(encodeEvidence), next?.toString() ?? null),
      ),
    alerts: ({ query }) =>
      after(view.alerts(), (all) => {
        const { from, limit } = query;
        const first = from === undefined ? 0 : all.findIndex((each) => each.alertId === from);
        const data = first < 0 ? [] : all.slice(first, first + limit);
        const next = first < 0 ? undefined : all[first + limit];
        return page(data.map(encodeAlert), next?.alertId ?? null);
      }),
    health: () => after(view.health(), (value) => plain(encodeHealth(value), "none")),
    openapi: () => ok(jsonAnswer(openApi, "settled")),
    docs: () => ok({ ...jsonAnswer(docs, "settled"), contentType: "text/html; charset=utf-8" }),
  };
}

/** What is asked with a policy, and waited for: with either an answer is a yes, or none. */
function createStatusHandlers(
  view: NodeView,
): Pick<Handlers, "finality" | "block" | "transaction"> {
  return {
    finality: ({ params, query }) => {
      const demand = demandOf(query);
      return found(
        view.finality(params.rollupId, demand.policy),
        (value) =>
          refuseFinality(demand, value, query.minBlockNumber) ??
          plain(encodeFinality(value), "head"),
      );
    },
    block: ({ params, query }) => {
      const demand = demandOf(query);
      return found(
        view.block(params.rollupId, params.block, demand.policy),
        (value) =>
          refuseStatus(demand, value) ?? plain(encodeBlockStatus(value), statusCache(value.status)),
      );
    },
    transaction: ({ params, query }) => {
      const demand = demandOf(query);
      return found(
        view.transaction(params.rollupId, params.transactionHash, demand.policy),
        (value) =>
          refuseStatus(demand, value) ??
          plain(encodeTransactionStatus(value), statusCache(value.status)),
      );
    },
  };
}

/** A status that will change is asked for again each time; what is final may be kept a second. */
function statusCache(status: BlockStatusName): CacheClass {
  switch (status) {
    case "unknown":
    case "observed":
    case "attested":
      return "none";
    case "fast-final":
    case "safe":
    case "finalized":
    case "contradicted":
      return "head";
  }
}

function plain(data: object, cache: CacheClass): HandlerResult {
  return ok(jsonAnswer(toJsonBody({ data }), cache));
}

function page(data: readonly object[], next: string | null): HandlerResult {
  const body = toJsonBody({ data, next });
  return ok(jsonAnswer(body, "head"));
}

function ok(answer: Answer): HandlerResult {
  return { ok: true, answer };
}

function found<T>(
  result: Eventual<ViewResult<T>>,
  answer: (value: T) => Eventual<HandlerResult>,
): Eventual<HandlerResult> {
  return after(result, (each) => (each.ok ? answer(each.value) : each));
}

/** Goes on at once where the value is there: a promise costs each request its turn. */
function after<T>(
  value: Eventual<T>,
  next: (value: T) => Eventual<HandlerResult>,
): Eventual<HandlerResult> {
  return value instanceof Promise ? value.then(next) : next(value);
}
