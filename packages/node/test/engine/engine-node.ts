import { type BatchVerifier, createBatchVerifier, createNativeBls } from "@mach/bls";
import {
  buildOperatorSet,
  type Certificate,
  type Claim,
  certificateId,
  claimDigest,
  concatHex,
  type Domain,
  type EngineOptions,
  type EpochSchedule,
  type Evidence,
  fromHex,
  type Hex,
  keccak256,
  type OperatorSet,
  type RollupParameters,
  type SetUpdate,
  setUpdateDigest,
  toHex,
  uintWord,
  type VerifiedAttestation,
  type VerifiedBlock,
  type WireAttestation,
  ZERO_HASH,
} from "@mach/core";
import { afterAll, beforeAll } from "vitest";
import type { Announcement, ClaimSigner, EnginePorts } from "../../src/engine/ports.ts";
import { createEngineShell, type EngineShell } from "../../src/engine/shell.ts";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import { type Store, storeOptions } from "../../src/store/store.ts";

export const bls = createNativeBls();
export const ROLLUP_ID = 902n;
export const DOMAIN: Domain = { chainId: 31_337n, verifyingContract: `0x${"aa".repeat(20)}` };
export const SCHEDULE: EpochSchedule = { genesisTime: 1_000n, epochSeconds: 60n };
export const WEIGHTS = [22n, 24n, 26n, 28n] as const;
export const PARAMETERS: RollupParameters = {
  rollupId: ROLLUP_ID,
  stack: "evm",
  attestationInterval: 1n,
  thresholdBps: 6667,
  verification: 1,
};

const KEYS = [1, 2, 3, 4, 5].map((number) => {
  const key = bls.secretKeyFromBytes(fromHex(uintWord(number)));
  if (key === null) throw new Error("no key");
  return key;
});

/** In ascending order of address. */
export const OPERATORS: readonly Hex[] = KEYS.map((_, i): Hex => `0x${`0${i + 1}`.repeat(20)}`);

export function operatorAt(index: number): Hex {
  const operator = OPERATORS[index];
  if (operator === undefined) throw new Error("no such operator");
  return operator;
}

function keyAt(index: number): (typeof KEYS)[number] {
  const key = KEYS[index];
  if (key === undefined) throw new Error("no such key");
  return key;
}

export function operatorSetOf(epoch: bigint, weights: readonly bigint[] = WEIGHTS): OperatorSet {
  const operators = weights.map((weight, i) => ({
    operator: operatorAt(i),
    publicKey: bls.publicKeyOf(keyAt(i)),
    weight,
  }));
  const built = buildOperatorSet(bls, { epoch, operators });
  if (!built.ok) throw new Error(built.code);
  return built.operatorSet;
}

const headers = new Map<string, Hex>();

/** The preimage of a block's hash, in the form of EraVM's: number, branch, parent, nothing. */
function headerAt(blockNumber: bigint, branch: number): Hex {
  const key = `${blockNumber}/${branch}`;
  const known = headers.get(key);
  if (known !== undefined) return known;
  const parent = blockNumber === 0n ? ZERO_HASH : keccak256(headerAt(blockNumber - 1n, branch));
  const header = concatHex(uintWord(blockNumber), uintWord(branch), parent, ZERO_HASH);
  headers.set(key, header);
  return header;
}

/** A block of a branch; blocks of one branch link to each other. */
export function blockAt(blockNumber: bigint, branch = 0): VerifiedBlock {
  const headerRlp = headerAt(blockNumber, branch);
  const blockHash = keccak256(headerRlp);
  const timestamp = SCHEDULE.genesisTime + blockNumber;
  const parentHash: Hex = `0x${headerRlp.slice(2 + 128, 2 + 192)}`;
  const [stateRoot, outputRoot] = [keccak256(blockHash), ZERO_HASH];
  return { blockNumber, blockHash, parentHash, stateRoot, outputRoot, timestamp, headerRlp };
}

