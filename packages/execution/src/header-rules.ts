import { Hardfork } from "@ethereumjs/common";
import { fromHex, type Hex } from "@mach/core";
import type { Header } from "@mach/rollups/header";
import type { BlockAttributes } from "./block-input.ts";
import { type ActiveRules, type BaseFeeParameters, ETHEREUM_BASE_FEE, isFrom } from "./rules.ts";
import type { InvalidVerdict } from "./verdict.ts";

export const EMPTY_UNCLES_HASH: Hex =
  "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
export const EMPTY_TRIE_ROOT: Hex =
  "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
const HOLOCENE_EXTRA_BYTES = 9;
const BLOB_GAS = 131_072n;
const MIN_GAS_LIMIT = 5_000n;
const GAS_LIMIT_BOUND = 1_024n;
const MAX_GAS_LIMIT = 2n ** 63n - 1n;
const MAX_EXTRA_BYTES = 32;

/** What execution computes of a header. */
export interface ComputedFields {
  readonly stateRoot: Hex;
  readonly transactionsRoot: Hex;
  readonly receiptsRoot: Hex;
  readonly logsBloom: Hex;
  readonly gasUsed: bigint;
  readonly baseFeePerGas: bigint;
  readonly withdrawalsRoot: Hex;
  readonly blobGasUsed: bigint;
  readonly excessBlobGas: bigint;
  readonly requestsHash: Hex;
}

/** The header of a block after the merge (EIP-3675), with the fields of its fork. */
export function buildHeader(
  computed: ComputedFields,
  from: {
    readonly attributes: BlockAttributes;
    readonly parentHash: Hex;
    readonly number: bigint;
    readonly rules: ActiveRules;
  },
): Header {
  const { attributes, parentHash, number, rules } = from;
  const { hasBlobFields, hasRequests } = rules;
  return {
    parentHash,
    sha3Uncles: EMPTY_UNCLES_HASH,
    miner: attributes.feeRecipient,
    stateRoot: computed.stateRoot,
    transactionsRoot: computed.transactionsRoot,
    receiptsRoot: computed.receiptsRoot,
    logsBloom: computed.logsBloom,
    difficulty: 0n,
    number,
    gasLimit: attributes.gasLimit,
    gasUsed: computed.gasUsed,
    timestamp: attributes.timestamp,
    extraData: attributes.extraData,
    mixHash: attributes.prevRandao,
    nonce: "0x0000000000000000",
    baseFeePerGas: computed.baseFeePerGas,
    withdrawalsRoot: computed.withdrawalsRoot,
    blobGasUsed: hasBlobFields ? computed.blobGasUsed : null,
    excessBlobGas: hasBlobFields ? computed.excessBlobGas : null,
    parentBeaconBlockRoot: hasBlobFields ? attributes.parentBeaconBlockRoot : null,
    requestsHash: hasRequests ? computed.requestsHash : null,
  };
}

/** Whether a header ends where headers of these rules end. */
export function hasLayoutOf(header: Header, rules: ActiveRules): boolean {
  const hasBlobFields = header.parentBeaconBlockRoot !== null;
  const hasRequests = header.requestsHash !== null;
  if (header.withdrawalsRoot === null) return false;
  return hasBlobFields === rules.hasBlobFields && hasRequests === rules.hasRequests;
}

/** Whether extraData is what blocks of this fork carry; one of another fork has other rules. */
export function hasExtraDataOf(extraData: Hex, { profile, opFork }: ActiveRules): boolean {
  if (profile !== "op") return true;
  if (!isFrom(opFork, "holocene")) return extraData === "0x";
  const isHolocene = extraData.length === 2 + 2 * HOLOCENE_EXTRA_BYTES;
  // No block of the chain has a denominator of zero: none could follow it (specs, Holocene).
  return isHolocene && extraData.startsWith("0x00") && !extraData.startsWith("0x0000000000");
}

/**
 * What Ethereum's consensus forbids in what a block is made from, whatever its execution gives: a
 * gas limit that moves too far from the parent's (Yellow Paper section 4.4.4), and extra data of
 * more than 32 bytes. Null on chains whose sequencer may choose them.
 */
