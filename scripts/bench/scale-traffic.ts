import { randomBytes } from "node:crypto";
import type { NativeBls } from "@mach/bls";
import {
  bitfieldFromIndices,
  buildOperatorSet,
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  type Domain,
  type EpochSchedule,
  epochAt,
  type Hex,
  type Operator,
  type OperatorSet,
  type RollupParameters,
  type VerifiedBlock,
} from "@mach/core";
import { loadNativeLibrary } from "../../packages/bls/src/native-library.ts";
import { encodeAttestations } from "../../packages/node/src/gossip/wire.ts";

/** How large a network is: what a node has to do grows with both. */
export interface Size {
  readonly operators: number;
  readonly rollups: number;
}

/** What reaches one node of a network of this size, second by second; its own share is not in it. */
export interface Traffic {
  readonly size: Size;
  readonly schedule: EpochSchedule;
  /** The node is the first operator of the set. */
  readonly own: {
    readonly operator: Hex;
    readonly publicKey: Hex;
    sign(digest: Hex): Uint8Array;
  };
  readonly rollups: readonly RollupParameters[];
  operatorSet(epoch: bigint): OperatorSet;
  /** The block of each rollup in a second. */
  blocksAt(second: number): readonly { readonly rollupId: bigint; readonly block: VerifiedBlock }[];
  blockOf(rollupId: bigint, second: number): VerifiedBlock;
  /** The messages of the other operators in a second, a few of whom miss it, as they travel. */
  messagesAt(second: number, signatures: "real" | "made-up"): readonly Uint8Array[];
  /** The certificates of a second, of all who are not silent in it; their signatures are made up. */
  certificatesAt(second: number): readonly Certificate[];
  /** Of the right form, and of nothing. */
  readonly madeUpSignature: Uint8Array;
}

export const DOMAIN: Domain = { chainId: 31_337n, verifyingContract: `0x${"5c".repeat(20)}` };
export const PARAMETERS = { attestationInterval: 1n, thresholdBps: 6667, verification: 1 } as const;
/** As on mainnet. */
const EPOCH_SECONDS = 86_400n;
const GENESIS_SECONDS = 1_700_000_000n;
/** The middle of an epoch: a day has the beginning of another in it. */
const FIRST_SECOND = GENESIS_SECONDS + 3n * EPOCH_SECONDS + EPOCH_SECONDS / 2n;
const HEADER_BYTES = 600;
/** The most that one message carries. */
const PER_MESSAGE = 64;
/** One operator in so many is silent in a second. */
const SILENT_ONE_IN = 100;

/** The Unix time of a second of the run, in milliseconds. */
export function unixMs(second: number): number {
  return Number(FIRST_SECOND) * 1_000 + second * 1_000;
}

/**
 * Traffic whose keys are in an arithmetic progression that only this generator knows, so that each
 * signature of a claim is the one before and one addition: valid, and ten times cheaper to make.
 */
