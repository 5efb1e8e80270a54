/** The part of a pino logger that the server uses. */
export interface HttpLogger {
  error(fields: object, message: string): void;
}

/** Reports that a part of the server failed; what it answered instead is the caller's. */
export type ReportFailure = (part: string, error: unknown) => void;

/** How often the same part's failure is logged at most, milliseconds. */
const LOG_PAUSE_MS = 1_000;

/** Logs each part's failures, once a second at most: a full disk is not to be filled further. */
export function createFailureReport(dependencies: {
  readonly logger: HttpLogger;
  readonly now: () => number;
}): ReportFailure {
  const { logger, now } = dependencies;
  const lastLoggedAt = new Map<string, number>();
  return (part, err) => {
    const at = now();
    if (at - (lastLoggedAt.get(part) ?? Number.NEGATIVE_INFINITY) < LOG_PAUSE_MS) return;
    lastLoggedAt.set(part, at);
    logger.error({ part, err }, "an answer failed");
  };
}
