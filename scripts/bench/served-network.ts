import { createNativeBls, type NativeBls } from "@mach/bls";
import {
  bitfieldFromIndices,
  buildCertificate,
  buildOperatorSet,
  type Claim,
  claimDigest,
  createEngineState,
  type Domain,
  type EngineState,
  type Hex,
  keccak256,
  type RollupParameters,
  step,
  uintWord,
  type VerifiedBlock,
  type VerifiedCertificate,
  ZERO_HASH,
} from "@mach/core";
import { createMemoryStore } from "../../packages/node/src/store/memory-store.ts";
import { type Store, storeOptions } from "../../packages/node/src/store/store.ts";

/** A network as a node knows it that has followed it for a while: what the HTTP rows are read of. */
export interface ServedNetwork {
  readonly bls: NativeBls;
  readonly state: EngineState;
  readonly store: Store;
  readonly rollupId: bigint;
  readonly newest: VerifiedCertificate;
}

const DOMAIN: Domain = { chainId: 31_337n, verifyingContract: `0x${"c1".repeat(20)}` };
const GENESIS_TIME = 1_700_000_000n;
const WEIGHTS = [22n, 24n, 26n, 28n];
const BLOCKS = 256n;
const PARAMETERS: RollupParameters = {
  rollupId: 902n,
  stack: "evm",
  attestationInterval: 1n,
  thresholdBps: 6667,
  verification: 1,
};

/** Four operators, 256 blocks and their certificates, in the engine and in a store in memory. */
export async function createServedNetwork(): Promise<ServedNetwork> {
  const bls = createNativeBls();
  const { rollupId } = PARAMETERS;
  const keys = WEIGHTS.map(() => bls.generateSecretKey());
  const built = buildOperatorSet(bls, {
    epoch: 0n,
    operators: keys.map((key, index) => ({
      operator: `0x${`0${index + 1}`.repeat(20)}` as Hex,
      publicKey: bls.publicKeyOf(key),
      weight: WEIGHTS[index] ?? 1n,
    })),
  });
  if (!built.ok) throw new Error(built.code);
  const { operatorSet } = built;
  const certificateAt = (blockNumber: bigint): VerifiedCertificate => {
    const claim = claimAt(blockNumber);
    const digest = claimDigest(DOMAIN, claim);
    const signature = bls.aggregateSignatures(
      keys.map((key) => bls.sign(key, digest).uncompressed),
    );
    const signers = bitfieldFromIndices([...keys.keys()], keys.length);
    const certificate =
      signature &&
      buildCertificate(
        { domain: DOMAIN, claim, signers, signature },
        { operatorSet, thresholdBps: PARAMETERS.thresholdBps },
      );
    if (certificate === null) throw new Error("no certificate");
    return certificate;
  };
  const store = createMemoryStore({ ...storeOptions(DOMAIN), maxEvidence: 16, maxAlerts: 16 });
  await store.putEpoch({ operatorSet, rollups: [PARAMETERS] });
  let state = createState();
  const input = (given: Parameters<typeof step>[1], now: number): void => {
    state = step(state, given, now).state;
  };
  input({ type: "set-known", operatorSet, rollups: [PARAMETERS] }, 0);
  let newest = certificateAt(0n);
  for (let blockNumber = 1n; blockNumber <= BLOCKS; blockNumber += 1n) {
    const observedAtMs = Date.now() - Number(BLOCKS - blockNumber) * 1_000;
    newest = certificateAt(blockNumber);
    const block = blockAt(blockNumber);
    input({ type: "block-verified", rollupId, block, observedAtMs }, observedAtMs);
    input({ type: "certificate-verified", certificate: newest }, observedAtMs + 12);
    await store.putCertificate(newest);
  }
  return { bls, state, store, rollupId, newest };
}

function createState(): EngineState {
  return createEngineState({
    domain: DOMAIN,
    schedule: { genesisTime: GENESIS_TIME, epochSeconds: 86_400n },
    operator: null,
    rollups: [{ rollupId: PARAMETERS.rollupId, lastSigned: null }],
    improvementWindowMs: 2_000,
    openHeights: 256,
    earlyAttestations: 8_192,
    chainDepth: 1_024,
    graceMs: 1_500,
  });
}

function blockAt(blockNumber: bigint): VerifiedBlock {
  const hashAt = (number: bigint): Hex => keccak256(uintWord(number + 1n));
  const blockHash = hashAt(blockNumber);
  const timestamp = GENESIS_TIME + blockNumber;
  return {
    blockNumber,
    blockHash,
    parentHash: hashAt(blockNumber - 1n),
    stateRoot: keccak256(blockHash),
    outputRoot: ZERO_HASH,
    timestamp,
    headerRlp: `0x${"5a".repeat(600)}`,
  };
}

function claimAt(blockNumber: bigint): Claim {
  const { blockHash, stateRoot, timestamp } = blockAt(blockNumber);
  return {
    rollupId: PARAMETERS.rollupId,
    blockNumber,
    blockHash,
    stateRoot,
    outputRoot: ZERO_HASH,
    timestamp,
    epoch: 0n,
    verification: 1,
  };
}