export function createTraffic(bls: NativeBls, size: Size): Traffic {
  const { blst } = loadNativeLibrary();
  const [first, step] = [randomScalar(), randomScalar()];
  const keyAt = (index: number): ReturnType<typeof secretKey> =>
    secretKey(bls, first + BigInt(index) * step);
  const stepKey = secretKey(bls, step);
  const firstKey = keyAt(0);
  const members = Array.from({ length: size.operators }, (_, index) => ({
    operator: `0x${(index + 1).toString(16).padStart(40, "0")}` as Hex,
    publicKey: bls.publicKeyOf(keyAt(index)),
    weight: 100n + BigInt(index % 7),
  }));
  const rollups = Array.from({ length: size.rollups }, (_, index) => ({
    ...PARAMETERS,
    rollupId: 1_000n + BigInt(index),
    stack: "evm" as const,
  }));
  const schedule = { genesisTime: GENESIS_SECONDS, epochSeconds: EPOCH_SECONDS };
  const madeUp = bls.sign(firstKey, `0x${"00".repeat(32)}`);
  const { uncompressed: madeUpSignature, compressed: signature } = madeUp;

  function signaturesOf(claim: Claim): readonly Uint8Array[] {
    const digest = claimDigest(DOMAIN, claim);
    const [start, by] = [firstKey, stepKey].map((key) =>
      blst.Signature.fromBytes(bls.sign(key, digest).uncompressed, false, false),
    );
    if (start === undefined || by === undefined) throw new RangeError("no keys");
    const signatures: Uint8Array[] = [];
    for (let sum = start, index = 0; index < size.operators; index++) {
      signatures.push(sum.toBytes(false));
      sum = blst.aggregateSignatures([sum, by], false);
    }
    return signatures;
  }

  const sets = new Map<bigint, OperatorSet>();
  function operatorSet(epoch: bigint): OperatorSet {
    const built = sets.get(epoch) ?? buildSet(bls, epoch, members);
    sets.set(epoch, built);
    return built;
  }

  return {
    size,
    schedule,
    rollups,
    madeUpSignature,
    own: {
      operator: members[0]?.operator ?? "0x",
      publicKey: members[0]?.publicKey ?? "0x",
      sign: (digest) => bls.sign(firstKey, digest).uncompressed,
    },
    operatorSet,
    blockOf: blockAt,
    blocksAt: (second) =>
      rollups.map(({ rollupId }) => ({ rollupId, block: blockAt(rollupId, second) })),
    messagesAt(second, signatures) {
      const claims = rollups.map(({ rollupId }) => claimAt(schedule, rollupId, second));
      const signed = signatures === "real" ? claims.map(signaturesOf) : [];
      const messages: Uint8Array[] = [];
      for (const [index, { operator }] of members.entries()) {
        // The node signs for the first itself.
        if (index === 0 || isSilent(index, second)) continue;
        const attestations = claims.map((claim, at) => {
          return { claim, operator, signature: signed[at]?.[index] ?? madeUpSignature };
        });
        for (let from = 0; from < attestations.length; from += PER_MESSAGE) {
          messages.push(encodeAttestations(attestations.slice(from, from + PER_MESSAGE)));
        }
      }
      return messages;
    },
    certificatesAt(second) {
      const present = [...members.keys()].filter((index) => index > 0 && !isSilent(index, second));
      const signers = bitfieldFromIndices(present, members.length);
      return rollups.map(({ rollupId }) => {
        const claim = claimAt(schedule, rollupId, second);
        const { operatorSetHash } = operatorSet(claim.epoch);
        const id = { digest: claimDigest(DOMAIN, claim), operatorSetHash, signers };
        const head = { version: 1, certificateId: certificateId(id), domain: DOMAIN } as const;
        return { ...head, claim, operatorSetHash, signers, signature };
      });
    },
  };
}

function buildSet(
  bls: NativeBls,
  epoch: bigint,
  operators: readonly Omit<Operator, "index">[],
): OperatorSet {
  const built = buildOperatorSet(bls, { epoch, operators });
  if (!built.ok) throw new Error(built.code);
  return built.operatorSet;
}

function claimAt(schedule: EpochSchedule, rollupId: bigint, second: number): Claim {
  const { blockNumber, blockHash, stateRoot, timestamp } = blockAt(rollupId, second);
  const epoch = epochAt(schedule, timestamp);
  if (epoch === null) throw new RangeError("before the genesis");
  const outputRoot: Hex = `0x${"00".repeat(32)}`;
  const { verification } = PARAMETERS;
  return {
    rollupId,
    blockNumber,
    blockHash,
    stateRoot,
    outputRoot,
    timestamp,
    epoch,
    verification,
  };
}

/** Nothing of it is hashed: whoever makes a `VerifiedBlock` says that it was. */
function blockAt(rollupId: bigint, second: number): VerifiedBlock {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64BE(rollupId);
  header.writeUInt32BE(second, 8);
  return {
    blockNumber: BigInt(second) + 1n,
    blockHash: hashOf("bb", rollupId, second),
    parentHash: hashOf("bb", rollupId, second - 1),
    stateRoot: hashOf("cc", rollupId, second),
    outputRoot: `0x${"00".repeat(32)}`,
    timestamp: FIRST_SECOND + BigInt(second),
    headerRlp: `0x${header.toString("hex")}`,
  };
}

function hashOf(kind: "bb" | "cc", rollupId: bigint, second: number): Hex {
  const bytes = Buffer.alloc(32, kind, "hex");
  bytes.writeBigUInt64BE(rollupId, 8);
  bytes.writeInt32BE(second, 24);
  return `0x${bytes.toString("hex")}`;
}

/** Each is away now and then, and never so many at once that a height stays without a quorum. */
function isSilent(index: number, second: number): boolean {
  return (index * 31 + second) % SILENT_ONE_IN === 0;
}

function randomScalar(): bigint {
  // Far below the order of the group also after a thousand steps.
  return BigInt(`0x${randomBytes(24).toString("hex")}`);
}

function secretKey(
  bls: NativeBls,
  scalar: bigint,
): NonNullable<ReturnType<NativeBls["secretKeyFromBytes"]>> {
  const key = bls.secretKeyFromBytes(Buffer.from(scalar.toString(16).padStart(64, "0"), "hex"));
  if (key === null) throw new RangeError("no key of this scalar");
  return key;
}
