import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { toHex } from "@mach/core";
import { mentionsTag, rewriteTags } from "@mach/rpc";
import { createAddressCounts } from "../http/address-counts.ts";
import { type CallAnswer, fault, type RpcFault, resultAnswer } from "./errors.ts";
import { createFinalFilter, type FinalFilter, type Poll } from "./final-filter.ts";
import type { CheckHead } from "./final-head.ts";
import { endsWithFinal, readFinalFilter } from "./log-range.ts";
import type { Upstream } from "./upstream.ts";
import type { Passed, UpstreamPool } from "./upstream-pool.ts";

/** A call about a filter. */
export interface FilterCall extends Poll {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly paramsText: string | undefined;
  readonly tags: ReadonlySet<string>;
  /** The client's. */
  readonly address: string;
}

/** The filters that clients poll. */
export interface FilterBook {
  answer(call: FilterCall): Promise<CallAnswer | RpcFault>;
  count(): number;
}

type Filter = NodeFilter | { readonly kind: "final"; readonly filter: FinalFilter };
type Kept = Filter & { usedAtMs: number; readonly address: string };

/** Kept by a node, under an id that only that node knows. */
interface NodeFilter {
  readonly kind: "node";
  readonly upstream: Upstream;
  readonly id: string;
}

const NEW: ReadonlySet<string> = new Set([
  "eth_newBlockFilter",
  "eth_newFilter",
  "eth_newPendingTransactionFilter",
]);
const USE: ReadonlySet<string> = new Set([
  "eth_getFilterChanges",
  "eth_getFilterLogs",
  "eth_uninstallFilter",
]);
/** Far longer than any node's. */
const MAX_ID_LENGTH = 256;
/** As long as geth keeps a filter that nobody asks for. */
const IDLE_MS = 300_000;

/** Whether a method is about a filter. */
export function isAboutFilter(method: string): boolean {
  return NEW.has(method) || USE.has(method);
}

/**
 * Gives filters ids of its own, because those of two nodes may be the same, and remembers which
 * node has each. One that ends with the newest fast-final block is kept here.
 */
export function createFilterBook(
  dependencies: { readonly pool: UpstreamPool; readonly checkHead: CheckHead },
  options: { readonly maxFilters: number; readonly maxFiltersPerAddress: number },
): FilterBook {
  const { pool } = dependencies;
  const filters = new Map<string, Kept>();
  const perAddress = createAddressCounts(options.maxFiltersPerAddress);

  function keep(filter: Filter, address: string): CallAnswer {
    const id = toHex(randomBytes(16));
    filters.set(id, { ...filter, address, usedAtMs: performance.now() });
    perAddress.add(address);
    return resultAnswer(id);
  }

  function forget(id: string, { address }: Kept): void {
    if (filters.delete(id)) perAddress.remove(address);
  }

  function isFull(address: string): boolean {
    return filters.size >= options.maxFilters || !perAddress.hasRoom(address);
  }

  function hasRoom(address: string): boolean {
    if (!isFull(address)) return true;
    const oldestMs = performance.now() - IDLE_MS;
    for (const [id, filter] of filters) if (filter.usedAtMs < oldestMs) forget(id, filter);
    return !isFull(address);
  }

  async function create(call: FilterCall): Promise<CallAnswer | RpcFault> {
    const { method, params, tags, address } = call;
    if (!hasRoom(address)) return fault("too-many-filters");
    if (method === "eth_newFilter" && endsWithFinal(params[0], tags)) {
      const head = await call.readHead();
      if (!head.ok) return head;
      const logs = readFinalFilter(params[0], { tags, head });
      if (!logs.ok) return logs;
      return keep({ kind: "final", filter: createFinalFilter(dependencies, logs, head) }, address);
    }
    const passed = mentionsTag(params, tags)
      ? await createFromHead(call)
      : await pool.pass(method, call.paramsText);
    if (!passed.ok) return passed;
    if (!passed.answer.ok) return passed.answer;
    const id = passed.value;
    if (typeof id !== "string" || id.length > MAX_ID_LENGTH) {
      return fault("upstream-unavailable", { causes: ["malformed"] });
    }
    return keep({ kind: "node", upstream: passed.from, id }, address);
  }

  /** Where it begins is fixed when it is made, and so may stand in a node's filter. */
  async function createFromHead(call: FilterCall): Promise<Passed> {
    const { method, params, tags } = call;
    const head = await call.readHead();
    if (!head.ok) return head;
    const rewriting = rewriteTags({ method, params }, { tags, block: head });
    if (rewriting.kind !== "by-number") return fault("unsupported-tag", { method });
    const pinned = JSON.stringify(rewriting.request.params);
    const isSound = (): boolean => true;
    return await pool.passAbout(head, { by: "number", method, params: pinned, isSound });
  }

  async function use(call: FilterCall): Promise<CallAnswer | RpcFault> {
    const [id] = call.params;
    const filter = typeof id === "string" ? filters.get(id.toLowerCase()) : undefined;
    const isRemoval = call.method === "eth_uninstallFilter";
    if (filter === undefined) return isRemoval ? resultAnswer(false) : fault("filter-not-found");
    filter.usedAtMs = performance.now();
    if (isRemoval) forget(String(id).toLowerCase(), filter);
    if (filter.kind === "node") {
      const params = JSON.stringify([filter.id]);
      const passed = await pool.pass(call.method, params, filter.upstream);
      return passed.ok ? passed.answer : passed;
    }
    if (isRemoval) return resultAnswer(true);
    const isAll = call.method === "eth_getFilterLogs";
    return await (isAll ? filter.filter.all(call) : filter.filter.changes(call));
  }

  return {
    async answer(call) {
      if (!NEW.has(call.method)) return await use(call);
      return await create(call);
    },
    count: () => filters.size,
  };
}
