export type NodeErrorCode =
  /** A stored row is not what was written, or does not parse: it is never used or served. */
  | "row-corrupt"
  /** A slot of the signing record is taken: an attempt to overwrite it is a programming error. */
  | "slot-taken"
  /** The signer was stopped and was asked again. */
  | "signer-stopped"
  /** The signer in another process cannot be reached, or is not this operator's. */
  | "signer-unreachable"
  /** The operator's signing record cannot be used: nothing is signed without it. */
  | "protection-unusable"
  /** The file of the BLS key, or of the payer's account, is missing, open to others or no key. */
  | "secret-key-unusable"
  /** The data folder is another process's, or another network's, or cannot be written. */
  | "data-folder-unusable"
  /** The database is out of reach: nothing that it holds can be told now. */
  | "database-unavailable"
  /** The database's tables are of another version, or of another network. */
  | "database-unusable"
  /** What this process knows of a node is older than the bound: it is not told as the newest. */
  | "view-stale"
  /** The L1 or the registry cannot be read, or is not the one configured. */
  | "registry-unusable"
  /** The HTTP API cannot listen. */
  | "api-unusable"
  /** The metrics cannot be served where they are configured. */
  | "metrics-unusable";

/** What this package throws for the exceptional; expected outcomes are values. */
export class NodeError extends Error {
  override readonly name = "NodeError";
  readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
