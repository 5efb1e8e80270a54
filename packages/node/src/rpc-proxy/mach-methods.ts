import { certificateRule, encodeBadgeRule, encodeCertificate, encodeFinality } from "@mach/api";
import { isHex } from "@mach/core";
import { isTag, parseQuantity } from "@mach/rpc";
import type { NodeView, ServedCertificate, ViewFailure, ViewResult } from "../http/node-view.ts";
import { type CallAnswer, fault, type RpcFault, resultAnswer } from "./errors.ts";
import type { ReadHead } from "./final-head.ts";

type View = Pick<NodeView, "finality" | "certificate" | "certificateById">;

/** What an endpoint can do beside the rollup's own RPC, in the spirit of op_supportedCapabilities. */
const CAPABILITIES: readonly string[] = [
  "fastFinalTagV1",
  "fastFinalFiltersV1",
  "machFinalityV1",
  "machCertificateV1",
];
const ON_WEB_SOCKET: readonly string[] = ["fastFinalHeadsV1", "fastFinalLogsV1"];

/** Whether a method is of this proxy's own namespace, which is never passed on. */
export function isMachMethod(method: string): boolean {
  return method.toLowerCase().startsWith("mach_");
}

/** Answers the methods of this proxy's own namespace. */
export async function answerMachMethod(
  context: {
    readonly view: View;
    readonly rollupId: bigint;
    readonly readHead: ReadHead;
    readonly isWebSocket: boolean;
    readonly tags: ReadonlySet<string>;
  },
  method: string,
  params: readonly unknown[],
): Promise<CallAnswer | RpcFault> {
  const { view, rollupId, tags } = context;
  switch (method) {
    case "mach_supportedCapabilities": {
      const safe = tags.has("safe") ? ["fastFinalSafeTagV1"] : [];
      const pushed = context.isWebSocket ? ON_WEB_SOCKET : [];
      return resultAnswer([...CAPABILITIES, ...safe, ...pushed]);
    }
    case "mach_getFinality": {
      if (params.length > 0) return fault("invalid-params");
      const result = await view.finality(rollupId);
      return result.ok ? resultAnswer(encodeFinality(result.value)) : viewFault(result.code);
    }
    case "mach_getCertificate":
      if (params.length > 1) return fault("invalid-params");
      return await readCertificate(context, params[0]);
    default:
      return fault("method-refused");
  }
}

/** By a height, by its id, or the one behind the newest fast-final block. */
async function readCertificate(
  context: {
    readonly view: View;
    readonly rollupId: bigint;
    readonly readHead: ReadHead;
    readonly tags: ReadonlySet<string>;
  },
  key: unknown,
): Promise<CallAnswer | RpcFault> {
  const { view, rollupId } = context;
  if (key === undefined || isTag(key, context.tags)) {
    const head = await context.readHead();
    if (!head.ok) return head;
    return certificateAnswer(await view.certificate(rollupId, head.number), rollupId);
  }
  if (typeof key === "string" && isHex(key.toLowerCase(), 32)) {
    const certificateId = key.toLowerCase() as `0x${string}`;
    return certificateAnswer(await view.certificateById(certificateId), rollupId);
  }
  const height = parseQuantity(key);
  if (height === null) return fault("invalid-params");
  return certificateAnswer(await view.certificate(rollupId, height), rollupId);
}

function certificateAnswer(
  result: ViewResult<ServedCertificate>,
  rollupId: bigint,
): CallAnswer | RpcFault {
  if (!result.ok) return viewFault(result.code);
  const { certificate, isImproving } = result.value;
  if (certificate.claim.rollupId !== rollupId) return fault("unknown-certificate");
  const rule = encodeBadgeRule(certificateRule(certificate));
  return resultAnswer({ certificate: encodeCertificate(certificate), rule, isImproving });
}

function viewFault(code: ViewFailure): RpcFault {
  switch (code) {
    case "unknown-rollup":
    case "contradicted":
    case "not-yet":
    case "unavailable":
    case "unknown-certificate":
      return fault(code);
    case "stale":
      return fault("unavailable");
    default:
      return fault("unknown-certificate", { reason: code });
  }
}
