import type { PublicKey, Signature } from "@chainsafe/blst";
import type { Hex } from "@mach/core";
import { attempt, decodeSignature, type NativeLibrary } from "./native-library.ts";
import { isSignatureEncoding } from "./point-encoding.ts";
import type { SignatureFailure } from "./verdict.ts";

/** Attestations of one message: `signatures[i]` is said to be by `publicKeys[i]`. */
export interface AttributionGroup {
  /** 32 bytes. */
  readonly message: Uint8Array;
  readonly publicKeys: readonly Hex[];
  /** 96 or 192 bytes each. */
  readonly signatures: readonly Uint8Array[];
}

/**
 * For each signature null if it is valid, and otherwise what is wrong with it; `undecided` where
 * the batch had so many bad ones that its checks were used up before this one's turn.
 */
export type Attribution = readonly (SignatureFailure | "undecided" | null)[];

interface Candidate {
  readonly position: number;
  readonly pk: PublicKey;
  readonly sig: Uint8Array;
}

interface BlindedPair {
  readonly pk: PublicKey;
  readonly sig: Signature;
}

/**
 * Checks every signature by itself, at the price of few pairings: within a message by one sum with
 * random coefficients, across messages by one product with others. Both coefficients are 64 bits,
 * non-zero and from the library's secure generator, so that signatures which are only together
 * right (s1 + D, s2 - D) pass with a chance of 2^-64. Where a check fails, halves are checked until
 * exactly the bad ones are named, or `maxParts` were: of these at least one is decided each time.
 */
export function attribute(
  library: NativeLibrary,
  groups: readonly AttributionGroup[],
  maxParts: number = Number.POSITIVE_INFINITY,
): readonly Attribution[] {
  const checks = groups.map((group) => prepareGroup(library, group));
  const pending = checks.filter((check) => check.candidates.length > 0);
  if (pending.length === 1 || !verifiesTogether(library, pending)) {
    const budget = { left: maxParts };
    const context = { library, budget };
    for (const check of pending) bisect(context, check, { from: 0, to: check.candidates.length });
  }
  return checks.map((check) => check.failures);
}

interface GroupCheck {
  readonly message: Uint8Array;
  readonly candidates: readonly Candidate[];
  readonly failures: (SignatureFailure | "undecided" | null)[];
}

interface Bisection {
  readonly library: NativeLibrary;
  readonly budget: { left: number };
}

/** Sorts out what cannot be summed: whatever is left has legal keys and points of G2. */
function prepareGroup(library: NativeLibrary, group: AttributionGroup): GroupCheck {
  const failures: GroupCheck["failures"] = [];
  const candidates: Candidate[] = [];
  for (const [position, publicKey] of group.publicKeys.entries()) {
    const sig = group.signatures[position];
    const pk = library.publicKey(publicKey);
    if (sig === undefined || !isSignatureEncoding(sig)) failures.push("bad-signature");
    else if (pk === null) failures.push("bad-public-key");
    else {
      failures.push(null);
      candidates.push({ position, pk, sig });
    }
  }
  return { message: group.message, candidates, failures };
}

function verifiesTogether(library: NativeLibrary, checks: readonly GroupCheck[]): boolean {
  const sets: { msg: Uint8Array; pk: PublicKey; sig: Signature }[] = [];
  for (const { message, candidates } of checks) {
    const blinded = blind(library, candidates);
    if (blinded === null) return false;
    sets.push({ msg: message, pk: blinded.pk, sig: blinded.sig });
  }
  if (sets.length === 0) return true;
  return attempt(() => library.blst.verifyMultipleAggregateSignatures(sets, false, false)) === true;
}

/** Marks the bad ones of a range; returns whether there is none. */
function bisect(
  context: Bisection,
  check: GroupCheck,
  range: { readonly from: number; readonly to: number; readonly isKnownBad?: boolean },
): boolean {
  const { library, budget } = context;
  const { from, to } = range;
  const candidates = check.candidates.slice(from, to);
  if (range.isKnownBad !== true) {
    if (budget.left === 0) {
      for (const { position } of candidates) check.failures[position] = "undecided";
      return false;
    }
    budget.left -= 1;
    if (verifiesRange(library, check.message, candidates)) return true;
  }
  if (candidates.length === 1) {
    for (const { position } of candidates) check.failures[position] = "bad-signature";
    return false;
  }
  const middle = (from + to) >> 1;
  const isLeftGood = bisect(context, check, { from, to: middle });
  // A bad whole with a good half needs no second look at the other half.
  bisect(context, check, { from: middle, to, isKnownBad: isLeftGood });
  return false;
}

function verifiesRange(
  library: NativeLibrary,
  message: Uint8Array,
  candidates: readonly Candidate[],
): boolean {
  const blinded = blind(library, candidates);
  if (blinded === null) return false;
  return (
    attempt(() => library.blst.verify(message, blinded.pk, blinded.sig, false, false)) === true
  );
}

/** The sums of keys and signatures under equal random coefficients; null if one is no point. */
function blind(library: NativeLibrary, candidates: readonly Candidate[]): BlindedPair | null {
  const [first] = candidates;
  if (first === undefined) return null;
  if (candidates.length === 1) {
    const sig = decodeSignature(library, first.sig);
    return sig && { pk: first.pk, sig };
  }
  return attempt(() => library.blst.aggregateWithRandomness([...candidates]));
}