export function brokenRule(
  { gasLimit, extraData }: BlockAttributes,
  parent: Header,
  { profile }: ActiveRules,
): InvalidVerdict | null {
  if (profile !== "evm") return null;
  const bound = parent.gasLimit / GAS_LIMIT_BOUND;
  const lowest = parent.gasLimit - bound + 1n;
  const least = lowest > MIN_GAS_LIMIT ? lowest : MIN_GAS_LIMIT;
  const highest = parent.gasLimit + bound - 1n;
  const most = highest < MAX_GAS_LIMIT ? highest : MAX_GAS_LIMIT;
  const isNear = gasLimit === parent.gasLimit || (gasLimit >= least && gasLimit <= most);
  if (!isNear) {
    const expected = `${least} to ${most}`;
    return { outcome: "invalid", field: "gasLimit", expected, got: `${gasLimit}` };
  }
  if (extraData.length <= 2 + 2 * MAX_EXTRA_BYTES) return null;
  const expected = `at most ${MAX_EXTRA_BYTES} bytes`;
  return { outcome: "invalid", field: "extraData", expected, got: extraData };
}

/** The most blob gas that a block may use: EIP-4844, and EIP-7691 from Prague on. */
export function maxBlobGas({ common }: ActiveRules): bigint {
  return BLOB_GAS * (common.hardfork() === Hardfork.Cancun ? 6n : 9n);
}

/**
 * The base fee that follows from the parent (EIP-1559), with the parameters that the parent's
 * extraData names since Holocene. Null where the parent has none, or parameters of zero.
 */
export function nextBaseFee(parent: Header, rules: ActiveRules): bigint | null {
  const { baseFeePerGas: baseFee, gasUsed } = parent;
  const parameters = parametersOf(parent, rules);
  if (baseFee === null || parameters === null) return null;
  const target = parent.gasLimit / parameters.elasticity;
  if (target === 0n) return null;
  if (gasUsed === target) return baseFee;
  const distance = gasUsed > target ? gasUsed - target : target - gasUsed;
  const change = (baseFee * distance) / target / parameters.denominator;
  if (gasUsed > target) return baseFee + (change > 0n ? change : 1n);
  return baseFee > change ? baseFee - change : 0n;
}

/**
 * The excess blob gas that follows from the parent (EIP-4844, EIP-7691); zero on the OP Stack. Null
 * where EIP-7918 makes it depend on more than that, which no rollup has reached.
 */
export function nextExcessBlobGas(parent: Header, { opFork, common }: ActiveRules): bigint | null {
  if (opFork !== null) return 0n;
  const total = (parent.excessBlobGas ?? 0n) + (parent.blobGasUsed ?? 0n);
  const hardfork = common.hardfork();
  const target = BLOB_GAS * (hardfork === Hardfork.Cancun ? 3n : 6n);
  if (total <= target) return 0n;
  return hardfork === Hardfork.Osaka ? null : total - target;
}

/** The first field in which two headers differ. */
export function firstDifference(
  expected: Header,
  got: Header,
): { readonly field: string; readonly expected: string; readonly got: string } | null {
  for (const [field, value] of Object.entries(expected)) {
    const other = got[field as keyof Header];
    if (value !== other) return { field, expected: `${value}`, got: `${other}` };
  }
  return null;
}

function parametersOf(parent: Header, rules: ActiveRules): BaseFeeParameters | null {
  if (rules.opFork === null) return ETHEREUM_BASE_FEE;
  const isNamed = rules.profile === "op" && parent.extraData !== "0x";
  if (!isNamed) return rules.baseFee;
  const extra = fromHex(parent.extraData);
  if (extra.length !== HOLOCENE_EXTRA_BYTES || extra[0] !== 0) return null;
  const view = new DataView(extra.buffer);
  const denominator = BigInt(view.getUint32(1));
  const elasticity = BigInt(view.getUint32(5));
  return denominator === 0n || elasticity === 0n ? null : { denominator, elasticity };
}
