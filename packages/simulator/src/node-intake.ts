import {
  admitAttestation,
  asVerified,
  type Certificate,
  certificateId,
  checkClaim,
  claimStructHash,
  type Evidence,
  isBitfieldOf,
  isSameClaim,
  isSameDomain,
  MIN_THRESHOLD_BPS,
  openAttestations,
  openSetUpdates,
  replacesCertificate,
  signersOf,
  sumWeight,
  toCertificate,
  verifyCertificate,
  verifyEvidence,
  type WireAttestation,
} from "@mach/core";
import type { Message } from "./message.ts";
import { receiveSetUpdate } from "./node-set-updates.ts";
import type { Random } from "./random.ts";
import { ROLLUP_ID } from "./setting.ts";
import type { SimNode } from "./sim-node.ts";

const PAGE = 64;
const SYNC_OVERLAP = 8n;
const MAX_EVIDENCE = 64;

/** What a node does with a message: the checks of the node's shell, in its order. */
export function receive(node: SimNode, from: number, message: Message): void {
  switch (message.type) {
    case "attestation":
      receiveAttestation(node, message.attestation);
      return;
    case "certificate":
      receiveCertificate(node, message.certificate);
      return;
    case "evidence":
      receiveEvidence(node, message.evidence);
      return;
    case "set-update":
      receiveSetUpdate(node, message.update);
      return;
    case "sync-request":
      node.ports.send(from, answerSync(node, message.from));
      return;
    case "sync-answer":
      node.ports.log(() => `node ${node.index} takes what node ${from} holds`);
      for (const each of message.certificates) receiveCertificate(node, each);
      for (const each of message.attestations) receiveAttestation(node, each);
      for (const each of message.evidence) receiveEvidence(node, each);
      for (const each of message.setUpdates) receiveSetUpdate(node, each);
      return;
  }
}

/** From which height on a node asks a peer for certificates: theirs may be better below too. */
export function firstWanted(node: SimNode): bigint {
  const newest = node.rollup?.newest?.certificate.claim.blockNumber ?? 0n;
  return newest > SYNC_OVERLAP ? newest - SYNC_OVERLAP : 0n;
}

/** What a node hands to a peer that asks for certificates from a height on. */
export function answerSync(node: SimNode, from: bigint): Extract<Message, { type: "sync-answer" }> {
  const certified = [...(node.rollup?.certified.values() ?? [])];
  const held = certified.filter(({ certificate }) => certificate.claim.blockNumber >= from);
  const open = openAttestations(node.state, { rollupId: ROLLUP_ID, from: 0n, limit: 256 });
  return {
    type: "sync-answer",
    certificates: held.slice(-PAGE).map(({ certificate }) => toCertificate(certificate)),
    attestations: open.map(({ claim, operator, signature }) => ({ claim, operator, signature })),
    evidence: node.store.evidence().slice(-MAX_EVIDENCE),
    setUpdates: openSetUpdates(node.state, { epoch: 0n, from: 0, limit: PAGE }),
  };
}

/** One name for a breach, in whichever of the ways it is told. */
export function keyOfEvidence(evidence: Evidence): string {
  switch (evidence.kind) {
    case "double-attestation":
    case "attestation-against-certificate":
      return `height/${evidence.operator}/${evidence.blockNumber}`;
    case "conflicting-certificates": {
      const pair = [evidence.lower, evidence.higher].map(({ claim }) => claimStructHash(claim));
      return `pair/${pair.join("/")}/${evidence.operators.join()}`;
    }
    case "false-set-update":
      return `update/${evidence.update.epoch}/${evidence.update.operatorSetHash}`;
  }
}

function receiveAttestation(node: SimNode, attestation: WireAttestation): void {
  const admission = admitAttestation(node.state, attestation);
  if (!admission.ok) return;
  const admitted = admission.attestation;
  const { bls } = node.ports.setting;
  node.input({ type: "attestation-arrived", attestation: admitted });
  node.later(checkDelayMs(node.ports.random), () => {
    const { publicKey, digest, signature } = admitted;
    if (!bls.verify(publicKey, digest, signature)) {
      node.input({ type: "attestation-refused", attestation: admitted });
    } else if (!isCounted(node, attestation)) {
      node.input({ type: "attestation-verified", attestation: asVerified(admitted) });
    }
  });
}

/** A check waits for the batch before it, and at times for a whole queue. */
function checkDelayMs(random: Random): number {
  return random.chance(0.15) ? random.between(10, 150) : random.between(1, 6);
}

function isCounted(node: SimNode, { claim, operator }: WireAttestation): boolean {
  const index = node.state.epochs.get(claim.epoch)?.byOperator.get(operator);
  const height = node.rollup?.heights.get(claim.blockNumber);
  if (index === undefined || height === undefined) return false;
  for (const pool of height.pools.values()) {
    if (isSameClaim(pool.claim, claim)) return pool.verified.has(index);
  }
  return false;
}

/** Takes a certificate from outside; the code where it was not taken. */
export function receiveCertificate(node: SimNode, certificate: Certificate): string {
  const { state } = node;
  const { claim, signers, signature } = certificate;
  const { domain } = state.options;
  if (!isSameDomain(certificate.domain, domain)) return "wrong-domain";
  const illegal = checkClaim(state, claim);
  if (illegal !== null) return illegal;
  const epoch = state.epochs.get(claim.epoch);
  const parameters = epoch?.rollups.get(claim.rollupId);
  if (epoch === undefined || parameters === undefined) return "unknown-operator-set";
  const { operatorSet } = epoch;
  const digest = node.ports.setting.digestOf(claim);
  const isWellFormed =
    isBitfieldOf(signers, operatorSet.operators.length) &&
    certificate.certificateId === certificateId({ ...certificate, digest });
  const held = node.rollup?.certified.get(claim.blockNumber);
  if (isWellFormed && held?.digest === digest) {
    if (held.certificate.certificateId === certificate.certificateId) {
      if (held.certificate.signature !== signature) return "bad-signature";
      node.input({ type: "certificate-verified", certificate: held.certificate });
      return "known";
    }
    const signedWeight = sumWeight(signersOf(certificate, operatorSet));
    if (!replacesCertificate(held.certificate, { signers, signedWeight })) return "not-better";
  }
  const { thresholdBps } = parameters;
  const context = { operatorSet, thresholdBps, domain };
  const result = verifyCertificate(node.ports.setting.bls, certificate, context);
  if (!result.ok) return result.code;
  node.ports.judge.onCertificate(node, result.certificate);
  node.input({ type: "certificate-verified", certificate: result.certificate });
  return "accepted";
}

function receiveEvidence(node: SimNode, evidence: Evidence): void {
  const key = keyOfEvidence(evidence);
  if (node.knownEvidence.has(key)) return;
  const { bls, domain } = node.ports.setting;
  const result = verifyEvidence(bls, evidence, {
    domain,
    operatorSet: (epoch) => node.state.epochs.get(epoch)?.operatorSet,
    thresholdBps: MIN_THRESHOLD_BPS,
  });
  if (!result.ok) return;
  node.ports.judge.onEvidence(node.index, evidence);
  if (evidence.kind === "conflicting-certificates") {
    receiveCertificate(node, evidence.lower);
    receiveCertificate(node, evidence.higher);
  }
  node.knownEvidence.add(key);
  node.store.putEvidence(evidence);
}
