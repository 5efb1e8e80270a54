import type { FastifyInstance, FastifyReply } from "fastify";
import { type Admission, payForBytes } from "../http/admission.ts";
import { PUBLIC_HEADERS, sendError } from "../http/errors.ts";
import type { ReportFailure } from "../http/failure-report.ts";
import type { NodeView } from "../http/node-view.ts";
import { fault, faultAnswer, type RpcFault, responseText } from "./errors.ts";
import type { FinalHead } from "./final-head.ts";
import { readRpcPlace } from "./place.ts";
import type { RpcProxy } from "./proxy.ts";
import type { MessageAnswer, RollupRpc } from "./rollup-rpc.ts";

const HEADERS = {
  ...PUBLIC_HEADERS,
  "access-control-expose-headers":
    "mach-certificate-id, mach-certificate-age, mach-signed-weight, retry-after",
  "cache-control": "no-store",
  "content-type": "application/json; charset=utf-8",
};

/** Adds `POST /rpc/{rollupId}`, the one route that reads a body. */
export function addRpcRoute(
  app: FastifyInstance,
  dependencies: {
    readonly view: Pick<NodeView, "rollup">;
    readonly proxy: RpcProxy;
    readonly admission: Pick<Admission, "addressOf" | "charge">;
    readonly reportFailure: ReportFailure;
  },
): void {
  const { proxy, admission, reportFailure } = dependencies;
  void app.register((scope, _options, done) => {
    const bodyLimit = Math.max(1, proxy.maxRequestBytes);
    // Whatever it calls itself: a page's simple request may not say that it is JSON.
    scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit }, (_request, body, read) =>
      read(null, body),
    );
    scope.setErrorHandler<Error & { readonly code?: string; readonly statusCode?: number }>(
      (error, _request, reply) => {
        const isLarge = error.code === "FST_ERR_CTP_BODY_TOO_LARGE";
        if (isLarge) return sendFault(reply.code(413), fault("request-too-large"));
        const isClients = (error.statusCode ?? 500) < 500;
        if (!isClients) reportFailure("rpc", error);
        return sendFault(
          reply.code(isClients ? 400 : 500),
          fault(isClients ? "invalid-request" : "internal"),
        );
      },
    );
    scope.post("/rpc/:rollupId", async (request, reply) => {
      const found = await findRollup(dependencies, request.url);
      if (!found.ok) return sendFault(reply.code(found.status), found.fault);
      const { rpc, tags } = found;
      const { maxRequestBytes, timeoutMs } = rpc.options;
      const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
      if (body.length > maxRequestBytes) {
        return sendFault(reply.code(413), fault("request-too-large", { maxRequestBytes }));
      }
      const address = admission.addressOf(request.raw);
      const text = decodeUtf8(body);
      if (text === null) return sendFault(reply, fault("parse-error"));
      // Nodes may take longer than the API's own answers do.
      request.raw.socket.setTimeout(timeoutMs * 2);
      const answer = await rpc.answer(text, { tags, subscriptions: null, address });
      const bytes = answer.text?.length ?? 0;
      const isPaid = payForBytes(admission, { request: request.raw, response: reply.raw, bytes });
      if (!isPaid) return sendFault(reply.code(429), fault("too-many-requests"));
      return sendAnswer(reply, answer);
    });
    done();
  });
}

type Found =
  | { readonly ok: true; readonly rpc: RollupRpc; readonly tags: ReadonlySet<string> }
  | { readonly ok: false; readonly status: number; readonly fault: RpcFault };

async function findRollup(
  { view, proxy }: { readonly view: Pick<NodeView, "rollup">; readonly proxy: RpcProxy },
  url: string,
): Promise<Found> {
  const place = readRpcPlace(url);
  if (place === null) return { ok: false, status: 400, fault: fault("invalid-request") };
  const { rollupId, tags } = place;
  const rpc = proxy.rollup(rollupId);
  if (rpc !== undefined) return { ok: true, rpc, tags };
  const rollup = await view.rollup(rollupId);
  const isKnown = rollup.ok || rollup.code !== "unknown-rollup";
  return { ok: false, status: 404, fault: fault(isKnown ? "not-offered" : "unknown-rollup") };
}

function sendAnswer(reply: FastifyReply, { text, head }: MessageAnswer): FastifyReply {
  reply.headers(HEADERS);
  if (head !== null) reply.headers(certificateHeaders(head));
  return text === null ? reply.code(204).send() : reply.send(text);
}

/** Answers a request whose rollup, and so its RPC, is not there to say anything. */
function sendFault(reply: FastifyReply, cause: RpcFault): FastifyReply {
  return reply.headers(HEADERS).send(responseText("null", faultAnswer(cause)));
}

/** Preflights of pages that call the proxy, and methods that it has not. */
export function refuseRpcMethod(method: string, reply: FastifyReply): FastifyReply {
  reply.header("allow", "POST, OPTIONS");
  if (method !== "OPTIONS") return sendError(reply, "method-not-allowed");
  return reply
    .code(204)
    .headers({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "POST, OPTIONS",
      "access-control-allow-headers": "content-type",
      "access-control-max-age": "86400",
    })
    .send();
}

function certificateHeaders(head: FinalHead): Readonly<Record<string, string>> {
  return {
    "mach-certificate-id": head.certificateId,
    "mach-certificate-age": String(head.certificateAgeMs),
    "mach-signed-weight": String(head.signedWeight),
  };
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Bytes that are no text are no JSON.
    return null;
  }
}
