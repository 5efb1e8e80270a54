import type { Stack } from "@mach/core";
import { createHttpClient, type RpcClient } from "@mach/rpc";
import { type Agreement, agreeOnBlock, type Disagreement, type SourceAnswer } from "./agreement.ts";
import { askChainId, commonChain, type EndpointChain, explainChains } from "./chain-id.ts";
import { type CompletingSource, completeBlock } from "./completion.ts";
import { createNodeCalls, explainFailure } from "./node-calls.ts";
import { toQuantity } from "./rpc-values.ts";
import type { CheckedBlock, StackAdapter } from "./stack.ts";
import { stackOf } from "./stacks.ts";

export interface ReadClaimOptions {
  readonly stack: Stack;
  /** HTTP endpoints; two of one host count as one. */
  readonly urls: readonly string[];
  /** How many hosts must have the block by the same hash. */
  readonly agree: number;
  readonly blockNumber: bigint;
  /** Bound of one RPC call. */
  readonly timeoutMs: number;
}

export type ClaimReading =
  | { readonly ok: true; readonly rollupId: bigint; readonly block: CheckedBlock }
  | Disagreement;

const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;
const MAX_IN_FLIGHT = 16;

/**
 * Reads one block as a follower does: each source's answer is recomputed, `agree` hosts must have
 * it by the same hash, and what its header does not give is asked for by that hash. The sources
 * must be of one chain. Throws a RangeError where `agree` exceeds the number of hosts.
 */
export async function readClaim(options: ReadClaimOptions): Promise<ClaimReading> {
  const { stack, urls, agree, blockNumber, timeoutMs } = options;
  const hosts = new Set(urls.map((url) => new URL(url).host));
  if (!Number.isSafeInteger(agree) || agree < 1 || agree > hosts.size) {
    throw new RangeError("agree must be between 1 and the number of distinct hosts");
  }
  const bounds = { timeoutMs, maxResponseBytes: MAX_RESPONSE_BYTES, maxInFlight: MAX_IN_FLIGHT };
  const clients = urls.map((url) => ({ url, client: createHttpClient({ url, ...bounds }) }));
  try {
    const asked = await Promise.all(
      clients.map(async ({ url, client }) => {
        return { host: new URL(url).host, client, chain: await askChainId(client) };
      }),
    );
    const rollupId = commonChain(asked);
    if (rollupId === null) return explainChains(asked);
    const sources = asked.map((each) => createSource(each, stackOf(stack)));
    const selector = { by: "number", blockNumber, fresh: true } as const;
    const found = await agreeOnBlock(sources, { agree, selector });
    const completed = found.ok ? await complete(found, { stack, sources, agree }) : found;
    return completed.ok ? { ...completed, rollupId } : completed;
  } finally {
    await Promise.all(clients.map(({ client }) => client.close()));
  }
}

function complete(
  { block }: Extract<Agreement, { ok: true }>,
  by: {
    readonly stack: Stack;
    readonly sources: readonly CompletingSource[];
    readonly agree: number;
  },
): Promise<Agreement> {
  const { completion } = stackOf(by.stack);
  return completeBlock(by.sources, { agree: by.agree, block, completion });
}

interface Identified extends EndpointChain {
  readonly client: RpcClient;
}

/** A source that is asked for one block and then closed. */
function createSource(
  { host, client, chain }: Identified,
  adapter: StackAdapter,
): CompletingSource {
  const calls = createNodeCalls((method, params) => client.call(method, params));
  const ask = adapter.completion?.connect(calls.call);
  return {
    host,
    isReady: chain.ok,
    settle: () => undefined,
    async ask(selector): Promise<SourceAnswer> {
      if (!chain.ok) return chain;
      if (selector.by === "hash") return { ok: false, code: "missing" };
      const { blockNumber } = selector;
      const params = [toQuantity(blockNumber), false];
      const result = await client.call("eth_getBlockByNumber", params);
      if (!result.ok) return { ok: false, code: result.code };
      if (result.value === null) return { ok: false, code: "missing" };
      const checked = adapter.checkBlock(result.value);
      if (!checked.ok) return { ok: false, code: checked.code };
      return checked.block.blockNumber === blockNumber
        ? checked
        : { ok: false, code: "wrong-block" };
    },
    async complete(block): Promise<SourceAnswer> {
      if (!chain.ok) return chain;
      if (ask === undefined) return { ok: true, block };
      const answer = await ask(block);
      return answer.ok ? answer : { ok: false, code: explainFailure(answer, calls.lastFailure()) };
    },
  };
}
