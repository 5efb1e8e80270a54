import { type FaultKind, simulate } from "@mach/simulator";

/** Which seeds one process runs: each `stride`-th from `from`, below `end`. */
export interface SeedRange {
  readonly from: number;
  readonly end: number;
  readonly stride: number;
  readonly without: readonly FaultKind[];
}

// A process that has lost its parent has nobody to tell.
process.on("disconnect", () => process.exit(0));
process.once("message", (range: SeedRange) => {
  const { from, end, stride, without } = range;
  let seed = from;
  const next = (): void => {
    if (seed >= end) {
      process.disconnect();
      return;
    }
    process.send?.(simulate(seed, { without }), undefined, {}, () => void setImmediate(next));
    seed += stride;
  };
  next();
});
