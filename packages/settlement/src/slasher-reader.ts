import { type Evidence, type Hex, isHex, ZERO_HASH } from "@mach/core";
import { Contract, type Provider } from "ethers";
import { HEADER_WALKS_ABI } from "./abi/header-walks.ts";
import { REGISTRY_ABI } from "./abi/registry.ts";
import { SLASHER_ABI } from "./abi/slasher.ts";
import { STAKE_VAULT_ABI } from "./abi/stake-vault.ts";
import { WEIGHTED_SOURCES_ABI } from "./abi/weighted-sources.ts";
import { isNoAnswer, toAddress, toBigInt } from "./contract-answers.ts";
import { type TransactionFailure, transactionFailure } from "./transaction.ts";

/** What never changes of a Slasher, and whom it convicts for. */
export interface SlasherTerms {
  readonly slasher: Hex;
  readonly chainId: bigint;
  readonly registry: Hex;
  readonly headerWalks: Hex;
  readonly genesisTime: bigint;
  readonly epochSeconds: bigint;
  /** Seconds. */
  readonly challengeWindow: bigint;
  /** Seconds. */
  readonly evidenceWindow: bigint;
  /** Every weight source that counts or ever did. */
  readonly sources: readonly Hex[];
}

/** A conviction that is on record. */
export interface Conviction {
  /** Who brought it first. */
  readonly reporter: Hex;
  /** The fraction that it costs at each source; 1e18 is all. */
  readonly wad: bigint;
  /** What its kind costs from now on. */
  readonly presentWad: bigint;
}

/** A charge that is on record. */
export interface ChargeState {
  readonly isVoid: boolean;
  /** Seconds; null until the headers are proved. */
  readonly provedAt: bigint | null;
  /** From where its headers are walked: the higher block, or one above it on its chain. */
  readonly walkStart: Hex;
  readonly walkNumber: bigint;
}

/** What a source would give if it were slashed now. */
export type SlashPreview =
  | {
      readonly ok: true;
      /** Null where what it takes does not pass through the Slasher, as with EigenLayer. */
      readonly asset: Hex | null;
      /** In base units of the asset. */
      readonly assets: bigint;
    }
  | TransactionFailure;

/** Reads a Slasher at the newest block. Every function rejects where the L1 cannot be asked. */
export interface SlasherReader {
  readTerms(): Promise<SlasherTerms>;
  /** Of the newest block, in seconds. */
  readTime(): Promise<bigint>;
  readConviction(convictionId: Hex): Promise<Conviction | null>;
  readCharge(chargeId: Hex): Promise<ChargeState | null>;
  /** What a conviction of a kind costs from now on; 1e18 is all. */
  readWad(kind: Evidence["kind"]): Promise<bigint>;
  isCollected(convictionId: Hex, source: Hex): Promise<boolean>;
  /** Whether the walk from a block is known down to so many blocks below it. */
  isWalked(headerWalks: Hex, start: Hex, distance: number): Promise<boolean>;
  /** A rollup as it was in an epoch; null where it was not listed. */
  readRollup(
    registry: Hex,
    rollup: { readonly rollupId: bigint; readonly epoch: bigint },
  ): Promise<{ readonly thresholdBps: number; readonly hasSettlement: boolean } | null>;
  /** Asks a source as the Slasher would, and changes nothing. */
  previewSlash(
    source: Hex,
    slash: { readonly operator: Hex; readonly wad: bigint; readonly kind: Evidence["kind"] },
  ): Promise<SlashPreview>;
}

/** In the order of the contract's enum `Kind`; operators sign the last one's evidence on L1 alone. */
const KINDS: readonly string[] = [
  "double-attestation",
  "attestation-against-certificate",
  "conflicting-certificates",
  "false-set-update",
];
const NO_ADDRESS: Hex = `0x${"00".repeat(20)}`;

/** What stands at the address of a Slasher. Never rejects. */
export async function readSlasherTerms(
  provider: Provider,
  slasher: Hex,
): Promise<
  | { readonly ok: true; readonly terms: SlasherTerms }
  /** No contract stands there that answers as a Slasher, or the L1 cannot be asked. */
  | { readonly ok: false; readonly code: "no-slasher" | "l1-unavailable" }
> {
  try {
    return { ok: true, terms: await createSlasherReader(provider, slasher).readTerms() };
  } catch (error) {
    return { ok: false, code: isNoAnswer(error) ? "no-slasher" : "l1-unavailable" };
  }
}

