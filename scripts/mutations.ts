import type { Outcome } from "@mach/simulator";
import { createMutatedTree, type MutatedTree } from "./simulation/mutated-tree.ts";
import type { Mutation } from "./simulation/mutation.ts";
import { MUTATIONS } from "./simulation/mutations.ts";
import { runSeeds } from "./simulation/run-seeds.ts";

const WORKERS = 2;

/**
 * Breaks a copy of the engine on purpose, one way at a time, and simulates until a broken promise
 * shows. The last line on stdout is `N mutations, N found`; exit 1 where one is missed.
 * An argument runs only those whose name contains it.
 */
export async function main(args: readonly string[]): Promise<number> {
  const [wanted = ""] = args;
  const mutations = MUTATIONS.filter(({ name }) => name.includes(wanted));
  const tree = createMutatedTree();
  let found = 0;
  try {
    for (const mutation of mutations) {
      const outcome = await findMutation(tree, mutation);
      if (outcome !== null) found += 1;
      console.error(
        `${outcome === null ? "×" : "✓"} ${mutation.name}: ${describe(mutation, outcome)}`,
      );
    }
  } finally {
    tree.remove();
  }
  console.log(`${mutations.length} mutations, ${found} found`);
  return found === mutations.length && found > 0 ? 0 : 1;
}

/** The first failure that shows, or null where the stated seeds show none. */
async function findMutation(tree: MutatedTree, mutation: Mutation): Promise<Outcome | null> {
  const { seeds, without = [] } = mutation;
  tree.apply(mutation);
  let found: Outcome | null = null;
  const isWhole = await runSeeds({
    from: 1,
    seeds,
    without,
    workers: WORKERS,
    root: tree.root,
    onOutcome: (outcome) => {
      if (outcome.failure !== null) found = outcome;
      return outcome.failure !== null;
    },
  });
  if (!isWhole) throw new Error(`"${mutation.name}": a worker ended before its seeds were done`);
  return found;
}

function describe(mutation: Mutation, outcome: Outcome | null): string {
  if (outcome === null) return `not found within ${mutation.seeds} seeds`;
  return `${outcome.failure?.code} at seed ${outcome.seed} of ${mutation.seeds}`;
}
