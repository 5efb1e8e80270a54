export type SdkErrorCode =
  /** An option is missing, out of range or of the wrong form. */
  | "bad-option"
  /** The verified head is unknown, not final by the policy, or contradicted. */
  | "no-final-block"
  /** The tag stands where it cannot be verified. */
  | "unverifiable-request"
  /** The RPC's block is not the one that the certificate names. */
  | "block-mismatch";

/** What is exceptional in this package: a misuse, or a provider that must not answer. */
export class SdkError extends Error {
  readonly code: SdkErrorCode;
  /** The code of the answer that stood behind it, where there is one. */
  readonly reason: string | null;

  constructor(
    code: SdkErrorCode,
    message: string,
    details: { readonly reason?: string; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "SdkError";
    this.code = code;
    this.reason = details.reason ?? null;
  }
}
