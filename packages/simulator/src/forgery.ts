import {
  bitfieldFromIndices,
  type Certificate,
  type Claim,
  compressSignature,
  type Hex,
  setUpdateDigest,
  type WireAttestation,
} from "@mach/core";
import { type BlockTree, pathBetween } from "./block-tree.ts";
import { certify } from "./certify.ts";
import type { Message } from "./message.ts";
import type { Random } from "./random.ts";
import type { Member, Setting } from "./setting.ts";

/** A message that must not be believed, and the digest that its sender has signed for it, if any. */
export interface Forgery {
  readonly message: Message;
  readonly signs: Hex | null;
}

interface Forging {
  readonly setting: Setting;
  readonly random: Random;
  /** What is true. */
  readonly claim: Claim;
  readonly member: Member;
  readonly heard: readonly ReadonlyMap<Hex, WireAttestation>[];
  readonly tree: BlockTree;
}

/** A few messages that are wrong in different ways. */
export function forge(forging: Forging): readonly Forgery[] {
  const { random } = forging;
  const kinds = random.shuffle([
    badSignature,
    otherHeight,
    otherEpoch,
    outsider,
    loneCertificate,
    paddedCertificate,
    falseDouble,
    falseCharge,
    flood,
    falseUpdate,
  ]);
  return kinds.slice(0, random.between(1, 3)).flatMap((kind) => kind(forging));
}

function attest({ setting }: Forging, member: Member, claim: Claim): WireAttestation {
  const signature = setting.bls.sign(member.publicKey, setting.digestOf(claim));
  return { claim, operator: member.operator, signature };
}

function attested(forging: Forging, claim: Claim): Forgery {
  const attestation = attest(forging, forging.member, claim);
  return {
    message: { type: "attestation", attestation },
    signs: forging.setting.digestOf(claim),
  };
}

function noise(random: Random): Uint8Array {
  return Uint8Array.from({ length: 96 }, () => random.between(0, 255));
}

/** In others' names: they may be counted as arrived, and spoil the sum that they are part of. */
function badSignature({ setting, random, claim }: Forging): readonly Forgery[] {
  const names = random.shuffle(setting.members).slice(0, random.between(1, 4));
  return names.map(({ operator }) => {
    const attestation = { claim, operator, signature: noise(random) };
    return { message: { type: "attestation", attestation }, signs: null };
  });
}

function otherHeight(forging: Forging): readonly Forgery[] {
  const { random, claim } = forging;
  const offset = BigInt(random.pick([-200, -40, 1, 3, 30, 1_000, 1_000_000]));
  const blockNumber = claim.blockNumber + offset < 0n ? 0n : claim.blockNumber + offset;
  return [attested(forging, { ...claim, blockNumber })];
}

function otherEpoch(forging: Forging): readonly Forgery[] {
  const { random, claim } = forging;
  return [attested(forging, { ...claim, epoch: claim.epoch + BigInt(random.pick([1, 2, 1_000])) })];
}

/** True claims for many heights that nobody has seen yet. */
function flood(forging: Forging): readonly Forgery[] {
  const { setting, claim } = forging;
  const interval = BigInt(setting.plan.attestationInterval);
  return Array.from({ length: 40 }, (_, i) => {
    const blockNumber = claim.blockNumber + BigInt(i + 1) * interval;
    return attested(forging, { ...claim, blockNumber });
  });
}

/** A key that is in no set. */
function outsider({ setting, claim }: Forging): readonly Forgery[] {
  const operator: Hex = `0x${"ff".repeat(20)}`;
  const digest = setting.digestOf(claim);
  const signature = setting.bls.sign(`0x${"ff".repeat(48)}`, digest);
  return [
    { message: { type: "attestation", attestation: { claim, operator, signature } }, signs: null },
  ];
}

/** A good signature by one operator, as a certificate of everybody or of itself. */
function loneCertificate(forging: Forging): readonly Forgery[] {
  const { setting, random, claim, member } = forging;
  const operators = setting.operatorSet(claim.epoch)?.operators ?? [];
  const own = operators.find(({ operator }) => operator === member.operator);
  if (own === undefined) return [];
  const isAll = random.chance(0.5);
  const indices = isAll ? operators.map(({ index }) => index) : [own.index];
  const { signature } = attest(forging, member, claim);
  const certificate = certify(setting, claim, { indices, signatures: [signature] });
  if (certificate === null) return [];
  return [{ message: { type: "certificate", certificate }, signs: setting.digestOf(claim) }];
}

