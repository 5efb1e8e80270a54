import {
  type Attestation,
  type AttestationAgainstCertificate,
  addressWord,
  type Certificate,
  type ConflictingCertificates,
  claimDigest,
  concatHex,
  type Domain,
  type DoubleAttestation,
  type Evidence,
  type FalseSetUpdate,
  type Hex,
  hasQuorum,
  keccak256,
  MIN_THRESHOLD_BPS,
  type OperatorSet,
  signersOf,
  sumWeight,
  uintWord,
} from "@mach/core";
import {
  type CalldataFailure,
  type SignersArgument,
  toSignersArgument,
} from "./certificate-calldata.ts";
import {
  type EncodedSet,
  encodeSet,
  type MemberArgument,
  type PointEncoder,
  toWords,
} from "./set-argument.ts";

/** One call of the Slasher, for ethers. */
export interface SlasherCall {
  readonly method:
    | "reportDoubleAttestation"
    | "reportAttestationAgainstCertificate"
    | "reportConflict"
    | "reportFalseSetUpdate"
    | "reportFalseSetUpdateBy"
    | "proveCharge"
    | "convict";
  readonly args: readonly unknown[];
}

/** An operator that evidence proves guilty, and under which id the Slasher convicts it. */
export interface Accusation {
  readonly operator: Hex;
  readonly convictionId: Hex;
}

/** Evidence as the Slasher takes it. */
export interface EncodedEvidence {
  readonly kind: Evidence["kind"];
  readonly accused: readonly Accusation[];
  /** Of what was signed; the later one ends the window in which it convicts. */
  readonly epochs: readonly bigint[];
  /** What two certificates are recorded as; null for the other kinds. */
  readonly charge: EncodedCharge | null;
  /** Convicts these operators, and where the contract tells them not apart all who signed. */
  report(operators: readonly Hex[]): readonly SlasherCall[];
}

/** Two conflicting certificates, which the Slasher records before it convicts their signers. */
export interface EncodedCharge {
  readonly chargeId: Hex;
  readonly rollupId: bigint;
  /** Of the lower certificate: its settlement adapter has to be there. */
  readonly lowerEpoch: bigint;
  /** The higher block, from which the headers are walked, and its height. */
  readonly higherHash: Hex;
  readonly higherNumber: bigint;
  /** How many blocks lie between the two; none where they are of one height. */
  readonly distance: number;
  /** Newest first. */
  readonly headers: readonly Hex[];
  /** Records it; at one height it convicts those operators as well. */
  open(operators: readonly Hex[]): SlasherCall;
  /** Proves it, where the walk of the charge is known down to `from` blocks below its start. */
  prove(from: number, headers: readonly Hex[]): SlasherCall;
  convict(operators: readonly Hex[]): readonly SlasherCall[];
}

export type EncodeEvidenceFailure =
  | CalldataFailure
  /** No set was given for an epoch of the evidence. */
  | "unknown-operator-set"
  /** An operator is named that is not in the set. */
  | "not-a-signer";

export type EncodeEvidenceResult =
  | { readonly ok: true; readonly encoded: EncodedEvidence }
  | { readonly ok: false; readonly code: EncodeEvidenceFailure };

export interface EncodeEvidenceContext {
  readonly domain: Domain;
  readonly operatorSet: (epoch: bigint) => OperatorSet | undefined;
}

/** A transaction holds about 128 KiB where it is relayed: so many memberships fit beside the rest. */
const MAX_ACCUSED_IN_CALL = 64;
/** As many fit beside two certificates of the largest sets with as many absent as there may be. */
const MAX_ACCUSED_BESIDE_CERTIFICATES = 16;
/** A registry holds no more operators, so that the Slasher's bitfield is one word. */
const SIGNERS_BYTES = 32;

/**
 * What the Slasher is to be told about evidence. Does not verify it: what `verifyEvidence` refuses
 * the contract refuses as well, at the sender's cost.
 */
export function encodeEvidence(
  bls: PointEncoder,
  evidence: Evidence,
  context: EncodeEvidenceContext,
): EncodeEvidenceResult {
  try {
    return { ok: true, encoded: toEncoded(createEncoder(bls, context), evidence) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code };
    throw error;
  }
}

/** The id under which an operator is convicted at a height of a rollup. */
function convictionIdAt(operator: Hex, rollupId: bigint, blockNumber: bigint): Hex {
  return keccak256(concatHex(addressWord(operator), uintWord(rollupId), uintWord(blockNumber)));
}

/** The id under which an operator is convicted for the set update of an epoch. */
function convictionIdFor(operator: Hex, epoch: bigint): Hex {
  return keccak256(concatHex(addressWord(operator), uintWord(epoch)));
}

