/** What a benchmark of this project should tell and this one does not, and why. */
export interface MissingRow {
  readonly name: string;
  readonly goal: string;
  readonly because: string;
}

export const NOT_YET: readonly MissingRow[] = [
  {
    name: "new block to certificate, 128 operators in 8 processes",
    goal: "p50 <= 4x",
    because: "a process signs for one operator only",
  },
  {
    name: "certificate checked on L1",
    goal: "<= 165 k gas",
    because: "gas is exact: the contracts' tests hold it, contracts/README.md shows it",
  },
];