export function createSlasherReader(provider: Provider, slasher: Hex): SlasherReader {
  const contract = new Contract(slasher, SLASHER_ABI, provider);
  const registryAt = (address: Hex): Contract => new Contract(address, REGISTRY_ABI, provider);

  async function readTime(): Promise<bigint> {
    const block = await provider.getBlock("latest");
    if (block === null) throw new RangeError("the L1 has no block");
    return BigInt(block.timestamp);
  }

  async function readSources(registry: Contract): Promise<readonly Hex[]> {
    const source = toAddress(await ask(registry, "weightSource"));
    const weighted = new Contract(source, WEIGHTED_SOURCES_ABI, provider);
    try {
      const list = (await ask(weighted, "sourcesAt", await readTime())) as unknown[][];
      return list.map(([address]) => toAddress(address));
    } catch (error) {
      // A single source weighs by itself, and knows no list.
      if (isNoAnswer(error)) return [source];
      throw error;
    }
  }

  async function readWadAt(kind: number): Promise<bigint> {
    const [wads] = (await ask(contract, "parameters")) as unknown[][];
    return toBigInt(wads?.[kind]);
  }

  return {
    readTime,
    async readTerms() {
      const registry = toAddress(await ask(contract, "registry"));
      const [windows, headerWalks, network, genesisTime, epochSeconds, sources] = await Promise.all(
        [
          ask(contract, "windows"),
          ask(contract, "headerWalks"),
          provider.getNetwork(),
          ask(registryAt(registry), "genesisTime"),
          ask(registryAt(registry), "epochSeconds"),
          readSources(registryAt(registry)),
        ],
      );
      const [, challengeWindow, evidenceWindow] = windows as unknown[];
      return {
        slasher,
        chainId: network.chainId,
        registry,
        headerWalks: toAddress(headerWalks),
        genesisTime: toBigInt(genesisTime),
        epochSeconds: toBigInt(epochSeconds),
        challengeWindow: toBigInt(challengeWindow),
        evidenceWindow: toBigInt(evidenceWindow),
        sources,
      };
    },
    async readConviction(convictionId) {
      const [, time, kind, reporter, wad] = (await ask(
        contract,
        "conviction",
        convictionId,
      )) as unknown[];
      if (toBigInt(time) === 0n) return null;
      const presentWad = await readWadAt(Number(toBigInt(kind)));
      return { reporter: toAddress(reporter), wad: toBigInt(wad), presentWad };
    },
    async readCharge(chargeId) {
      const [charge, isVoid] = (await ask(contract, "charge", chargeId)) as [unknown[], boolean];
      const [lowerDigest, provedAt] = [charge[7], toBigInt(charge[14])];
      if (lowerDigest === ZERO_HASH) return null;
      const [walkStart, walkNumber] = [toHash(charge[11]), toBigInt(charge[12])];
      return { isVoid, provedAt: provedAt === 0n ? null : provedAt, walkStart, walkNumber };
    },
    readWad: (kind) => readWadAt(KINDS.indexOf(kind)),
    async isCollected(convictionId, source) {
      return (await ask(contract, "isCollected", convictionId, source)) === true;
    },
    async isWalked(headerWalks, start, distance) {
      const walks = new Contract(headerWalks, HEADER_WALKS_ABI, provider);
      return (await ask(walks, "checkpoint", start, distance)) !== ZERO_HASH;
    },
    readRollup: (registry, rollup) => readRollup(registryAt(registry), rollup),
    previewSlash: (source, slash) =>
      previewSlash(new Contract(source, STAKE_VAULT_ABI, provider), slash, slasher),
  };
}

async function readRollup(
  registry: Contract,
  { rollupId, epoch }: { readonly rollupId: bigint; readonly epoch: bigint },
): ReturnType<SlasherReader["readRollup"]> {
  try {
    const rollup = (await ask(registry, "rollupAt", rollupId, epoch)) as unknown[];
    const [, , , thresholdBps, , settlement] = rollup;
    const hasSettlement = toAddress(settlement) !== NO_ADDRESS;
    return { thresholdBps: Number(toBigInt(thresholdBps)), hasSettlement };
  } catch (error) {
    if (transactionFailure(error, registry.interface).code === "reverted") return null;
    throw error;
  }
}

async function previewSlash(
  vault: Contract,
  { operator, wad, kind }: Parameters<SlasherReader["previewSlash"]>[1],
  slasher: Hex,
): Promise<SlashPreview> {
  try {
    const slash = vault.getFunction("slash");
    const answer: unknown = await slash.staticCall(operator, wad, kind, { from: slasher });
    const [address, assets] = answer as unknown[];
    const asset = toAddress(address);
    return { ok: true, asset: asset === NO_ADDRESS ? null : asset, assets: toBigInt(assets) };
  } catch (error) {
    return transactionFailure(error, vault.interface);
  }
}

function ask(contract: Contract, view: string, ...args: readonly unknown[]): Promise<unknown> {
  return contract.getFunction(view).staticCall(...args);
}

function toHash(value: unknown): Hex {
  if (typeof value !== "string" || !isHex(value, 32)) throw new RangeError("not a hash");
  return value;
}
