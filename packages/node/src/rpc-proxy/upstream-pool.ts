import type { RpcFailureCode } from "@mach/rpc";
import type { ReportFailure } from "../http/failure-report.ts";
import { type CallAnswer, fault, type RpcFault } from "./errors.ts";
import {
  type CertifiedBlock,
  type CheckBlock,
  createUpstream,
  judgeBlock,
  type Possession,
  type Upstream,
} from "./upstream.ts";

/** An answer of a node, and the node: what it keeps for a client, such as a filter, only it has. */
export type Passed =
  | {
      readonly ok: true;
      readonly answer: CallAnswer;
      readonly value: unknown;
      readonly from: Upstream;
    }
  | RpcFault;

/** The nodes of a rollup that calls are passed on to, the first that is well before the others. */
export interface UpstreamPool {
  /** A call as it is, to one node after the other until one answers; an error is an answer. */
  pass(method: string, params: string | undefined, only?: Upstream): Promise<Passed>;
  /** The certified block itself, or its header. What comes back has been hashed. */
  readBlock(block: CertifiedBlock, request: BlockRequest): Promise<BlockRead>;
  /** A call about a certified block, to nodes alone that have it. */
  passAbout(block: CertifiedBlock, request: PinnedCall): Promise<Passed>;
  close(): Promise<void>;
}

export type BlockRead =
  | { readonly ok: true; readonly block: Readonly<Record<string, unknown>> }
  | RpcFault;

/** A call whose result is the block that it names by its hash. */
export interface BlockRequest {
  readonly method: string;
  readonly params: string;
}

/** A call that names a certified block. */
export interface PinnedCall {
  readonly by: "hash" | "number";
  readonly method: string;
  readonly params: string;
  /** Whether a result can be one about that block. */
  readonly isSound: (value: unknown) => boolean;
}

export interface UpstreamPoolOptions {
  readonly urls: readonly string[];
  /** Of one call to one node. */
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly maxInFlight: number;
}

type Cause = RpcFailureCode | Exclude<Possession, "has">;

/** Passes calls on to a rollup's nodes. */
export function createUpstreamPool(
  dependencies: { readonly checkBlock: CheckBlock; readonly reportFailure: ReportFailure },
  options: UpstreamPoolOptions,
): UpstreamPool {
  const { urls, ...limits } = options;
  const upstreams = urls.map((url) => createUpstream(dependencies, { url, ...limits }));

  /** A node that has another block than the certified one forks, or lies: somebody should look. */
  function noteCause(cause: Cause, upstream: Upstream, block: CertifiedBlock): Cause {
    if (cause === "mismatch") {
      const what = `${upstream.host} has another block than the certified ${block.hash}`;
      dependencies.reportFailure("rpc-upstream", new Error(what));
    }
    return cause;
  }

  function inOrder(): readonly Upstream[] {
    return upstreams.toSorted((a, b) => Number(a.isResting()) - Number(b.isResting()));
  }

  return {
    async pass(method, params, only) {
      const causes: Cause[] = [];
      for (const upstream of only === undefined ? inOrder() : [only]) {
        const passed = await ask(upstream, { method, params });
        if (typeof passed !== "string") return passed;
        causes.push(passed);
      }
      return explain(causes);
    },

    async readBlock(block, request) {
      const causes: Cause[] = [];
      for (const upstream of inOrder()) {
        const passed = await ask(upstream, request);
        if (typeof passed === "string") {
          causes.push(passed);
          continue;
        }
        if (!passed.ok) return passed;
        const { answer, value } = passed;
        const possession = answer.ok
          ? await judgeBlock(dependencies.checkBlock, value, block)
          : "missing";
        if (possession === "has") {
          return { ok: true, block: value as Readonly<Record<string, unknown>> };
        }
        causes.push(noteCause(possession, upstream, block));
      }
      return explain(causes);
    },

    async passAbout(block, request) {
      const causes: Cause[] = [];
      for (const upstream of inOrder()) {
        const passed = await askAbout(upstream, block, request);
        if (typeof passed !== "string") return passed;
        causes.push(noteCause(passed, upstream, block));
      }
      return explain(causes);
    },

    async close() {
      await Promise.all(upstreams.map((each) => each.close()));
    },
  };
}

async function askAbout(
  upstream: Upstream,
  block: CertifiedBlock,
  request: PinnedCall,
): Promise<Passed | Cause> {
  const knows = await upstream.knows(block);
  if (knows !== "has") return knows;
  const isByNumber = request.by === "number";
  const before = isByNumber ? await upstream.holds(block) : "has";
  if (before !== "has") return before;
  const passed = await ask(upstream, request);
  if (typeof passed === "string" || !passed.ok) return passed;
  // A node that left the certified chain meanwhile has answered from another.
  const after = isByNumber ? await upstream.holds(block) : "has";
  if (after !== "has") return after;
  return passed.answer.ok && !request.isSound(passed.value) ? "mismatch" : passed;
}

async function ask(
  upstream: Upstream,
  request: { readonly method: string; readonly params: string | undefined },
): Promise<Passed | RpcFailureCode> {
  const result = await upstream.call(request.method, request.params);
  if (result.ok) {
    const { value, text } = result;
    return { ok: true, answer: { ok: true, text }, value, from: upstream };
  }
  if (result.code === "rpc-error" && result.text !== undefined) {
    return { ok: true, answer: { ok: false, text: result.text }, value: null, from: upstream };
  }
  // The same answer of another node is as large.
  return result.code === "too-large" ? fault("response-too-large") : result.code;
}

function explain(causes: readonly Cause[]): RpcFault {
  const data = { causes };
  if (causes.includes("mismatch")) return fault("block-mismatch", data);
  if (causes.includes("missing")) return fault("block-unavailable", data);
  const isBusy = causes.length > 0 && causes.every((cause) => cause === "busy");
  return isBusy ? fault("busy") : fault("upstream-unavailable", data);
}
