export type SettlementErrorCode =
  /** The signer has no provider: connect it to an RPC first. */
  | "no-provider"
  /** A contract could not be deployed: `cause` says why. */
  | "deployment-failed"
  /** Parameters with which no network should be deployed. */
  | "unsafe-parameters";

/** What this package throws when it cannot go on. Expected failures are values instead. */
export class SettlementError extends Error {
  readonly code: SettlementErrorCode;

  constructor(code: SettlementErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SettlementError";
    this.code = code;
  }
}
