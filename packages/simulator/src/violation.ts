/** What a run is stopped for: the first promise that was broken. */
export type ViolationCode =
  /** An honest operator signed at or below a height that it had signed, or in an earlier epoch. */
  | "signed-not-above-last"
  /** An honest operator left the branch that it had signed, and held nothing that lets it. */
  | "fork-lock-broken"
  /** An honest operator signed what it had not verified, or in an epoch without it. */
  | "signed-unverified"
  /** Two certificates of one epoch can stand that conflict, with less than a third to blame. */
  | "conflicting-certificates"
  /** The same across epochs, and more weight is in both than the sets allow. */
  | "conflict-across-epochs"
  /** A certificate was taken that does not hold under its epoch's set. */
  | "false-certificate"
  /** A certificate is of a claim that no honest operator verified. */
  | "certified-unverified"
  /** An honest operator signed a set that L1 has not finalised for the epoch. */
  | "signed-false-set"
  /** An update of a set was taken that does not hold under the set of the epoch before. */
  | "false-set-update"
  /** A certificate took the place of a better one. */
  | "replaced-by-worse"
  /** Evidence that is found valid names an honest operator. */
  | "honest-guilty"
  /** A node made evidence that does not hold. */
  | "false-evidence"
  /** A consumer was told that a block is final that is not. */
  | "false-finality"
  /** A node holds more than its bounds. */
  | "memory"
  /** The engine threw. */
  | "engine-threw"
  /** Faults have stopped, and nothing becomes final. */
  | "no-progress"
  /** Honest nodes that hold the same do not agree in the end. */
  | "no-convergence"
  /** Certificates conflict, and the evidence names a third of the weight or less. */
  | "not-accountable";

/** Thrown by the judge; the run ends with it. */
export class Violation extends Error {
  readonly code: ViolationCode;

  constructor(code: ViolationCode, message: string) {
    super(message);
    this.name = "Violation";
    this.code = code;
  }
}
