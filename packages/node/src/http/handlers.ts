import {
  type BlockStatusName,
  buildOpenApi,
  type CacheClass,
  certificateRule,
  encodeAlert,
  encodeBadgeRule,
  encodeBlockStatus,
  encodeCertificate,
  encodeEvidence,
  encodeFinality,
  encodeHealth,
  encodeNetwork,
  encodeOperatorSet,
  encodeRollup,
  encodeSetUpdate,
  encodeTransactionStatus,
  type RouteId,
  type RouteShapes,
  renderDocsPage,
} from "@mach/api";
import { type Answer, jsonAnswer, toBody, toJsonBody } from "./answer.ts";
import type { BodyCache } from "./body-cache.ts";
import type {
  Eventual,
  NodeView,
  ServedCertificate,
  ViewFailure,
  ViewResult,
} from "./node-view.ts";
import { createTurnMemo } from "./turn-memo.ts";

/** The routes that answer once; events are a stream and stand beside them. */
export type AnsweredRouteId = Exclude<RouteId, "events">;

export type HandlerResult =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly code: ViewFailure; readonly detail?: string };

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
  const heads = createTurnMemo<bigint, HandlerResult>();
  const openApi = toJsonBody(buildOpenApi(options));
  const docs: Answer = {
    ...jsonAnswer(toBody(renderDocsPage(options)), "settled"),
    contentType: "text/html; charset=utf-8",
  };
  return {
    network: () => after(view.network(), (value) => plain(encodeNetwork(value), "head")),
    rollups: () => after(view.rollups(), (value) => plain(value.map(encodeRollup), "head")),
    rollup: ({ params }) =>
      found(view.rollup(params.rollupId), (value) => plain(encodeRollup(value), "head")),
    finality: ({ params: { rollupId } }) =>
      heads.get(rollupId) ??
      found(view.finality(rollupId), (value) =>
        heads.keep(rollupId, plain(encodeFinality(value), "head")),
      ),
    block: ({ params }) =>
      found(view.block(params.rollupId, params.block), (value) =>
        plain(encodeBlockStatus(value), statusCache(value.status)),
      ),
    transaction: ({ params }) =>
      found(view.transaction(params.rollupId, params.transactionHash), (value) =>
        plain(encodeTransactionStatus(value), statusCache(value.status)),
      ),
    certificates: ({ params, query }) =>
      found(view.certificates(params.rollupId, query), ({ data, next }) =>
        page(data.map(encodeCertificate), next),
      ),
    certificate: ({ params }) =>
      found(view.certificate(params.rollupId, params.blockNumber), (value) =>
        certificateAnswer(cache, value, value.isImproving ? "head" : "settled"),
      ),
    certificateById: ({ params }) => {
      const kept = cache.get(params.certificateId);
      if (kept !== undefined) return { ok: true, answer: jsonAnswer(kept, "immutable") };
      return found(view.certificateById(params.certificateId), (value) =>
        certificateAnswer(cache, value, "immutable"),
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
    evidence: ({ query }) =>
      after(view.evidence(query), ({ data, next }) => page(data.map(encodeEvidence), next)),
    alerts: () => after(view.alerts(), (value) => plain(value.map(encodeAlert), "head")),
    health: () => after(view.health(), (value) => plain(encodeHealth(value), "none")),
    openapi: () => ok(jsonAnswer(openApi, "settled")),
    docs: () => ok(docs),
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

function certificateAnswer(
  cache: BodyCache,
  served: ServedCertificate,
  cacheClass: CacheClass,
): HandlerResult {
  const { certificate } = served;
  let body = cache.get(certificate.certificateId);
  if (body === undefined) {
    const rule = encodeBadgeRule(certificateRule(certificate));
    body = toJsonBody({ data: encodeCertificate(certificate), rule });
    cache.set(certificate.certificateId, body);
  }
  return ok(jsonAnswer(body, cacheClass));
}

function plain(data: object, cache: CacheClass): HandlerResult {
  return ok(jsonAnswer(toJsonBody({ data }), cache));
}

function page(data: readonly object[], next: bigint | null): HandlerResult {
  const body = toJsonBody({ data, next: next?.toString() ?? null });
  return ok(jsonAnswer(body, "head"));
}

function ok(answer: Answer): HandlerResult {
  return { ok: true, answer };
}

function found<T>(
  result: Eventual<ViewResult<T>>,
  answer: (value: T) => HandlerResult,
): Eventual<HandlerResult> {
  return after(result, (each) => (each.ok ? answer(each.value) : each));
}

/** Goes on at once where the value is there: a promise costs each request its turn. */
function after<T>(value: Eventual<T>, next: (value: T) => HandlerResult): Eventual<HandlerResult> {
  return value instanceof Promise ? value.then(next) : next(value);
}
