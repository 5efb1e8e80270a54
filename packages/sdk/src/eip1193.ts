import { createFinalizedTag, type FinalizedTagOptions, type RpcRequest } from "./finalized-tag.ts";

/** What wallets and libraries send requests through (EIP-1193, request). */
export interface Eip1193Requester {
  request(request: RpcRequest): Promise<unknown>;
}

/**
 * A provider over another one in which the tag `finalized` is the verified fast-final block. Only
 * `request` is there: a subscription is the other provider's own.
 */
export function createMachEip1193(
  provider: Eip1193Requester,
  options: FinalizedTagOptions,
): Eip1193Requester {
  return { request: createFinalizedTag((request) => provider.request(request), options) };
}

export type { FinalizedTagOptions, RpcRequest };
