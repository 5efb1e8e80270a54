export type LocalNetworkErrorCode =
  /** Something else listens on the API's port. */
  | "port-taken"
  /** MACH_API_PORT is no port. */
  | "bad-port"
  /** An option of the command that is not known, or has no value. */
  | "bad-option"
  /** --stacks names none that is known. */
  | "bad-stacks"
  /** A network of this folder runs already. */
  | "already-running"
  /** A process ended, or did not answer in time, while the network was starting. */
  | "start-failed"
  /** It was asked to stop while it was starting. */
  | "stopped";

/** Why a local network could not be started; nothing of it is left. */
export class LocalNetworkError extends Error {
  override readonly name = "LocalNetworkError";
  readonly code: LocalNetworkErrorCode;

  constructor(code: LocalNetworkErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