export function claimAt(blockNumber: bigint, branch = 0): Claim {
  const { blockHash, stateRoot, timestamp } = blockAt(blockNumber, branch);
  return {
    rollupId: ROLLUP_ID,
    blockNumber,
    blockHash,
    stateRoot,
    outputRoot: ZERO_HASH,
    timestamp,
    epoch: (timestamp - SCHEDULE.genesisTime) / SCHEDULE.epochSeconds,
    verification: 1,
  };
}

export function attest(index: number, claim: Claim): WireAttestation {
  const { uncompressed } = bls.sign(keyAt(index), claimDigest(DOMAIN, claim));
  return { claim, operator: operatorAt(index), signature: uncompressed };
}

/** An attestation in one operator's name with another's signature. */
export function forge(index: number, claim: Claim): WireAttestation {
  return { ...attest((index + 1) % WEIGHTS.length, claim), operator: operatorAt(index) };
}

/** A certificate by these operators, as a peer would send it. */
export function certify(claim: Claim, indices: readonly number[]): Certificate {
  const digest = claimDigest(DOMAIN, claim);
  const { operatorSetHash } = operatorSetOf(claim.epoch);
  const signature = bls.aggregateSignatures(indices.map((i) => attest(i, claim).signature));
  if (signature === null) throw new Error("no sum");
  const signers = toHex(new Uint8Array([indices.reduce((bits, i) => bits | (1 << i), 0)]));
  const id = certificateId({ digest, operatorSetHash, signers });
  const version = 1 as const;
  return { version, certificateId: id, domain: DOMAIN, claim, operatorSetHash, signers, signature };
}

/** The update into an epoch as these operators of the set before would sign it. */
export function updateBy(
  indices: readonly number[],
  epoch: bigint,
  operatorSetHash: Hex = operatorSetOf(epoch).operatorSetHash,
): SetUpdate {
  const digest = setUpdateDigest(DOMAIN, { epoch, operatorSetHash });
  const signature = bls.aggregateSignatures(
    indices.map((i) => bls.sign(keyAt(i), digest).uncompressed),
  );
  if (signature === null) throw new Error("no sum");
  const signers = toHex(new Uint8Array([indices.reduce((bits, i) => bits | (1 << i), 0)]));
  const signedBy = operatorSetOf(epoch - 1n).operatorSetHash;
  const [version, domain] = [1, DOMAIN] as const;
  return { version, domain, epoch, operatorSetHash, signedBy, signers, signature };
}

export function doubleAttestation(index: number, blockNumber: bigint): Evidence {
  const [first, second] = [claimAt(blockNumber), claimAt(blockNumber, 1)]
    .sort((a, b) => (claimDigest(DOMAIN, a) < claimDigest(DOMAIN, b) ? -1 : 1))
    .map((claim) => {
      const { compressed } = bls.sign(keyAt(index), claimDigest(DOMAIN, claim));
      return { claim, operator: operatorAt(index), signature: compressed };
    });
  if (first === undefined || second === undefined) throw new Error("no pair");
  const operator = operatorAt(index);
  return { kind: "double-attestation", rollupId: ROLLUP_ID, blockNumber, operator, first, second };
}

/** Signs at once, without a record. */
export function signerOf(index: number, key: number = index): ClaimSigner {
  return {
    holds: async (publicKey) => publicKey === bls.publicKeyOf(keyAt(key)),
    sign: async ({ claim }) => ({
      ok: true,
      attestation: { ...attest(key, claim), operator: operatorAt(index) },
    }),
    lastSigned: async () => null,
    signSetUpdate: async (asked) => {
      const { compressed } = bls.sign(keyAt(key), setUpdateDigest(DOMAIN, asked));
      return { ok: true, signature: compressed };
    },
  };
}

export const ENGINE_OPTIONS: EngineOptions = {
  domain: DOMAIN,
  schedule: SCHEDULE,
  operator: null,
  rollups: [{ rollupId: ROLLUP_ID, lastSigned: null }],
  improvementWindowMs: 2_000,
  openHeights: 16,
  earlyAttestations: 64,
  chainDepth: 64,
  graceMs: 1_000,
};

