import type { Mutation } from "./mutation.ts";

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
    file: "core/src/engine/chain.ts",
    text: "  checkAgainstFinalized(rollup, emit);\n",
    replacement: "",
    seeds: 120,
  },
];
