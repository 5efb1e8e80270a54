import { main as simulate } from "../simulate.ts";
import { NOTHING, type Tally } from "./tally.ts";

const SEEDS = 30;
const LONG_SEEDS = 2_000;

/** Simulates a few seeds, or many in a long run: no promise is broken in any. */
export async function runSimulation(): Promise<Tally> {
  const seeds = process.env["MACH_LONG"] === "1" ? LONG_SEEDS : SEEDS;
  const exitCode = await simulate(["--seeds", `${seeds}`]);
  return exitCode === 0 ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 };
}
