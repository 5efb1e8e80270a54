import { randomBytes } from "node:crypto";
import { createBatchVerifier, createNativeBls, type NativeBls } from "@mach/bls";
import { fromHex, type Hex, toHex } from "@mach/core";
import { loadNativeLibrary, type NativeLibrary } from "../../packages/bls/src/native-library.ts";
import type { BenchContext } from "./bench-context.ts";
import { cpuMicrosOf, type RoundCounts, runRounds } from "./rounds.ts";
import { median, type Pair, type Row, type RowHead, toRow } from "./row.ts";
import { formatNumber } from "./table.ts";

export interface CryptoCounts extends RoundCounts {
  /** Attestations that each contender checks in a round. */
  readonly perRound: number;
  /** How many attestations of one claim there are. */
  readonly batches: readonly number[];
}

const BATCHES = [1, 4, 16, 64, 100, 256, 1_000] as const;

export const CRYPTO_COUNTS = {
  full: { warmUp: 1, rounds: 9, perRound: 400, batches: BATCHES },
  quick: { warmUp: 1, rounds: 3, perRound: 200, batches: BATCHES },
} as const;

const MAX_ALONE = 100;
const GOAL = { attribution: 0.85, sum: 0.8 };

type PublicKey = InstanceType<NativeLibrary["blst"]["PublicKey"]>;

/** Attestations of one claim, on the wire and as the library wants them. */
interface Attestations {
  readonly message: Uint8Array;
  readonly messageHex: Hex;
  readonly publicKeys: readonly Hex[];
  readonly points: readonly PublicKey[];
  readonly signatures: readonly Uint8Array[];
}

/**
 * Checks per second of CPU time, from wire bytes to verdict, beside blst called directly with keys
 * that are decoded already.
 */
export async function benchCrypto(
  context: BenchContext,
  counts: CryptoCounts,
): Promise<readonly Row[]> {
  const bls = createNativeBls();
  const library = loadNativeLibrary();
  const verifier = await createBatchVerifier();
  context.defer(() => verifier.close());
  const rows: Row[] = [];
  const measure = async (
    head: Omit<RowHead, "group" | "unit">,
    contest: Contest,
  ): Promise<void> => {
    context.progress(head.name);
    rows.push(await compare(context, counts, { group: "crypto", unit: "/s", ...head }, contest));
  };
  for (const size of counts.batches) {
    const some = createAttestations(bls, library, { size, form: "uncompressed" });
    await measure(attributionHead(`batch of ${size}`), {
      size,
      figure: () => verifyOffThread(verifier, some),
      bound: () => requireValid(bareAttribution(library, some)),
      // More of them cost each the same.
      ...(size <= MAX_ALONE && { alone: () => requireValid(oneByOne(library, some)) }),
    });
    await measure(sumHead(`sum of ${size}`), {
      size,
      figure: () => requireValid(sumHere(bls, some)),
      bound: () => requireValid(bareSum(library, some)),
    });
  }
  const wide = createAttestations(bls, library, { size: 100, form: "uncompressed" });
  const narrow = createAttestations(bls, library, { size: 100, form: "compressed" });
  await measure(attributionHead("batch of 100, 96 bytes each"), {
    size: 100,
    figure: () => verifyOffThread(verifier, narrow),
    bound: () => requireValid(bareAttribution(library, narrow)),
  });
  await measure(attributionHead("batch of 100, on the calling thread"), {
    size: 100,
    figure: () => requireValid(verifyHere(bls, wide)),
    bound: () => requireValid(bareAttribution(library, wide)),
  });
  await measure(sumHead("sum of 100, 96 bytes each"), {
    size: 100,
    figure: () => requireValid(sumHere(bls, narrow)),
    bound: () => requireValid(bareSum(library, narrow)),
  });
  return rows;
}

interface Contest {
  readonly size: number;
  readonly figure: () => Promise<void> | void;
  readonly bound: () => void;
  /** Without batching. */
  readonly alone?: () => void;
}

