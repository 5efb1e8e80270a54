import { connectL1, type OperatorState, readOperatorState } from "@mach/settlement";
import type { RegistryPlace } from "./operator-place.ts";

const CALL_TIMEOUT_MS = 20_000;

/**
 * Whether as many hosts as the configuration asks for say the same of where stake goes. One
 * endpoint that lies about a vault's address would have an account give its assets away.
 */
export async function confirmState(
  state: OperatorState,
  place: RegistryPlace,
): Promise<
  | { readonly ok: true }
  /** One says another thing, or too few say anything. */
  | { readonly ok: false; readonly code: "sources-disagree" | "too-few-sources" }
> {
  const agreed = new Set([new URL(place.rpcUrl).host]);
  for (const rpcUrl of place.others) {
    const { host } = new URL(rpcUrl);
    if (agreed.size >= place.agree) break;
    if (agreed.has(host)) continue;
    const facts = await readFacts(rpcUrl, state);
    if (facts === null) continue;
    if (facts !== factsOf(state)) return { ok: false, code: "sources-disagree" };
    agreed.add(host);
  }
  return agreed.size >= place.agree ? { ok: true } : { ok: false, code: "too-few-sources" };
}

/** What another endpoint says of the same; null where it says nothing. */
async function readFacts(rpcUrl: string, state: OperatorState): Promise<string | null> {
  const l1 = await connectL1({ rpcUrl, timeoutMs: CALL_TIMEOUT_MS });
  if (l1 === null) return null;
  try {
    const { provider, chainId } = l1;
    const { operator, account, domain } = state;
    const registry = domain.verifyingContract;
    const read = await readOperatorState({ provider, chainId, registry, operator, account });
    if (read.ok) return factsOf(read.state);
    // An endpoint without this registry is one that contradicts, not one that is silent.
    return read.code === "no-registry" ? "" : null;
  } finally {
    l1.close();
  }
}

/** What decides where something is sent. Balances and times differ from head to head. */
function factsOf({ domain, schedule, vaults, pokeable, otherSources }: OperatorState): string {
  const { chainId, verifyingContract } = domain;
  const { genesisTime, epochSeconds } = schedule;
  return [
    ...[chainId, verifyingContract, genesisTime, epochSeconds],
    ...vaults.flatMap(({ vault, asset, decimals }) => [vault, asset, decimals]),
    ...["|", ...pokeable, "|", ...otherSources],
  ].join(" ");
}
