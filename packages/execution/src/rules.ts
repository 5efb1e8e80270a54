import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { keccak } from "./keccak.ts";
import { recoverPublicKey } from "./recover.ts";

/** The forks of the OP Stack that this code has the rules of, in their order. */
export const OP_FORKS = ["ecotone", "fjord", "granite", "holocene", "isthmus"] as const;
export type OpFork = (typeof OP_FORKS)[number];

/** The forks of Ethereum that this code has the rules of, in their order. */
export const EVM_FORKS = ["shanghai", "cancun", "prague", "osaka"] as const;
export type EvmFork = (typeof EVM_FORKS)[number];

/** Whose rules a chain's blocks follow; ExecutionRules says what each is. */
export const EXECUTION_PROFILES = ["op", "evm", "anvil-op", "anvil-evm"] as const;

/** When a fork begins, in seconds; a name that is in neither list stops verification from then. */
export interface ForkTime {
  readonly name: string;
  readonly timestamp: bigint;
}

/**
 * How the blocks of a chain are executed. `op`: the OP Stack's rules. `evm`: Ethereum's after the
 * merge. `anvil-evm`: the same as anvil makes it, whose genesis does not commit to its state.
 * `anvil-op`: what anvil makes with `--network optimism`, which has the OP transactions and fees
 * but neither the deposit of L1 attributes nor parameters in extraData.
 */
export interface ExecutionRules {
  readonly profile: (typeof EXECUTION_PROFILES)[number];
  readonly chainId: bigint;
  readonly forks: readonly ForkTime[];
  /** EIP-1559 of blocks whose parent names no parameters; of OP chains. */
  readonly baseFee: BaseFeeParameters;
}

export interface BaseFeeParameters {
  readonly denominator: bigint;
  readonly elasticity: bigint;
}

export const ETHEREUM_BASE_FEE: BaseFeeParameters = { denominator: 8n, elasticity: 2n };

/** The rules at one moment. */
export interface ActiveRules {
  readonly profile: ExecutionRules["profile"];
  readonly chainId: bigint;
  readonly common: Common;
  /** Null on a chain with plain Ethereum rules. */
  readonly opFork: OpFork | null;
  readonly hasRequests: boolean;
  readonly hasHistory: boolean;
  readonly hasBlobFields: boolean;
  readonly baseFee: BaseFeeParameters;
}

const HARDFORK_OF_OP: Readonly<Record<OpFork, EvmFork>> = {
  ecotone: "cancun",
  fjord: "cancun",
  granite: "cancun",
  holocene: "cancun",
  isthmus: "prague",
};
const commons = new Map<string, Common>();

/** The rules of a block by its timestamp; null in a fork whose rules are not here. */
export function rulesAt(rules: ExecutionRules, timestamp: bigint): ActiveRules | null {
  const { profile, chainId, baseFee } = rules;
  // The library has it as a number: beyond 2^53 it would refuse what the chain's users have signed.
  if (chainId > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const begun = rules.forks.filter((fork) => fork.timestamp <= timestamp).map(({ name }) => name);
  const isOp = profile === "op" || profile === "anvil-op";
  const known: readonly string[] = isOp ? OP_FORKS : EVM_FORKS;
  // One unknown fork among them, even an early one, and nothing is known of the rules.
  if (begun.some((name) => !known.includes(name))) return null;
  const opFork = isOp ? (OP_FORKS.findLast(isIn(begun)) ?? null) : null;
  const evmFork = EVM_FORKS.findLast(isIn(begun)) ?? null;
  const hardfork = opFork === null ? evmFork : HARDFORK_OF_OP[opFork];
  if (hardfork === null) return null;
  const common = commonOf(chainId, hardfork);
  const isPrague = hardfork === "prague" || hardfork === "osaka";
  return {
    profile,
    chainId,
    common,
    opFork,
    hasRequests: isPrague,
    hasHistory: isPrague,
    hasBlobFields: hardfork !== "shanghai",
    baseFee,
  };
}

function isIn(names: readonly string[]): (name: string) => boolean {
  return (name) => names.includes(name);
}

/** Whether a fork is the named one of the OP Stack or a later one. */
export function isFrom(opFork: OpFork | null, first: OpFork): boolean {
  return opFork !== null && OP_FORKS.indexOf(opFork) >= OP_FORKS.indexOf(first);
}

/** Bounded by what the configuration names: one for each chain and fork. */
function commonOf(chainId: bigint, hardfork: EvmFork): Common {
  const key = `${chainId} ${hardfork}`;
  const known = commons.get(key);
  if (known !== undefined) return known;
  const chain = { ...Mainnet, name: "rollup", chainId: Number(chainId) };
  const customCrypto = { keccak256: keccak, ecrecover: recoverPublicKey };
  const common = new QuickCommon({ chain, hardfork: Hardfork[FORK_NAMES[hardfork]], customCrypto });
  commons.set(key, common);
  return common;
}

const FORK_NAMES = {
  shanghai: "Shanghai",
  cancun: "Cancun",
  prague: "Prague",
  osaka: "Osaka",
} as const;

/** The library asks several times in each opcode and searches a list each time. */
class QuickCommon extends Common {
  private activated: Set<number> | undefined;
  private activatedAt: string | undefined;

  override isActivatedEIP(eip: number): boolean {
    if (this.activated === undefined || this.activatedAt !== this._hardfork) {
      this.activated = new Set(this._activatedEIPsCache);
      this.activatedAt = this._hardfork;
    }
    return this.activated.has(eip);
  }
}
