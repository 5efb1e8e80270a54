import { parseOperatorSet } from "@mach/api";
import { type Bls, isConsistentOperatorSet, type OperatorSet } from "@mach/core";
import { UsageError } from "./command.ts";
import { readJsonFile } from "./json-file.ts";

/** The sets that the caller gave, and those of them whose hash is what their fields hash to. */
export interface GivenSets {
  readonly all: readonly OperatorSet[];
  readonly consistent: readonly OperatorSet[];
}

/** Reads the files of --operator-set. Throws a UsageError for none, and for one without JSON. */
export function readOperatorSets(bls: Bls, paths: readonly string[] | undefined): GivenSets {
  if (paths === undefined || paths.length === 0) throw new UsageError("--operator-set is missing");
  const all: OperatorSet[] = [];
  for (const path of paths) {
    const file = readJsonFile(path);
    if (!file.ok) throw new UsageError(`${path} is no JSON`);
    const parsed = parseOperatorSet(file.value);
    if (parsed.ok) all.push(parsed.value);
  }
  return { all, consistent: all.filter((each) => isConsistentOperatorSet(bls, each)) };
}