/** What was heard of a claim, with one more bit than signatures. */
function paddedCertificate(forging: Forging): readonly Forgery[] {
  const { setting, random, claim } = forging;
  const operators = setting.operatorSet(claim.epoch)?.operators ?? [];
  const digest = setting.digestOf(claim);
  const heard = forging.heard.find((each) => {
    const [first] = each.values();
    return first !== undefined && setting.digestOf(first.claim) === digest;
  });
  const signed = operators.filter(({ operator }) => heard?.has(operator));
  const missing = operators.filter(({ operator }) => !heard?.has(operator));
  if (heard === undefined || signed.length === 0 || missing.length === 0) return [];
  const indices = [...signed, random.pick(missing)].map(({ index }) => index);
  const signatures = [...heard.values()].map(({ signature }) => signature);
  const certificate = certify(setting, claim, { indices, signatures });
  return certificate === null
    ? []
    : [{ message: { type: "certificate", certificate }, signs: null }];
}

/** An honest operator's one signature, told as two. */
function falseDouble(forging: Forging): readonly Forgery[] {
  const { setting, random } = forging;
  const heard = forging.heard.flatMap((each) => [...each.values()]).slice(-64);
  if (heard.length === 0) return [];
  const { claim, operator, signature } = random.pick(heard);
  const other = { ...claim, stateRoot: `0x${"77".repeat(32)}` as Hex };
  const pair = [claim, random.chance(0.3) ? claim : other].map((each) => ({
    claim: each,
    operator,
    signature: compressSignature(signature),
  }));
  pair.sort((a, b) => (setting.digestOf(a.claim) < setting.digestOf(b.claim) ? -1 : 1));
  const [first, second] = pair;
  if (first === undefined || second === undefined) return [];
  const { rollupId, blockNumber } = claim;
  const evidence = {
    kind: "double-attestation",
    rollupId,
    blockNumber,
    operator,
    first,
    second,
  } as const;
  return [{ message: { type: "evidence", evidence }, signs: null }];
}

/** Two good certificates of one chain, told as a conflict: with its headers, or with none. */
function falseCharge(forging: Forging): readonly Forgery[] {
  const { setting, random } = forging;
  const certificates = forging.heard.slice(-16).flatMap((heard) => {
    const [first] = heard.values();
    const operators = first && setting.operatorSet(first.claim.epoch)?.operators;
    if (first === undefined || !operators) return [];
    const signed = operators.filter(({ operator }) => heard.has(operator));
    const signatures = signed.map(
      ({ operator }) => heard.get(operator)?.signature ?? noise(random),
    );
    const indices = signed.map(({ index }) => index);
    const certificate = certify(setting, first.claim, { indices, signatures });
    return certificate === null ? [] : [{ certificate, signed }];
  });
  const [lower, higher] = [certificates.at(0), certificates.at(-1)];
  if (lower === undefined || higher === undefined || lower === higher) return [];
  const operators = lower.signed
    .map(({ operator }) => operator)
    .filter((operator) => higher.signed.some((each) => each.operator === operator));
  const evidence = {
    kind: "conflicting-certificates",
    rollupId: lower.certificate.claim.rollupId,
    operators,
    lower: lower.certificate,
    higher: higher.certificate,
    headers: random.chance(0.5) ? headersBetween(forging.tree, lower, higher) : [],
  } as const;
  return [{ message: { type: "evidence", evidence }, signs: null }];
}

/** The set that L1 has fixed, signed by nobody but the sender in the name of all. */
function falseUpdate(forging: Forging): readonly Forgery[] {
  const { setting, random, claim, member } = forging;
  const [signing, next] = [claim.epoch, claim.epoch + 1n].map((each) => setting.operatorSet(each));
  if (!signing || !next) return [];
  const { domain } = setting;
  const epoch = next.epoch;
  const isTrue = random.chance(0.5);
  const operatorSetHash = isTrue ? next.operatorSetHash : signing.operatorSetHash;
  const digest = setUpdateDigest(domain, { epoch, operatorSetHash });
  const indices = signing.operators.map(({ index }) => index);
  const update = {
    version: 1,
    domain,
    epoch,
    operatorSetHash,
    signedBy: signing.operatorSetHash,
    signers: bitfieldFromIndices(indices, signing.operators.length),
    signature: compressSignature(setting.bls.sign(member.publicKey, digest)),
  } as const;
  const operators = signing.operators.map(({ operator }) => operator);
  const registryHash = claim.blockHash;
  const evidence = { kind: "false-set-update", operators, update, registryHash } as const;
  return [
    { message: { type: "set-update", update }, signs: digest },
    { message: { type: "evidence", evidence }, signs: null },
  ];
}

/** From the higher block down to the lower one's child, newest first. */
function headersBetween(
  tree: BlockTree,
  lower: { readonly certificate: Certificate },
  higher: { readonly certificate: Certificate },
): readonly Hex[] {
  const [from, to] = [lower, higher].map(({ certificate }) =>
    tree.byHash(certificate.claim.blockHash),
  );
  if (from === undefined || to === undefined) return [];
  return pathBetween(from, to)
    .map(({ headerRlp }) => headerRlp)
    .reverse();
}
