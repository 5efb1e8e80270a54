import {
  admitAttestation,
  asVerified,
  buildOperatorSet,
  type Claim,
  certificateId,
  claimDigest,
  concatHex,
  createEngineState,
  type Effect,
  type EngineOptions,
  type EngineState,
  type Evidence,
  type Hex,
  type Input,
  keccak256,
  type OperatorSet,
  type Report,
  type RollupParameters,
  signersOf,
  step,
  sumWeight,
  toHex,
  uintWord,
  type VerifiedAttestation,
  type VerifiedBlock,
  type VerifiedCertificate,
  verifyCertificate,
  type WireAttestation,
  ZERO_HASH,
} from "../../src/index.ts";
import { xorBls, xorSign, xorSum } from "../xor-bls.ts";

export const ROLLUP_ID = 902n;
export const domain = {
  chainId: 31_337n,
  verifyingContract: `0x${"aa".repeat(20)}`,
} as const;
export const schedule = { genesisTime: 1_000n, epochSeconds: 60n };

/** The operators of the local network, in ascending order of address. */
export const WEIGHTS = [22n, 24n, 26n, 28n] as const;
export const OPERATORS: readonly Hex[] = WEIGHTS.map((_, i): Hex => `0x${`0${i + 1}`.repeat(20)}`);

export function operatorSetOf(epoch: bigint, weights: readonly bigint[] = WEIGHTS): OperatorSet {
  const operators = weights.map((weight, i) => ({
    operator: `0x${`0${i + 1}`.repeat(20)}` as Hex,
    publicKey: `0x${`${i + 1}`.padStart(2, "c").repeat(48)}` as Hex,
    weight,
  }));
  const result = buildOperatorSet(xorBls, { epoch, operators });
  if (!result.ok) throw new Error(result.code);
  return result.operatorSet;
}

export const parameters: RollupParameters = {
  rollupId: ROLLUP_ID,
  stack: "evm",
  attestationInterval: 1n,
  thresholdBps: 6667,
  verification: 1,
};

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

/** A block of a branch; blocks of one branch link to each other, down to a genesis of their own. */
export function blockAt(blockNumber: bigint, branch = 0): VerifiedBlock {
  const headerRlp = headerAt(blockNumber, branch);
  const blockHash = keccak256(headerRlp);
  return {
    blockNumber,
    blockHash,
    parentHash: `0x${headerRlp.slice(2 + 128, 2 + 192)}`,
    stateRoot: keccak256(blockHash),
    outputRoot: ZERO_HASH,
    timestamp: 1_000n + blockNumber,
    headerRlp,
  };
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
    epoch: (timestamp - schedule.genesisTime) / schedule.epochSeconds,
    verification: 1,
  };
}

export function attest(operator: Hex, claim: Claim): WireAttestation {
  const member = operatorSetOf(claim.epoch).operators.find((each) => each.operator === operator);
  if (member === undefined) throw new Error("no such operator");
  return { claim, operator, signature: xorSign(member.publicKey, claimDigest(domain, claim)) };
}

/** What a node of the tests did, in the order in which it did it. */
export interface Trace {
  readonly published: VerifiedAttestation[];
  /** The signers of each sum that was asked for. */
  readonly sums: Hex[];
  readonly certificates: VerifiedCertificate[];
  readonly gossiped: VerifiedCertificate[];
  readonly evidence: Evidence[];
  readonly reports: Report[];
  readonly contradictions: number[];
}

export interface TestNode {
  readonly state: () => EngineState;
  readonly trace: Trace;
  now: number;
  input(input: Input): void;
  /** The whole path of an attestation from the wire; the code where it was not admitted. */
  receive(attestation: WireAttestation): string;
  receiveCertificate(certificate: VerifiedCertificate): string;
  block(block: VerifiedBlock): void;
  tick(now: number): void;
}