/** Leaves the encoders; `encodeEvidence` makes a value of it. */
class Refusal extends Error {
  readonly code: EncodeEvidenceFailure;

  constructor(code: EncodeEvidenceFailure) {
    super(code);
    this.code = code;
  }
}

interface MembershipArgument {
  readonly member: MemberArgument;
  readonly path: readonly Hex[];
}
interface CertificateArgument {
  readonly claim: Certificate["claim"];
  readonly signed: SignersArgument;
}

interface Encoder {
  readonly domain: Domain;
  set(epoch: bigint): { readonly trusted: OperatorSet; readonly encoded: EncodedSet };
  membership(epoch: bigint, operator: Hex): MembershipArgument;
  signature(compressed: Hex): readonly Hex[];
  signers(signed: Pick<Certificate, "signers" | "signature">, epoch: bigint): SignersArgument;
}

function createEncoder(bls: PointEncoder, context: EncodeEvidenceContext): Encoder {
  const sets = new Map<bigint, ReturnType<Encoder["set"]>>();
  function set(epoch: bigint): ReturnType<Encoder["set"]> {
    const known = sets.get(epoch);
    if (known !== undefined) return known;
    const trusted = context.operatorSet(epoch);
    if (trusted === undefined) throw new Refusal("unknown-operator-set");
    const encoded = encodeSet(bls, trusted);
    if (encoded === null) throw new Refusal("bad-public-key");
    sets.set(epoch, { trusted, encoded });
    return { trusted, encoded };
  }
  return {
    domain: context.domain,
    set,
    membership(epoch, operator) {
      const { members, pathOf } = set(epoch).encoded;
      const member = members.find((each) => each.operator === operator);
      if (member === undefined) throw new Refusal("not-a-signer");
      return { member, path: pathOf(member.index) };
    },
    signature(compressed) {
      const point = bls.signatureToPoint(compressed);
      if (point === null) throw new Refusal("bad-signature");
      return toWords(point);
    },
    signers(signed, epoch) {
      const encoded = toSignersArgument(bls, signed, set(epoch).trusted);
      if (!encoded.ok) throw new Refusal(encoded.code);
      return encoded.signers;
    },
  };
}

function toEncoded(encoder: Encoder, evidence: Evidence): EncodedEvidence {
  switch (evidence.kind) {
    case "double-attestation":
      return doubleAttestation(encoder, evidence);
    case "attestation-against-certificate":
      return againstCertificate(encoder, evidence);
    case "conflicting-certificates":
      return conflict(encoder, evidence);
    case "false-set-update":
      return falseSetUpdate(encoder, evidence);
  }
}

function doubleAttestation(encoder: Encoder, evidence: DoubleAttestation): EncodedEvidence {
  const { kind, rollupId, blockNumber, operator, first, second } = evidence;
  const args = [attestationOf(encoder, first), attestationOf(encoder, second)];
  return {
    kind,
    accused: [{ operator, convictionId: convictionIdAt(operator, rollupId, blockNumber) }],
    epochs: [first.claim.epoch, second.claim.epoch],
    charge: null,
    report: () => [{ method: "reportDoubleAttestation", args }],
  };
}

function againstCertificate(
  encoder: Encoder,
  evidence: AttestationAgainstCertificate,
): EncodedEvidence {
  const { kind, rollupId, blockNumber, operator, attestation, certificate } = evidence;
  const args = [
    attestationOf(encoder, attestation),
    certificateOf(encoder, certificate),
    encoder.membership(certificate.claim.epoch, operator),
  ];
  return {
    kind,
    accused: [{ operator, convictionId: convictionIdAt(operator, rollupId, blockNumber) }],
    epochs: [attestation.claim.epoch, certificate.claim.epoch],
    charge: null,
    report: () => [{ method: "reportAttestationAgainstCertificate", args }],
  };
}

