export type BlsErrorCode =
  /** The native library did not load, or a slower one stood in for it. */
  | "native-unavailable"
  /** A thread of the batch verifier did not start, or none is left. */
  | "worker-unavailable";

/** What this package throws for the exceptional; expected outcomes are values. */
export class BlsError extends Error {
  override readonly name = "BlsError";
  readonly code: BlsErrorCode;

  constructor(code: BlsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
