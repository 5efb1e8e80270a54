import { BRANCH_MUTATIONS } from "./branch-mutations.ts";
import { ENGINE_MUTATIONS } from "./engine-mutations.ts";
import type { Mutation } from "./mutation.ts";

/** Every break that the simulator has to find. */
export const MUTATIONS: readonly Mutation[] = [...ENGINE_MUTATIONS, ...BRANCH_MUTATIONS];
