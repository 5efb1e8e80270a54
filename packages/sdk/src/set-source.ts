import type { Client, ClientResult } from "@mach/api";
import {
  type Bls,
  type Hex,
  isConsistentOperatorSet,
  isSameDomain,
  type OperatorSet,
  type SetUpdate,
  verifySetUpdate,
} from "@mach/core";
import { askAll, type Endpoint } from "./endpoints.ts";
import type { CheckedNetwork } from "./network.ts";
import type { SetAnswer, SetFailure } from "./trust.ts";

/** Reads sets and updates from endpoints that nobody has to trust. */
export interface SetSource {
  /** The preimage of a hash that is trusted already: one endpoint that has it is enough. */
  fetchSet(epoch: bigint, trusted: Hex): Promise<SetAnswer<OperatorSet>>;
  /** The update into the epoch after a trusted set's. */
  fetchUpdate(signedBy: OperatorSet): Promise<SetAnswer<SetUpdate>>;
}

type Fetched<T> = { readonly value: T | null; readonly code: SetFailure };

/** Every answer is checked here; one honest endpoint is enough. Never rejects. */
export function createSetSource(
  dependencies: { readonly bls: Bls; readonly endpoints: readonly Endpoint[] },
  options: { readonly network: CheckedNetwork; readonly compareMs: number },
): SetSource {
  const { bls, endpoints } = dependencies;
  const { network, compareMs } = options;

  async function fetchAny<Id extends "operatorSet" | "setUpdate", T>(
    ask: (client: Client) => Promise<ClientResult<Id>>,
    read: (result: ClientResult<Id>) => Fetched<T>,
    patienceMs: number,
  ): Promise<readonly Fetched<T>[]> {
    return await askAll<Id, Fetched<T>>(endpoints, {
      ask,
      judge: (result) => Promise.resolve(read(result)),
      isDecisive: ({ value }) => value !== null,
      compareMs: patienceMs,
    });
  }

  /** The preimage of a hash that is trusted already: one endpoint that has it is enough. */
  async function fetchSet(epoch: bigint, trusted: Hex): Promise<SetAnswer<OperatorSet>> {
    const found = await fetchAny<"operatorSet", OperatorSet>(
      (client) => client.get("operatorSet", { epoch }),
      (result) => {
        if (!result.ok) return { value: null, code: "no-set" };
        const { data } = result.answer;
        const isTrusted =
          data.epoch === epoch &&
          data.operatorSetHash === trusted &&
          isConsistentOperatorSet(bls, data);
        return { value: isTrusted ? data : null, code: "inconsistent-set" };
      },
      // Its hash says all: nothing is compared.
      0,
    );
    return firstOf(found);
  }

  async function fetchUpdate(signedBy: OperatorSet): Promise<SetAnswer<SetUpdate>> {
    const epoch = signedBy.epoch + 1n;
    const found = await fetchAny<"setUpdate", SetUpdate>(
      (client) => client.get("setUpdate", { epoch }),
      (result) => {
        if (!result.ok) return { value: null, code: "no-set" };
        const { data } = result.answer;
        const isOurs = isSameDomain(data.domain, network.domain);
        if (!isOurs) return { value: null, code: "other-network" };
        const isValid = data.epoch === epoch && verifySetUpdate(bls, data, signedBy).ok;
        return { value: isValid ? data : null, code: "forged-update" };
      },
      compareMs,
    );
    const hashes = found.flatMap(({ value }) => (value === null ? [] : [value.operatorSetHash]));
    if (new Set(hashes).size > 1) return { ok: false, code: "conflicting-updates" };
    return firstOf(found);
  }

  return { fetchSet, fetchUpdate };
}

/** The first good one; without any, the gravest of what was wrong. */
function firstOf<T>(found: readonly Fetched<T>[]): SetAnswer<T> {
  for (const { value } of found) if (value !== null) return { ok: true, value };
  const fault = found.find(({ code }) => code !== "no-set");
  return { ok: false, code: fault?.code ?? "no-set" };
}