function conflict(encoder: Encoder, evidence: ConflictingCertificates): EncodedEvidence {
  const { kind, rollupId, lower, higher, headers } = evidence;
  const { blockNumber, blockHash } = higher.claim;
  const [lowerEpoch, higherEpoch] = [lower.claim.epoch, higher.claim.epoch];
  const certificates = [certificateOf(encoder, lower), certificateOf(encoder, higher)];
  const accuse = (operator: Hex): unknown => ({
    inLower: encoder.membership(lowerEpoch, operator),
    inHigher: encoder.membership(higherEpoch, operator),
  });
  // Whoever signed both is guilty, also where the document names fewer.
  const alsoHigher = new Set(signersIn(encoder, higher, higherEpoch));
  const operators = signersIn(encoder, lower, lowerEpoch).filter((each) => alsoHigher.has(each));
  const chargeId = chargeIdOf(encoder.domain, lower, higher);
  const sets = [encoder.set(lowerEpoch), encoder.set(higherEpoch)].map(
    (each) => each.encoded.operatorSet,
  );
  const charge: EncodedCharge = {
    chargeId,
    rollupId,
    lowerEpoch,
    higherHash: blockHash,
    higherNumber: blockNumber,
    distance: headers.length,
    headers,
    open: (accused) => ({
      method: "reportConflict",
      args: [...certificates, accused.map(accuse)],
    }),
    prove: (from, rest) => ({ method: "proveCharge", args: [chargeId, from, rest] }),
    convict: (accused) =>
      inParts(accused).map((part) => ({
        method: "convict",
        args: [chargeId, ...sets, part.map(accuse)],
      })),
  };
  return {
    kind,
    accused: operators.map((operator) => ({
      operator,
      convictionId: convictionIdAt(operator, rollupId, blockNumber),
    })),
    epochs: [lowerEpoch, higherEpoch],
    charge,
    report(accused) {
      if (accused.length <= MAX_ACCUSED_BESIDE_CERTIFICATES) return [charge.open(accused)];
      return [charge.open([]), ...charge.convict(accused)];
    },
  };
}

function falseSetUpdate(encoder: Encoder, evidence: FalseSetUpdate): EncodedEvidence {
  const { kind, update } = evidence;
  const { epoch, operatorSetHash } = update;
  const signedBy = epoch - 1n;
  const { trusted, encoded } = encoder.set(signedBy);
  const signers = signersOf(update, trusted);
  const { totalWeight } = trusted;
  const signedWeight = sumWeight(signers);
  const isAggregate = hasQuorum({ signedWeight, totalWeight, thresholdBps: MIN_THRESHOLD_BPS });
  const memberships = (operators: readonly Hex[]): readonly MembershipArgument[] =>
    operators.map((operator) => encoder.membership(signedBy, operator));
  // All who signed, also where the document names fewer: below the threshold the contract is shown
  // every key of the sum anyway, and convicts every one of them.
  const operators = signers.map((each) => each.operator);
  const head = [epoch, operatorSetHash];
  return {
    kind,
    accused: operators.map((operator) => ({
      operator,
      convictionId: convictionIdFor(operator, epoch),
    })),
    epochs: [signedBy],
    charge: null,
    report(accused) {
      if (isAggregate) {
        const signed = encoder.signers(update, signedBy);
        return inParts(accused).map((part) => ({
          method: "reportFalseSetUpdate",
          args: [...head, signed, memberships(part)],
        }));
      }
      const signature = encoder.signature(update.signature);
      const args = [...head, encoded.operatorSet, memberships(operators), signature];
      return [{ method: "reportFalseSetUpdateBy", args }];
    },
  };
}

function signersIn(
  encoder: Encoder,
  signed: Pick<Certificate, "signers">,
  epoch: bigint,
): readonly Hex[] {
  return signersOf(signed, encoder.set(epoch).trusted).map((each) => each.operator);
}

function attestationOf(encoder: Encoder, attestation: Attestation): unknown {
  const { claim, operator, signature } = attestation;
  return {
    claim,
    operatorSet: encoder.set(claim.epoch).encoded.operatorSet,
    membership: encoder.membership(claim.epoch, operator),
    signature: encoder.signature(signature),
  };
}

function certificateOf(encoder: Encoder, certificate: Certificate): CertificateArgument {
  const { claim } = certificate;
  return { claim, signed: encoder.signers(certificate, claim.epoch) };
}

function chargeIdOf(domain: Domain, lower: Certificate, higher: Certificate): Hex {
  const digests = [lower, higher].map((each) => claimDigest(domain, each.claim));
  const signers = [lower, higher].map((each) => signersWord(each.signers));
  return keccak256(concatHex(keccak256(concatHex(...digests)), ...signers));
}

function signersWord(signers: Hex): Hex {
  return `0x${signers.slice(2).padEnd(2 * SIGNERS_BYTES, "0")}`;
}

function inParts(operators: readonly Hex[]): readonly (readonly Hex[])[] {
  const count = Math.ceil(operators.length / MAX_ACCUSED_IN_CALL);
  return Array.from({ length: count }, (_, i) =>
    operators.slice(i * MAX_ACCUSED_IN_CALL, (i + 1) * MAX_ACCUSED_IN_CALL),
  );
}