async function compare(
  context: BenchContext,
  counts: CryptoCounts,
  head: RowHead,
  contest: Contest,
): Promise<Row> {
  const { size } = contest;
  const times = Math.max(1, Math.round(counts.perRound / size));
  const perSecond = async (check: () => Promise<void> | void): Promise<number> => {
    const micros = await cpuMicrosOf(async () => {
      for (let i = 0; i < times; i++) await check();
    });
    return (times * size * 1e6) / micros;
  };
  const alone: number[] = [];
  const pairs = await runRounds<Pair>(context, counts, async () => {
    const pair = { figure: await perSecond(contest.figure), bound: await perSecond(contest.bound) };
    if (contest.alone !== undefined) alone.push(await perSecond(contest.alone));
    return pair;
  });
  const note = alone.length === 0 ? {} : { note: `one by one ${formatNumber(median(alone))}/s` };
  return toRow({ ...head, ...note }, pairs);
}

function attributionHead(name: string): Omit<RowHead, "group" | "unit"> {
  return {
    name: `attribution, ${name}`,
    boundIs: "blst: randomised batch",
    goal: { of: "ratio", atLeast: GOAL.attribution },
  };
}

function sumHead(name: string): Omit<RowHead, "group" | "unit"> {
  return {
    name: `certificate alone, ${name}`,
    boundIs: "blst: add, check the sum",
    goal: { of: "ratio", atLeast: GOAL.sum },
  };
}

function createAttestations(
  bls: NativeBls,
  library: NativeLibrary,
  options: { readonly size: number; readonly form: "compressed" | "uncompressed" },
): Attestations {
  const message = randomBytes(32);
  const messageHex = toHex(message);
  const keys = Array.from({ length: options.size }, () => bls.generateSecretKey());
  const publicKeys = keys.map((key) => bls.publicKeyOf(key));
  const signatures = keys.map((key) => {
    const { compressed, uncompressed } = bls.sign(key, messageHex);
    return options.form === "uncompressed" ? uncompressed : fromHex(compressed);
  });
  const points = publicKeys.map((key) => library.blst.PublicKey.fromBytes(fromHex(key), true));
  return { message, messageHex, publicKeys, points, signatures };
}

async function verifyOffThread(
  verifier: Awaited<ReturnType<typeof createBatchVerifier>>,
  { messageHex: message, publicKeys, signatures }: Attestations,
): Promise<void> {
  const verdicts = await Promise.all(
    pairsOf(publicKeys, signatures).map((entry) => verifier.verify({ message, ...entry })),
  );
  requireValid(verdicts.every((verdict) => verdict.ok));
}

function verifyHere(bls: NativeBls, some: Attestations): boolean {
  const entries = pairsOf(some.publicKeys, some.signatures);
  return bls.verifyBatch({ message: some.messageHex, entries }).every((verdict) => verdict.ok);
}

function sumHere(bls: NativeBls, some: Attestations): boolean {
  const { messageHex: message, publicKeys, signatures } = some;
  return bls.verifySum({ message, publicKeys, signatures }).ok;
}

function bareAttribution({ blst }: NativeLibrary, some: Attestations): boolean {
  const [pk] = some.points;
  const [sig] = some.signatures;
  if (some.points.length === 1 && pk !== undefined && sig !== undefined) {
    return blst.verify(some.message, pk, blst.Signature.fromBytes(sig, true, true), false, false);
  }
  const sets = some.signatures.map((each, index) => ({ pk: pointAt(some, index), sig: each }));
  const blinded = blst.aggregateWithRandomness(sets);
  return blst.verify(some.message, blinded.pk, blinded.sig, false, false);
}

function oneByOne({ blst }: NativeLibrary, some: Attestations): boolean {
  return some.signatures.every((bytes, index) => {
    const signature = blst.Signature.fromBytes(bytes, true, true);
    return blst.verify(some.message, pointAt(some, index), signature, false, false);
  });
}

function bareSum({ blst }: NativeLibrary, some: Attestations): boolean {
  const publicKey = blst.aggregatePublicKeys([...some.points], false);
  const signature = blst.aggregateSerializedSignatures([...some.signatures], false);
  signature.sigValidate(true);
  return blst.verify(some.message, publicKey, signature, false, false);
}

function pairsOf(
  publicKeys: readonly Hex[],
  signatures: readonly Uint8Array[],
): { readonly publicKey: Hex; readonly signature: Uint8Array }[] {
  return signatures.map((signature, index) => ({
    publicKey: publicKeys[index] ?? "0x",
    signature,
  }));
}

function pointAt(some: Attestations, index: number): PublicKey {
  const point = some.points[index];
  if (point === undefined) throw new RangeError("no such key");
  return point;
}

/** A fast wrong answer is no figure. */
function requireValid(isValid: boolean): void {
  if (!isValid) throw new Error("a valid signature was refused");
}
