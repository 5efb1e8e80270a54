import { type Domain, type EpochSchedule, epochAt, type Hex, isHex } from "@mach/core";
import { Contract, isError, type Provider } from "ethers";
import { EIGEN_LAYER_SOURCE_ABI } from "./abi/eigen-layer-source.ts";
import { LOCAL_TOKEN_ABI } from "./abi/local-token.ts";
import { REGISTRY_ABI } from "./abi/registry.ts";
import { STAKE_VAULT_ABI } from "./abi/stake-vault.ts";
import { isNoAnswer, toAddress, toArray, toBigInt } from "./contract-answers.ts";
import { readSources } from "./stale-weights.ts";

/** A vault that weighs, with what stands in it behind an operator. Amounts in base units. */
export interface VaultState {
  readonly vault: Hex;
  readonly asset: Hex;
  readonly symbol: string;
  readonly decimals: number;
  readonly assetsPerWeight: bigint;
  /** Seconds between the begin of an exit and the release of its assets. */
  readonly withdrawalDelay: bigint;
  /** What the account has behind the operator. */
  readonly stake: bigint;
  /** What a slash of the operator could take now. */
  readonly slashable: bigint;
  /** What the account has itself. */
  readonly balance: bigint;
  /** What the vault may take of it. */
  readonly allowance: bigint;
}

/** An operator in an epoch whose snapshot is determined; null for one that is not in its set. */
export interface Membership {
  readonly epoch: bigint;
  readonly member: { readonly publicKeyPoint: Hex; readonly weight: bigint } | null;
}

/** What the L1 says of an operator at its newest block. */
export interface OperatorState {
  readonly domain: Domain;
  readonly schedule: EpochSchedule;
  /** Of the newest block, in seconds. */
  readonly time: bigint;
  /** Null before genesisTime. */
  readonly epoch: bigint | null;
  readonly operator: Hex;
  readonly account: Hex;
  /** The account's balance in wei. */
  readonly balance: bigint;
  readonly keyCount: bigint;
  readonly operatorCount: bigint;
  readonly minimumWeight: bigint;
  /** What the operator weighs by the newest block; null where a source does not know it. */
  readonly weight: bigint | null;
  /** Those that count now. */
  readonly vaults: readonly VaultState[];
  /** EigenLayer sources: stake is allocated there, and counts once they are poked. */
  readonly pokeable: readonly Hex[];
  /** Sources of another kind: stake is put there by their own means. */
  readonly otherSources: readonly Hex[];
  /** The epoch that runs, and the next; not those whose weights a source does not know. */
  readonly memberships: readonly Membership[];
}

export type ReadOperatorResult =
  | { readonly ok: true; readonly state: OperatorState }
  /** No contract of this protocol stands there, or the L1 cannot be asked. */
  | { readonly ok: false; readonly code: "no-registry" | "l1-unavailable" };

export interface OperatorQuestion {
  readonly provider: Provider;
  readonly chainId: bigint;
  readonly registry: Hex;
  readonly operator: Hex;
  /** Whose assets and allowances are read. */
  readonly account: Hex;
}

const NO_ANSWER = { ok: false, code: "no-registry" } as const;

/** Reads all of it at the newest block. Never rejects. */
export async function readOperatorState(question: OperatorQuestion): Promise<ReadOperatorResult> {
  try {
    const state = await readState(question);
    return state === null ? NO_ANSWER : { ok: true, state };
  } catch (error) {
    // A RangeError is of `contract-answers.ts`, for what no contract of this protocol answers.
    const isAnswer = isNoAnswer(error) || error instanceof RangeError;
    return isAnswer ? NO_ANSWER : { ok: false, code: "l1-unavailable" };
  }
}

async function readState(question: OperatorQuestion): Promise<OperatorState | null> {
  const { provider, chainId, registry, operator, account } = question;
  const block = await provider.getBlock("latest");
  if (block === null) throw new Error("the L1 has no block");
  const at = { blockTag: block.number };
  const contract = new Contract(registry, REGISTRY_ABI, provider);
  const ask = (view: string, ...args: readonly unknown[]): Promise<unknown> =>
    contract.getFunction(view).staticCall(...args, at);
  const domain = { chainId, verifyingContract: registry };
  if (!isDomain(await ask("eip712Domain"), domain)) return null;
  const schedule = {
    genesisTime: toBigInt(await ask("genesisTime")),
    epochSeconds: toBigInt(await ask("epochSeconds")),
  };
  const time = BigInt(block.timestamp);
  const epoch = epochAt(schedule, time);
  const memberships: Membership[] = [];
  for (const each of epoch === null ? [] : [epoch, epoch + 1n]) {
    const listed = await ask("operatorsAt", each).catch(orNull);
    if (listed !== null) memberships.push(membershipOf(operator, each, listed));
  }
  const weighed = toAddress(await ask("weightSource"));
  const sources = await readSources(contract, provider);
  const vaults: VaultState[] = [];
  const pokeable: Hex[] = [];
  const otherSources: Hex[] = [];
  for (const source of sources) {
    const vault = await readVault({ provider, source, operator, account, at });
    if (vault !== null) vaults.push(vault);
    else if (await isPokeable({ provider, source, at })) pokeable.push(source);
    else otherSources.push(source);
  }
  return {
    ...{ domain, schedule, time, epoch, operator, account, memberships },
    ...{ vaults, pokeable, otherSources },
    balance: await provider.getBalance(account, block.number),
    keyCount: toBigInt(await ask("keyCount", operator)),
    operatorCount: toBigInt(await ask("operatorCount")),
    minimumWeight: toBigInt(await ask("minimumWeight")),
    weight: await readWeight({ provider, source: weighed, at }, operator, time + 1n),
  };
}

