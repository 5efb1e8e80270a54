import { addressWord, keccak256, uintWord } from "./abi-words.ts";
import type { Bls } from "./bls.ts";
import { concatHex, type Hex, ZERO_HASH } from "./hex.ts";

/** One operator of a set. `publicKey` is compressed (48 bytes), `weight` above zero. */
export interface Operator {
  readonly index: number;
  readonly operator: Hex;
  readonly publicKey: Hex;
  readonly weight: bigint;
}

/** An epoch's operators in ascending order of address, with the hash that the registry fixed. */
export interface OperatorSet {
  readonly epoch: bigint;
  readonly operatorSetHash: Hex;
  readonly operatorsRoot: Hex;
  readonly totalWeight: bigint;
  /** Compressed sum of all keys (48 bytes). */
  readonly aggregatePublicKey: Hex;
  readonly operators: readonly Operator[];
}

export type OperatorSetFailure =
  /** No operator has weight: there is no set, and nothing is valid under it. */
  | "empty-set"
  /** Addresses not strictly ascending, an index out of place, a weight of zero or 2^128 in all. */
  | "malformed-set"
  /** A key is not a valid G1 point, or the keys sum to infinity. */
  | "bad-public-key";

export type OperatorSetResult =
  | { readonly ok: true; readonly operatorSet: OperatorSet; readonly leaves: readonly Hex[] }
  | { readonly ok: false; readonly code: OperatorSetFailure };

export const MAX_TOTAL_WEIGHT: bigint = 2n ** 128n - 1n;

/** Builds a set with its leaves, root and hash from operators in ascending order of address. */
export function buildOperatorSet(
  bls: Pick<Bls, "publicKeyToPoint" | "aggregatePublicKeys">,
  snapshot: { readonly epoch: bigint; readonly operators: readonly Omit<Operator, "index">[] },
): OperatorSetResult {
  const { epoch, operators } = snapshot;
  if (operators.length === 0) return { ok: false, code: "empty-set" };
  const leaves: Hex[] = [];
  let totalWeight = 0n;
  for (const [index, { operator, publicKey, weight }] of operators.entries()) {
    const previous = operators[index - 1];
    if (weight <= 0n || (previous !== undefined && previous.operator >= operator)) {
      return { ok: false, code: "malformed-set" };
    }
    const point = bls.publicKeyToPoint(publicKey);
    if (point === null) return { ok: false, code: "bad-public-key" };
    leaves.push(operatorLeaf({ index, operator, point, weight }));
    totalWeight += weight;
  }
  if (totalWeight > MAX_TOTAL_WEIGHT) return { ok: false, code: "malformed-set" };
  const aggregatePublicKey = bls.aggregatePublicKeys(operators.map((each) => each.publicKey));
  const aggregatePoint = aggregatePublicKey && bls.publicKeyToPoint(aggregatePublicKey);
  if (aggregatePublicKey === null || aggregatePoint === null) {
    return { ok: false, code: "bad-public-key" };
  }
  const operatorsRoot = merkleRoot(leaves);
  const operatorSetHash = hashOperatorSet({
    epoch,
    count: operators.length,
    totalWeight,
    aggregatePoint,
    operatorsRoot,
  });
  return {
    ok: true,
    leaves,
    operatorSet: {
      epoch,
      operatorSetHash,
      operatorsRoot,
      totalWeight,
      aggregatePublicKey,
      operators: operators.map((each, index) => ({ index, ...each })),
    },
  };
}

/** Whether a set from outside is what its own fields say: order, leaves, root, sums and hash. */
export function isConsistentOperatorSet(
  bls: Pick<Bls, "publicKeyToPoint" | "aggregatePublicKeys">,
  operatorSet: OperatorSet,
): boolean {
  const rebuilt = buildOperatorSet(bls, operatorSet);
  return (
    rebuilt.ok &&
    rebuilt.operatorSet.operatorSetHash === operatorSet.operatorSetHash &&
    rebuilt.operatorSet.operatorsRoot === operatorSet.operatorsRoot &&
    rebuilt.operatorSet.totalWeight === operatorSet.totalWeight &&
    rebuilt.operatorSet.aggregatePublicKey === operatorSet.aggregatePublicKey &&
    operatorSet.operators.every((each, index) => each.index === index)
  );
}

/** keccak256(abi.encode(uint256 index, address operator, bytes32[4] publicKey, uint256 weight)). */
export function operatorLeaf(leaf: {
  readonly index: number;
  readonly operator: Hex;
  /** 128 bytes, EIP-2537. */
  readonly point: Hex;
  readonly weight: bigint;
}): Hex {
  return keccak256(
    concatHex(uintWord(leaf.index), addressWord(leaf.operator), leaf.point, uintWord(leaf.weight)),
  );
}

/** The root of the binary tree of depth ceil(log2(count)); missing leaves are zero. */
export function merkleRoot(leaves: readonly Hex[]): Hex {
  return merkleLevels(leaves).at(-1)?.[0] ?? ZERO_HASH;
}

/** The siblings of a leaf from the bottom up: exactly ceil(log2(count)) hashes. */
export function merklePath(leaves: readonly Hex[], index: number): readonly Hex[] {
  return merklePaths(leaves)(index);
}

/** The same for any leaf of one tree, which is hashed once. */
export function merklePaths(leaves: readonly Hex[]): (index: number) => readonly Hex[] {
  const levels = merkleLevels(leaves).slice(0, -1);
  return (index) => levels.map((level, depth) => level[(index >> depth) ^ 1] ?? ZERO_HASH);
}

function merkleLevels(leaves: readonly Hex[]): readonly (readonly Hex[])[] {
  let width = 1;
  while (width < leaves.length) width *= 2;
  let level: readonly Hex[] = [
    ...leaves,
    ...Array.from({ length: width - leaves.length }, () => ZERO_HASH),
  ];
  const levels = [level];
  while (level.length > 1) {
    const parents: Hex[] = [];
    for (let i = 0; i < level.length; i += 2) {
      parents.push(keccak256(concatHex(level[i] ?? ZERO_HASH, level[i + 1] ?? ZERO_HASH)));
    }
    level = parents;
    levels.push(level);
  }
  return levels;
}

function hashOperatorSet(set: {
  readonly epoch: bigint;
  readonly count: number;
  readonly totalWeight: bigint;
  readonly aggregatePoint: Hex;
  readonly operatorsRoot: Hex;
}): Hex {
  return keccak256(
    concatHex(
      uintWord(set.epoch),
      uintWord(set.count),
      uintWord(set.totalWeight),
      set.aggregatePoint,
      set.operatorsRoot,
    ),
  );
}
