export type NodeErrorCode =
  /** A stored row is not what was written, or does not parse: it is never used or served. */
  | "row-corrupt"
  /** A slot of the signing record is taken: an attempt to overwrite it is a programming error. */
  | "slot-taken"
  /** The signer was stopped and was asked again. */
  | "signer-stopped";

/** What this package throws for the exceptional; expected outcomes are values. */
export class NodeError extends Error {
  override readonly name = "NodeError";
  readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
