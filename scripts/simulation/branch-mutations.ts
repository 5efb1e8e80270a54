import type { Edit, Mutation } from "./mutation.ts";

/** The engine looks for what releases below the last claim's height as well. */
const SURVEY_TO_THE_GROUND: Edit = {
  file: "core/src/engine/proposals.ts",
  text: "const lowest = last?.blockNumber ?? finalized?.blockNumber ?? tip.blockNumber;",
  replacement: "const lowest = last === undefined ? tip.blockNumber : 0n;",
};

/** Breaks that show once the sequencer leaves a branch that is signed, or shows two. */
export const BRANCH_MUTATIONS: readonly Mutation[] = [
  {
    name: "the fork lock is skipped",
    file: "core/src/fork-lock.ts",
    text: 'if (isAncestor(last, claim, ancestry)) return { ok: true, ground: "descent" };',
    replacement: 'if (ancestry !== null) return { ok: true, ground: "descent" };',
    seeds: 40,
  },
  {
    name: "a release by the certificate of the very claim",
    file: "core/src/fork-lock.ts",
    text: "certified.blockNumber < claim.blockNumber &&",
    replacement: "certified.blockNumber <= claim.blockNumber &&",
    also: [
      {
        file: "core/src/engine/proposals.ts",
        text: "return certified.blockNumber < claim.blockNumber && certified.epoch <= claim.epoch;",
        replacement:
          "return certified.blockNumber <= claim.blockNumber && certified.epoch <= claim.epoch;",
      },
    ],
    seeds: 120,
  },
  {
    name: "a release by a certificate below the last height",
    file: "core/src/fork-lock.ts",
    text: "    certified.blockNumber >= last.blockNumber &&\n",
    replacement: "",
    also: [SURVEY_TO_THE_GROUND],
    seeds: 40,
  },
  {
    name: "a release by what L1 has finalised below the last height",
    file: "core/src/fork-lock.ts",
    text: "return release.block.blockNumber >= last.blockNumber;",
    replacement: "return release.block.blockNumber >= 0n;",
    also: [SURVEY_TO_THE_GROUND],
    seeds: 40,
  },
  {
    name: "a release by a certificate of another branch",
    file: "core/src/fork-lock.ts",
    text: "isBetween(release, last, claim) && isOnBranch(release, claim, ancestry);",
    replacement:
      "isBetween(release, last, claim) && (isOnBranch(release, claim, ancestry) || last !== null);",
    also: [
      {
        file: "core/src/engine/proposals.ts",
        text: "const isOfBranch = certificate?.claim.blockHash === blockHash;",
        replacement: "const isOfBranch = certificate !== undefined;",
      },
    ],
    seeds: 80,
  },
  {
    name: "the fork lock never opens",
    file: "core/src/fork-lock.ts",
    text: 'return isReleased ? { ok: true, ground: "release" } : { ok: false, code: "fork-locked" };',
    replacement:
      'return isReleased ? { ok: false, code: "fork-locked" } : { ok: false, code: "fork-locked" };',
    seeds: 80,
  },
  {
    name: "the signing record is never synced",
    file: "simulator/src/sim-signer.ts",
    text: "  disk.sync();\n",
    replacement: "",
    seeds: 80,
  },
  {
    name: "the record is written after the signature is sent",
    file: "simulator/src/sim-signer.ts",
    text: '  disk.write(row);\n  pass("before-sync");\n  disk.sync();\n',
    replacement: "",
    also: [
      {
        file: "simulator/src/sim-signer.ts",
        text: '  pass("before-publish");\n',
        replacement: '  pass("before-publish");\n  disk.write(row);\n  disk.sync();\n',
      },
    ],
    seeds: 120,
  },
  {
    name: "certificates are not held against L1's finalised head",
    file: "core/src/engine/contradiction.ts",
    text: "  const { finalized, unsettled, contradicted } = rollup;\n  if (finalized === null) return;\n",
    replacement:
      "  const { finalized, unsettled, contradicted } = rollup;\n" +
      "  if (finalized === null || unsettled.size > 0) return;\n",
    seeds: 40,
  },
  {
    name: "certificates are held against L1's finalised head only when it moves",
    file: "core/src/engine/chain.ts",
    text: [
      "  checkAgainstFinalized(rollup, emit);",
      "  chargeSettled(state, rollup, emit);",
      "  considerHeight",
    ].join("\n"),
    replacement: "  chargeSettled(state, rollup, emit);\n  considerHeight",
    seeds: 120,
  },
];
