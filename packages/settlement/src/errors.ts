export type SettlementErrorCode =
  /** The signer has no provider: connect it to an RPC first. */
  | "no-provider"
  /** What signs for the account, elsewhere, refused, could not be reached or signed another thing. */
  | "signer-refused";

/** What this package throws when it cannot go on. Expected failures are values instead. */
export class SettlementError extends Error {
  readonly code: SettlementErrorCode;

  constructor(code: SettlementErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SettlementError";
    this.code = code;
  }
}
