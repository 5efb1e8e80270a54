import {
  type CacheClass,
  type CertificateCalldata,
  type CertificateFormat,
  type CertificatePolicy,
  certificateRule,
  encodeBadgeRule,
  encodeCertificate,
  encodeCompactCertificate,
} from "@mach/api";
import type { Hex } from "@mach/core";
import {
  type Answer,
  type Body,
  bytesAnswer,
  jsonAnswer,
  toBytesBody,
  toJsonBody,
} from "./answer.ts";
import type { BodyCache } from "./body-cache.ts";
import { demandOf, refuseCertificate } from "./demand.ts";
import type { HandlerResult } from "./handlers.ts";
import type { Eventual, NodeView, ServedCertificate, ViewResult } from "./node-view.ts";

/** A certificate in the form that is asked for; each form of each is encoded once. */
export function createCertificateAnswer({
  view,
  cache,
}: {
  readonly view: NodeView;
  readonly cache: BodyCache;
}): (
  served: ServedCertificate,
  query: CertificatePolicy & { readonly format: CertificateFormat | undefined },
  cacheClass: CacheClass,
) => Eventual<HandlerResult> {
  return ({ certificate }, query, cacheClass) => {
    const refusal = refuseCertificate(demandOf(query).policy, certificate);
    if (refusal !== null) return refusal;
    const { format = "json" } = query;
    const key = keyOf(certificate.certificateId, format);
    const answer = (body: Body): HandlerResult => {
      cache.set(key, body);
      return { ok: true, answer: formatAnswer(body, format, cacheClass) };
    };
    const kept = cache.get(key);
    if (kept !== undefined) return { ok: true, answer: formatAnswer(kept, format, cacheClass) };
    switch (format) {
      case "json": {
        const rule = encodeBadgeRule(certificateRule(certificate));
        return answer(toJsonBody({ data: encodeCertificate(certificate), rule }));
      }
      case "compact":
        return answer(toBytesBody(encodeCompactCertificate(certificate)));
      case "calldata":
        return toCalldata(view.calldata(certificate), answer);
    }
  };
}

/** The key of kept bytes: a certificate in one form. */
export function keyOf(certificateId: Hex, format: CertificateFormat): string {
  // Most ask for JSON: their key is not put together for each request.
  return format === "json" ? certificateId : `${certificateId}/${format}`;
}

/** The bytes of a certificate in one form as an answer. */
export function formatAnswer(body: Body, format: CertificateFormat, cache: CacheClass): Answer {
  const { cacheControl, contentType } =
    format === "compact" ? bytesAnswer(body, cache) : jsonAnswer(body, cache);
  return { body, cacheControl, contentType, vary: "accept" };
}

async function toCalldata(
  calldata: Eventual<ViewResult<CertificateCalldata>>,
  answer: (body: Body) => HandlerResult,
): Promise<HandlerResult> {
  const result = await calldata;
  return result.ok ? answer(toJsonBody({ data: result.value })) : result;
}