/** A node without I/O: its effects are performed at once, by the twin of BLS. */
export function createTestNode(options: Partial<EngineOptions> = {}): TestNode {
  let state = createEngineState({
    domain,
    schedule,
    operator: null,
    rollups: [{ rollupId: ROLLUP_ID, lastSigned: null }],
    improvementWindowMs: 2_000,
    openHeights: 16,
    earlyAttestations: 64,
    chainDepth: 32,
    graceMs: 1_000,
    ...options,
  });
  const trace: Trace = {
    published: [],
    sums: [],
    certificates: [],
    gossiped: [],
    evidence: [],
    reports: [],
    contradictions: [],
  };
  const node: TestNode = {
    state: () => state,
    trace,
    now: 0,
    input(input) {
      const result = step(state, input, node.now);
      state = result.state;
      for (const effect of result.effects) perform(node, effect);
    },
    receive(attestation) {
      const admission = admitAttestation(state, attestation);
      if (!admission.ok) return admission.code;
      const admitted = admission.attestation;
      node.input({ type: "attestation-arrived", attestation: admitted });
      const { publicKey, digest } = admitted;
      const isValid = toHex(xorSign(publicKey, digest)) === toHex(attestation.signature);
      node.input(
        isValid
          ? { type: "attestation-verified", attestation: asVerified(admitted) }
          : { type: "attestation-refused", attestation: admitted },
      );
      return isValid ? "accepted" : "bad-signature";
    },
    receiveCertificate(certificate) {
      const operatorSet = state.epochs.get(certificate.claim.epoch)?.operatorSet;
      if (operatorSet === undefined) return "unknown-operator-set";
      const result = verifyCertificate(xorBls, certificate, { operatorSet, thresholdBps: 6667 });
      if (!result.ok) return result.code;
      node.input({ type: "certificate-verified", certificate: result.certificate });
      return "accepted";
    },
    block(block) {
      node.input({
        type: "block-verified",
        rollupId: ROLLUP_ID,
        block,
        observedAtMs: node.now,
      });
    },
    tick(now) {
      node.now = now;
      node.input({ type: "tick" });
    },
  };
  return node;
}

/** A certificate by these operators for a claim, as a peer would send it. */
export function certify(claim: Claim, indices: readonly number[]): VerifiedCertificate {
  const operatorSet = operatorSetOf(claim.epoch);
  const digest = claimDigest(domain, claim);
  const signers = toHex(new Uint8Array([indices.reduce((bits, index) => bits | (1 << index), 0)]));
  const members = signersOf({ signers }, operatorSet);
  const { operatorSetHash, totalWeight } = operatorSet;
  const unverified = {
    version: 1,
    certificateId: certificateId({ digest, operatorSetHash, signers }),
    domain,
    claim,
    operatorSetHash,
    signers,
    signature: toHex(xorSum(members.map((each) => xorSign(each.publicKey, digest)))),
    signedWeight: sumWeight(members),
    totalWeight,
    thresholdBps: 6667,
  };
  return unverified as unknown as VerifiedCertificate;
}

function perform(node: TestNode, effect: Effect): void {
  switch (effect.type) {
    case "sign": {
      const { operator } = node.state().options;
      if (operator !== null)
        node.input({ type: "signed", attestation: attest(operator, effect.claim) });
      return;
    }
    case "publish-attestation":
      node.trace.published.push(effect.attestation);
      return;
    case "check-sum": {
      const { claim, digest, signers, publicKeys, signatures } = effect;
      node.trace.sums.push(signers);
      const sum = toHex(xorSum(signatures));
      const isValid = xorBls.verifyAggregate({ publicKeys, message: digest, signature: sum });
      const signature = isValid ? sum : null;
      node.input({ type: "sum-checked", claim, digest, signers, signature });
      return;
    }
    case "store-certificate":
      node.trace.certificates.push(effect.certificate);
      return;
    case "publish-certificate":
      node.trace.gossiped.push(effect.certificate);
      return;
    case "store-evidence":
      node.trace.evidence.push(effect.evidence);
      return;
    case "store-contradiction":
      node.trace.contradictions.push(Number(effect.contradiction.fromBlockNumber));
      return;
    case "report":
      node.trace.reports.push(effect.report);
      return;
    // Set updates have a harness of their own: `set-update-node.ts`.
    case "sign-set-update":
    case "publish-set-update":
    case "sum-set-update":
    case "store-set-update":
      return;
  }
}
