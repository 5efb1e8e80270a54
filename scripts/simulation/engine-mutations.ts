import type { FaultKind } from "@mach/simulator";
import type { Mutation } from "./mutation.ts";

/** They would only make a run longer. */
const WITHOUT: readonly FaultKind[] = ["reorg-after-attest", "split-view", "third-or-more"];

const BREAKS: readonly Mutation[] = [
  {
    name: "the threshold is rounded down",
    file: "core/src/quorum.ts",
    text: "return signedWeight * 10_000n >= totalWeight * BigInt(thresholdBps);",
    replacement: "return signedWeight >= (totalWeight * BigInt(thresholdBps)) / 10_000n;",
    seeds: 40,
  },
  {
    name: "half of the weight is enough",
    file: "core/src/quorum.ts",
    text: "return signedWeight * 10_000n >= totalWeight * BigInt(thresholdBps);",
    replacement: "return signedWeight * 2n > totalWeight;",
    seeds: 40,
  },
  {
    name: "exactly two thirds are enough",
    file: "core/src/quorum.ts",
    text: "return signedWeight * 10_000n >= totalWeight * BigInt(thresholdBps);",
    replacement: "return signedWeight * 3n >= totalWeight * 2n;",
    seeds: 80,
  },
  {
    name: "signers are counted, not weighed",
    file: "core/src/certificate.ts",
    text: "return operators.reduce((sum, each) => sum + each.weight, 0n);",
    replacement: "return operators.length === 0 ? 0n : BigInt(operators.length) * 10n ** 30n;",
    seeds: 40,
  },
  {
    name: "a certificate is replaced by one with less weight",
    file: "core/src/certificate.ts",
    text: "return next.signedWeight > current.signedWeight;",
    replacement: "return next.signedWeight < current.signedWeight;",
    seeds: 80,
  },
  {
    name: "between equal weights the larger bitfield stays",
    file: "core/src/certificate.ts",
    text: "return BigInt(next.signers) < BigInt(current.signers);",
    replacement: "return BigInt(next.signers) > BigInt(current.signers);",
    seeds: 200,
  },
  {
    name: "a certificate's signature is not checked",
    file: "core/src/certificate.ts",
    text: "if (!bls.verifyAggregate({ publicKeys, message: digest, signature })) {",
    replacement: "if (publicKeys.length === 0) {",
    seeds: 80,
  },
  {
    name: "a certificate's weight is not checked",
    file: "core/src/certificate.ts",
    text: [
      "  if (!hasQuorum({ signedWeight, totalWeight, thresholdBps })) {",
      '    return { ok: false, code: "below-threshold" };',
    ].join("\n"),
    replacement: '  if (totalWeight === 0n) {\n    return { ok: false, code: "below-threshold" };',
    seeds: 120,
  },
  {
    name: "a bad sum is taken for a good one",
    file: "core/src/engine/certificates.ts",
    text: "  if (sum.signature === null) {\n    if (pool",
    replacement: "  if (sum.signers === null) {\n    if (pool",
    seeds: 120,
  },
  {
    name: "what has only arrived counts as verified",
    file: "core/src/engine/attestation-pool.ts",
    text: "  pool.arrived.set(attestation.index, attestation);\n",
    replacement: [
      "  pool.verified.set(attestation.index, asVerified(attestation));",
      "  pool.verifiedWeight += attestation.weight;\n",
    ].join("\n"),
    seeds: 120,
  },
  {
    name: "an operator keeps its signature to itself",
    file: "core/src/engine/attestation-pool.ts",
    text: '  emit({ type: "publish-attestation", attestation: verified });\n',
    replacement: "",
    seeds: 20,
  },
  {
    name: "a set update is signed before L1 has finalised the set",
    file: "core/src/engine/set-updates.ts",
    text: "if (operator === null || !progress.isFinal || epoch < 1n) return null;",
    replacement: "if (operator === null || epoch < 1n) return null;",
    seeds: 40,
  },
  {
    name: "a set update of any hash is held",
    file: "core/src/engine/set-updates.ts",
    text: "  } else if (isFalseSetUpdate(state, update)) {\n",
    replacement: "  } else if (update.signers === null) {\n",
    seeds: 120,
  },
  {
    name: "the epoch of a block is ignored",
    file: "core/src/engine/own-claim.ts",
    text: "const epoch = epochAt(state.options.schedule, block.timestamp);",
    replacement:
      "const epoch = [...state.epochs.keys()].at(0) ?? epochAt(state.options.schedule, 0n);",
    seeds: 40,
  },
  {
    name: "every block is attested, whatever the interval",
    file: "core/src/engine/own-claim.ts",
    text: "if (block.isWithinBatch || !isAttestedHeight(parameters, blockNumber)) {",
    replacement: "if (block.isWithinBatch) {",
    seeds: 40,
  },
  {
    name: "an operator signs in an epoch that it is not in",
    file: "core/src/engine/proposals.ts",
    text: 'return isMember ? own : { ok: false, reason: "not-in-set" };',
    replacement: "return isMember || own.ok ? own : own;",
    seeds: 80,
  },
  {
    name: "blocks that were left stay known",
    file: "core/src/engine/chain.ts",
    text: "    rollup.dropped.set(block.blockHash, { blockNumber, ancestor, block });\n    rollup.blocks.delete(blockNumber);\n",
    replacement: "    rollup.dropped.set(block.blockHash, { blockNumber, ancestor, block });\n",
    seeds: 120,
  },
  {
    name: "nothing is pruned",
    file: "core/src/engine/chain.ts",
    text: "  prune(state, rollup);\n",
    replacement: "",
    seeds: 40,
  },
  {
    name: "the queue for blocks to come has no bound",
    file: "core/src/engine/admission.ts",
    text: "return (rollup.early.get(vote.operator) ?? 0) >= share;",
    replacement: "return share < 0;",
    seeds: 120,
  },
  {
    name: "an attestation that comes again is evidence",
    file: "core/src/engine/convictions.ts",
    text: "if (firstDigest === undefined || firstDigest === second.digest) return null;",
    replacement: "if (firstDigest === undefined) return null;",
    seeds: 40,
  },
  {
    name: "who agrees with a certificate is held against it",
    file: "core/src/engine/convictions.ts",
    text: "  if (digest === attestation.digest) return null;\n",
    replacement: "",
    seeds: 120,
  },
  {
    name: "who has not signed a certificate is held against it",
    file: "core/src/engine/convictions.ts",
    text: "  if (!isSigner(state, certificate, attestation.operator)) return null;\n",
    replacement: "",
    seeds: 120,
  },
  {
    name: "evidence is believed without its signatures",
    file: "core/src/evidence.ts",
    text: "const isSigned = bls.verifyAggregate({ publicKeys: [member.publicKey], message, signature });",
    replacement: "const isSigned = member.publicKey !== message;",
    seeds: 120,
  },
  {
    name: "a charge needs no headers",
    file: "core/src/evidence.ts",
    text: 'if (BigInt(headers.length) !== distance) return fail("broken-header-chain");',
    replacement: 'if (headers.length > 1_000) return fail("broken-header-chain");',
    seeds: 200,
  },
  {
    name: "certificates of one chain are a conflict",
    file: "core/src/evidence.ts",
    text: 'return expected === lower.claim.blockHash ? fail("not-conflicting") : VALID;',
    replacement: 'return expected === lower.claimHash ? fail("not-conflicting") : VALID;',
    seeds: 200,
  },
  {
    name: "whatever certificate came last is the newest",
    file: "core/src/engine/certificates.ts",
    text: "else if (newest === undefined || newest <= blockNumber) rollup.newest = next;",
    replacement: "else if (newest === undefined || newest !== null) rollup.newest = next;",
    seeds: 80,
  },
  {
    name: "a certificate is served that was never stored",
    file: "core/src/engine/certificates.ts",
    text: '  emit({ type: "store-certificate", certificate, latencyMs: next.latencyMs });\n',
    replacement: "",
    seeds: 40,
  },
];

/** Breaks of what makes a certificate, evidence and an answer, whatever branch a chain takes. */
export const ENGINE_MUTATIONS: readonly Mutation[] = BREAKS.map((each) => ({
  without: WITHOUT,
  ...each,
}));
