import type { NativeBls, SecretKey } from "@mach/bls";
import {
  bitfieldFromIndices,
  buildOperatorSet,
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  type Domain,
  fromHex,
  type Hex,
  type OperatorSet,
  requiredWeight,
  uintWord,
} from "@mach/core";

export interface RandomCase {
  readonly name: string;
  readonly certificate: Certificate;
  /** What the verifiers trust. */
  readonly operatorSet: OperatorSet;
  readonly domain: Domain;
  readonly thresholdBps: number;
}

export type Random = (below: number) => number;

interface Draft {
  certificate: Certificate;
  operatorSet: OperatorSet;
  thresholdBps: number;
  domain: Domain;
}

interface Drawing {
  readonly bls: NativeBls;
  readonly random: Random;
  readonly secrets: readonly SecretKey[];
}

const DOMAIN: Domain = {
  chainId: 31337n,
  verifyingContract: "0x51cbbfb68417acf09be637f1cd93e72c1214c273",
};
const INFINITY: Hex = `0xc0${"00".repeat(95)}`;

/** Numbers below 2^32 from a seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What is done to a certificate after it was signed, or to what it is checked against. */
const CORRUPTIONS: Readonly<Record<string, (draft: Draft, drawing: Drawing) => void>> = {
  "another claim": (draft) => {
    const { claim } = draft.certificate;
    rebuild(draft, { claim: { ...claim, blockNumber: claim.blockNumber + 1n } });
  },
  "another network": (draft) => {
    draft.domain = { ...DOMAIN, chainId: 1n };
  },
  "a claim of another epoch": (draft) => {
    const { claim } = draft.certificate;
    rebuild(draft, { claim: { ...claim, epoch: claim.epoch + 1n } });
  },
  "another set's hash": (draft, { random }) => {
    rebuild(draft, { operatorSetHash: uintWord(random(1_000_000) + 1) });
  },
  "another id": (draft, { random }) => {
    draft.certificate = { ...draft.certificate, certificateId: uintWord(random(1_000_000)) };
  },
  "a bit too many or too few": (draft, { random }) => {
    const bytes = fromHex(draft.certificate.signers);
    const index = random(draft.operatorSet.operators.length);
    bytes[index >> 3] = (bytes[index >> 3] ?? 0) ^ (1 << (index & 7));
    rebuild(draft, { signers: `0x${Buffer.from(bytes).toString("hex")}` });
  },
  "a byte more in the bitfield": (draft) => {
    rebuild(draft, { signers: `${draft.certificate.signers}00` });
  },
  "an unused bit": (draft) => {
    const bytes = fromHex(draft.certificate.signers);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    rebuild(draft, { signers: `0x${Buffer.from(bytes).toString("hex")}` });
  },
  "a signature at infinity": (draft) => {
    draft.certificate = { ...draft.certificate, signature: INFINITY };
  },
  "a signature that is too short": (draft) => {
    const { signature } = draft.certificate;
    draft.certificate = { ...draft.certificate, signature: `0x${signature.slice(4)}` };
  },
  "a flipped byte in the signature": (draft, { random }) => {
    const bytes = fromHex(draft.certificate.signature);
    // Not the first: the flags would make it another encoding.
    const index = 1 + random(95);
    bytes[index] = (bytes[index] ?? 0) ^ (1 << random(8));
    draft.certificate = {
      ...draft.certificate,
      signature: `0x${Buffer.from(bytes).toString("hex")}`,
    };
  },
  "the signature of one key alone": (draft, { bls, secrets }) => {
    const [secret] = secrets;
    if (secret === undefined) return;
    const digest = claimDigest(DOMAIN, draft.certificate.claim);
    const signature = bls.sign(secret, digest).compressed;
    draft.certificate = { ...draft.certificate, signature };
  },
  "a threshold that is none": (draft, { random }) => {
    draft.thresholdBps = [0, 67, 100, 6666, 10_001][random(5)] ?? 0;
  },
};

/** A random set, a subset of it that signs, and in two of three cases one corruption. */
export function drawCase(drawing: Drawing, maxOperators: number): RandomCase {
  const { random } = drawing;
  const draft = drawValid(drawing, 1 + random(maxOperators));
  const names = Object.keys(CORRUPTIONS);
  const name = random(3) === 0 ? "none" : (names[random(names.length)] ?? "none");
  CORRUPTIONS[name]?.(draft, drawing);
  return { name, ...draft };
}

function drawValid({ bls, random, secrets }: Drawing, count: number): Draft {
  const epoch = BigInt(random(1_000_000));
  const scale = 10n ** BigInt(random(30));
  const operators = secrets.slice(0, count).map((secret, i) => ({
    operator: `0x${(i + 1).toString(16).padStart(40, "0")}` as const,
    publicKey: bls.publicKeyOf(secret),
    weight: scale * BigInt(1 + random(1_000)),
  }));
  const built = buildOperatorSet(bls, { epoch, operators });
  if (!built.ok) throw new Error(built.code);
  const { operatorSet } = built;
  const thresholdBps = [6667, 6667, 7_500, 9_001, 10_000][random(5)] ?? 6667;
  const signers = drawSigners(operatorSet, thresholdBps, random);
  const claim = drawClaim(epoch, random);
  const digest = claimDigest(DOMAIN, claim);
  const signatures = signers.flatMap((index) => {
    const secret = secrets[index];
    return secret === undefined ? [] : [bls.sign(secret, digest).uncompressed];
  });
  const bitfield = bitfieldFromIndices(signers, count);
  const { operatorSetHash } = operatorSet;
  return {
    operatorSet,
    thresholdBps,
    domain: DOMAIN,
    certificate: {
      version: 1,
      certificateId: certificateId({ digest, operatorSetHash, signers: bitfield }),
      domain: DOMAIN,
      claim,
      operatorSetHash,
      signers: bitfield,
      signature: bls.aggregateSignatures(signatures) ?? INFINITY,
    },
  };
}

/** Everyone, or random operators until the threshold is reached, or one fewer than that. */
function drawSigners(
  operatorSet: OperatorSet,
  thresholdBps: number,
  random: Random,
): readonly number[] {
  const indices = operatorSet.operators.map((each) => each.index);
  const kind = random(4);
  if (kind === 0) return indices;
  const required = requiredWeight(operatorSet.totalWeight, thresholdBps);
  const chosen: number[] = [];
  let weight = 0n;
  while (weight < required) {
    const [index] = indices.splice(random(indices.length), 1);
    if (index === undefined) break;
    chosen.push(index);
    weight += operatorSet.operators[index]?.weight ?? 0n;
  }
  if (kind === 1) chosen.pop();
  return chosen.toSorted((left, right) => left - right);
}

function drawClaim(epoch: bigint, random: Random): Claim {
  const word = (): Hex => uintWord(random(2 ** 31));
  return {
    rollupId: BigInt(random(100_000)),
    blockNumber: BigInt(random(2 ** 31)),
    blockHash: word(),
    stateRoot: word(),
    outputRoot: word(),
    timestamp: BigInt(random(2 ** 31)),
    epoch,
    verification: random(2) === 0 ? 1 : 2,
  };
}

/** Changes fields and makes the id fit, so that the corruption is not found by the id alone. */
function rebuild(draft: Draft, fields: Partial<Certificate>): void {
  const certificate = { ...draft.certificate, ...fields };
  const digest = claimDigest(certificate.domain, certificate.claim);
  draft.certificate = { ...certificate, certificateId: certificateId({ ...certificate, digest }) };
}