export function memoryStore(): Store {
  return createMemoryStore({ ...storeOptions(DOMAIN), maxEvidence: 1_000, maxAlerts: 100 });
}

/** A shell with real BLS, and all that its effects reached, in order. */
export interface EngineNode {
  readonly shell: EngineShell;
  readonly store: Store;
  readonly announced: Announcement[];
  readonly attestations: VerifiedAttestation[];
  readonly certificates: Certificate[];
  readonly evidence: Evidence[];
  readonly setUpdates: SetUpdate[];
  readonly fatal: unknown[];
  readonly clock: { now: number };
  block(blockNumber: bigint, branch?: number): void;
  /** Gives it the sets of these epochs. */
  learn(...epochs: readonly bigint[]): void;
  /** Gives it the sets of these epochs as L1 has finalised them: what the watcher reads. */
  finalize(...epochs: readonly bigint[]): void;
}

export interface EngineNodeOptions {
  readonly verifier: EnginePorts["verifier"];
  readonly engine?: Partial<EngineOptions>;
  readonly store?: Store;
  readonly signer?: ClaimSigner;
  readonly gossip?: Partial<EnginePorts["gossip"]>;
  readonly bls?: EnginePorts["bls"];
  readonly announce?: EnginePorts["announce"];
}

export function createEngineNode(options: EngineNodeOptions): EngineNode {
  const store = options.store ?? memoryStore();
  const clock = { now: 1_000_000 };
  const seen = {
    ...{ announced: [], attestations: [], certificates: [], evidence: [] },
    ...{ setUpdates: [], fatal: [] },
  };
  const node: Omit<EngineNode, "shell" | "block" | "learn" | "finalize"> = {
    ...seen,
    store,
    clock,
  };
  const shell = createEngineShell(
    { ...ENGINE_OPTIONS, ...options.engine },
    {
      bls: options.bls ?? bls,
      verifier: options.verifier,
      signer: options.signer ?? null,
      store,
      gossip: {
        publishAttestation: (each) => node.attestations.push(each),
        publishCertificate: (each) => node.certificates.push(each),
        publishEvidence: (each) => node.evidence.push(each),
        publishSetUpdate: (each) => node.setUpdates.push(each),
        ...options.gossip,
      },
      announce: (announcement) => {
        node.announced.push(announcement);
        options.announce?.(announcement);
      },
      onFatal: (error) => node.fatal.push(error),
      now: () => clock.now,
    },
  );
  return {
    ...node,
    shell,
    block(blockNumber, branch = 0) {
      const block = blockAt(blockNumber, branch);
      const observedAtMs = clock.now;
      shell.input({ type: "block-verified", rollupId: ROLLUP_ID, block, observedAtMs });
    },
    learn(...epochs) {
      for (const epoch of epochs) {
        const operatorSet = operatorSetOf(epoch);
        shell.input({ type: "set-known", operatorSet, rollups: [PARAMETERS] });
      }
    },
    finalize(...epochs) {
      for (const epoch of epochs) {
        const operatorSet = operatorSetOf(epoch);
        const { operatorSetHash } = operatorSet;
        shell.input({ type: "set-known", operatorSet, rollups: [PARAMETERS] });
        shell.input({ type: "set-final", epoch, operatorSetHash });
      }
    },
  };
}

/** One batch verifier for a test file. */
export function useVerifier(): () => BatchVerifier {
  let verifier: BatchVerifier | undefined;
  beforeAll(async () => {
    verifier = await createBatchVerifier();
  });
  afterAll(() => verifier?.close());
  return () => {
    if (verifier === undefined) throw new Error("not started");
    return verifier;
  };
}

/** The heights that a node's newest certificates stand at, with their ids. */
export function certifiedIds(node: EngineNode): Readonly<Record<string, Hex>> {
  const rollup = node.shell.state().rollups.get(ROLLUP_ID);
  const entries = [...(rollup?.certified ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([at, held]) => [`${at}`, held.certificate.certificateId]));
}
