import { type Hex, isConsistentOperatorSet, type OperatorSet, ZERO_HASH } from "@mach/core";
import { Contract, type Provider } from "ethers";
import { REGISTRY_ABI } from "./abi/registry.ts";
import type { ReadSet } from "./evidence-check.ts";
import type { RegistryReader } from "./registry-reader.ts";

/**
 * Reads sets from the registry's own list, and where an endpoint cannot give it (a call for the
 * largest sets takes as much gas as it takes to fix them) from `elsewhere`, whose answer counts only
 * under the registry's hash.
 */
export function createSetReader(
  dependencies: {
    readonly bls: Parameters<typeof isConsistentOperatorSet>[0];
    readonly reader: Pick<RegistryReader, "readOperatorSet">;
    readonly provider: Provider;
    /** A set by whomever; null where it has none. Never rejects. */
    readonly elsewhere: (epoch: bigint) => Promise<OperatorSet | null>;
  },
  options: { readonly registry: Hex },
): ReadSet {
  const { bls, reader, provider, elsewhere } = dependencies;
  const registry = new Contract(options.registry, REGISTRY_ABI, provider);
  return async (epoch) => {
    const read = await reader.readOperatorSet(epoch);
    if (read.ok) return read;
    const operatorSet = await elsewhere(epoch);
    if (operatorSet === null || operatorSet.epoch !== epoch) return read;
    const trusted: unknown = await registry
      .getFunction("operatorSetHash")
      .staticCall(epoch)
      .catch(() => ZERO_HASH);
    const isTrusted =
      trusted !== ZERO_HASH &&
      operatorSet.operatorSetHash === trusted &&
      isConsistentOperatorSet(bls, operatorSet);
    return isTrusted ? { ok: true, operatorSet } : read;
  };
}