interface ReadAt {
  readonly provider: Provider;
  readonly source: Hex;
  readonly at: { readonly blockTag: number };
}

/** Null for a source that is no vault. */
async function readVault(
  question: ReadAt & { readonly operator: Hex; readonly account: Hex },
): Promise<VaultState | null> {
  const { provider, source: vault, operator, account, at } = question;
  const contract = new Contract(vault, STAKE_VAULT_ABI, provider);
  const ask = async (view: string, ...args: readonly unknown[]): Promise<bigint> =>
    toBigInt(await contract.getFunction(view).staticCall(...args, at));
  let asset: Hex;
  try {
    asset = toAddress(await contract.getFunction("asset").staticCall(at));
  } catch (error) {
    if (isNoAnswer(error)) return null;
    throw error;
  }
  const token = new Contract(asset, LOCAL_TOKEN_ABI, provider);
  const askToken = (view: string, ...args: readonly unknown[]): Promise<unknown> =>
    token.getFunction(view).staticCall(...args, at);
  return {
    ...{ vault, asset },
    symbol: toSymbol(await askToken("symbol").catch(orNull)),
    decimals: Number(toBigInt((await askToken("decimals").catch(orNull)) ?? 0n)),
    assetsPerWeight: await ask("assetsPerWeight"),
    withdrawalDelay: await ask("withdrawalDelay"),
    stake: await ask("stakeOf", account, operator),
    slashable: await ask("slashableOf", operator),
    balance: toBigInt(await askToken("balanceOf", account)),
    allowance: toBigInt(await askToken("allowance", account, vault)),
  };
}

async function isPokeable({ provider, source, at }: ReadAt): Promise<boolean> {
  const contract = new Contract(source, EIGEN_LAYER_SOURCE_ABI, provider);
  return (await contract.getFunction("horizon").staticCall(at).catch(orNull)) !== null;
}

async function readWeight(
  { provider, source, at }: ReadAt,
  operator: Hex,
  timestamp: bigint,
): Promise<bigint | null> {
  const contract = new Contract(source, STAKE_VAULT_ABI, provider);
  try {
    return toBigInt(await contract.getFunction("weightAt").staticCall(operator, timestamp, at));
  } catch (error) {
    // A source that cannot tell reverts: an unknown weight is never zero.
    if (isError(error, "CALL_EXCEPTION")) return null;
    throw error;
  }
}

function membershipOf(operator: Hex, epoch: bigint, answer: unknown): Membership {
  const [operators, keys, weights] = toArray(answer).map(toArray);
  const index = operators?.findIndex((each) => String(each).toLowerCase() === operator) ?? -1;
  const [words, weight] = [keys?.[index], weights?.[index]];
  if (words === undefined) return { epoch, member: null };
  const publicKeyPoint = `0x${toArray(words)
    .map((word) => String(word).slice(2))
    .join("")}`;
  if (!isHex(publicKeyPoint, 128)) throw new RangeError("not a key");
  return { epoch, member: { publicKeyPoint, weight: toBigInt(weight) } };
}

/** Whether the answer of eip712Domain (ERC-5267) is this protocol's domain, and this one. */
function isDomain(answer: unknown, domain: Domain): boolean {
  const [, name, version, chainId, verifyingContract] = toArray(answer);
  return (
    name === "MACH" &&
    version === "1" &&
    chainId === domain.chainId &&
    String(verifyingContract).toLowerCase() === domain.verifyingContract
  );
}

/** A name for people, chosen by whoever deployed the asset. */
function toSymbol(value: unknown): string {
  const symbol = typeof value === "string" ? value : "";
  return /^[\x21-\x7e]{1,16}$/.test(symbol) ? symbol : "units";
}

function orNull(error: unknown): null {
  // Not every contract answers every question, and what is not answered is not known.
  if (isNoAnswer(error)) return null;
  throw error;
}
