/** `no-provider`: the signer has no provider, connect it to an RPC first. */
export type SettlementErrorCode = "no-provider";

/** What this package throws when it cannot go on. Expected failures are values instead. */
export class SettlementError extends Error {
  readonly code: SettlementErrorCode;

  constructor(code: SettlementErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SettlementError";
    this.code = code;
  }
}
