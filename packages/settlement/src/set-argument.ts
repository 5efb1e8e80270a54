import {
  type Bls,
  byteLength,
  type Hex,
  merklePaths,
  type OperatorSet,
  operatorLeaf,
} from "@mach/core";

/** What the encoders need of BLS12-381: points as EIP-2537 takes them, null for bad encodings. */
export interface PointEncoder extends Pick<Bls, "publicKeyToPoint"> {
  /** A compressed signature (96 bytes) as the 256-byte G2 point. */
  signatureToPoint(signature: Hex): Hex | null;
}

/** The struct `OperatorSet` of the contracts, for ethers: the preimage of an operatorSetHash. */
export interface OperatorSetArgument {
  readonly epoch: bigint;
  readonly count: number;
  readonly totalWeight: bigint;
  readonly aggregatePublicKey: readonly Hex[];
  readonly operatorsRoot: Hex;
}

/** The struct `Member` of the contracts, for ethers: the preimage of a leaf. */
export interface MemberArgument {
  readonly index: number;
  readonly operator: Hex;
  readonly publicKey: readonly Hex[];
  readonly weight: bigint;
}

/** An operator set as the contracts take it. */
export interface EncodedSet {
  readonly operatorSet: OperatorSetArgument;
  /** In the order of their indices. */
  readonly members: readonly MemberArgument[];
  /** A member's Merkle path, from the leaf up. */
  pathOf(index: number): readonly Hex[];
}

const encodedSets = new WeakMap<OperatorSet, EncodedSet>();

/** A set with its keys as points; null where one of them is none. The same set is encoded once. */
export function encodeSet(bls: PointEncoder, set: OperatorSet): EncodedSet | null {
  const known = encodedSets.get(set);
  if (known !== undefined) return known;
  const encoded = encodeAnew(bls, set);
  if (encoded !== null) encodedSets.set(set, encoded);
  return encoded;
}

function encodeAnew(bls: PointEncoder, set: OperatorSet): EncodedSet | null {
  const { operators, epoch, totalWeight, operatorsRoot } = set;
  const aggregatePoint = bls.publicKeyToPoint(set.aggregatePublicKey);
  if (aggregatePoint === null) return null;
  const members: MemberArgument[] = [];
  const leaves: Hex[] = [];
  for (const each of operators) {
    const point = bls.publicKeyToPoint(each.publicKey);
    if (point === null) return null;
    leaves.push(operatorLeaf({ ...each, point }));
    const { index, operator, weight } = each;
    members.push({ index, operator, publicKey: toWords(point), weight });
  }
  const aggregatePublicKey = toWords(aggregatePoint);
  const count = operators.length;
  return {
    operatorSet: { epoch, count, totalWeight, aggregatePublicKey, operatorsRoot },
    members,
    pathOf: merklePaths(leaves),
  };
}

/** Bytes as the words of 32 bytes in which the contracts take points. */
export function toWords(point: Hex): readonly Hex[] {
  return Array.from(
    { length: byteLength(point) / 32 },
    (_, i): Hex => `0x${point.slice(2 + 64 * i, 66 + 64 * i)}`,
  );
}
