import { claimDigest } from "@mach/core";
import { expect, it } from "vitest";
import { createBlockTree, type SimBlock } from "../src/block-tree.ts";
import { createConflicts } from "../src/conflicts.ts";
import { createPlan, type Plan } from "../src/plan.ts";
import { createSetting } from "../src/setting.ts";
import { Violation } from "../src/violation.ts";

/** Seven operators of weight 1, two of them Byzantine: three honest ones can certify a claim. */
const plan: Plan = {
  ...createPlan(1, { without: [] }),
  operators: 7,
  byzantine: [5, 6],
  attestationInterval: 1,
  epochSeconds: 1_000,
  thresholds: [6_667, 6_667],
  weights: [0, 1].map(() => [1n, 1n, 1n, 1n, 1n, 1n, 1n]),
  faults: [],
};

function createCase(): {
  readonly tree: ReturnType<typeof createBlockTree>;
  readonly sign: (block: SimBlock, operators: readonly number[]) => string;
  finalized: SimBlock;
} {
  const setting = createSetting(plan);
  const tree = createBlockTree(setting.schedule.genesisTime);
  const world = { finalized: tree.genesis };
  const conflicts = createConflicts({ setting, finalized: () => world.finalized });
  return Object.assign(world, {
    tree,
    sign(block: SimBlock, operators: readonly number[]): string {
      const claim = setting.claimOf(block);
      if (claim === null) return "no-claim";
      const digest = claimDigest(setting.domain, claim);
      try {
        for (const index of operators) {
          const member = setting.members[index];
          if (member !== undefined) conflicts.onSigned(member, { claim, digest, block });
        }
        return "fine";
      } catch (error) {
        if (error instanceof Violation) return error.code;
        throw error;
      }
    },
  });
}

it("claims of one chain never conflict", () => {
  const { tree, sign } = createCase();
  const first = tree.extend(tree.genesis, 1_000_001n);
  const second = tree.extend(first, 1_000_002n);
  expect(sign(first, [0, 1, 2, 3, 4])).toBe("fine");
  expect(sign(second, [0, 1, 2, 3, 4])).toBe("fine");
});

it("two branches that the honest can certify with the Byzantine ones are a conflict", () => {
  const { tree, sign } = createCase();
  const left = tree.extend(tree.genesis, 1_000_001n);
  const right = tree.extend(tree.extend(tree.genesis, 1_000_001n), 1_000_002n);
  expect(sign(left, [0, 1])).toBe("fine");
  expect(sign(left, [2])).toBe("fine");
  expect(sign(right, [3, 4])).toBe("fine");
  expect(sign(right, [0])).toBe("conflicting-certificates");
});

it("a branch that L1 has chosen may be certified above what it has left", () => {
  const found = createCase();
  const { tree, sign } = found;
  const left = tree.extend(tree.genesis, 1_000_001n);
  const chosen = tree.extend(tree.genesis, 1_000_001n);
  const right = tree.extend(chosen, 1_000_002n);
  expect(sign(left, [0, 1, 2])).toBe("fine");
  found.finalized = chosen;
  expect(sign(right, [0, 1, 2, 3, 4])).toBe("fine");
});
