/** An age or a span in words that fit a line: "0.4 s", "12 s", "3 min", "2 h", "5 d". */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.floor(seconds)} s`;
  const minutes = seconds / 60;
  if (minutes < 90) return `${Math.floor(minutes)} min`;
  const hours = minutes / 60;
  return hours < 48 ? `${Math.floor(hours)} h` : `${Math.floor(hours / 24)} d`;
}

/** A latency: "108 ms", or a span from a second on. */
export function formatLatency(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : formatSpan(ms);
}

/** An integer with thin groups of three digits: "1 234 567". */
export function formatInteger(value: bigint | number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** A share in percent, rounded down, so that nothing looks like more than it is: "66.6 %". */
export function formatShare(part: bigint, whole: bigint): string {
  if (whole <= 0n) return "0 %";
  const tenths = (part * 1000n) / whole;
  return tenths % 10n === 0n ? `${tenths / 10n} %` : `${tenths / 10n}.${tenths % 10n} %`;
}

/** The beginning and the end of a hash or an address. */
export function shortHex(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 8)}…${hex.slice(-4)}`;
}

/** A threshold in words: "at least two thirds" for 6667, a percentage otherwise. */
export function formatThreshold(thresholdBps: number): string {
  if (thresholdBps === 6667) return "at least two thirds";
  if (thresholdBps === 10_000) return "all of it";
  return `at least ${thresholdBps / 100} %`;
}

/** What stands behind a certificate; a null is what is not known. */
export interface RuleFacts {
  readonly signedWeight: bigint | null;
  readonly totalWeight: bigint | null;
  readonly thresholdBps: number | null;
}

/** The rule in words: "54 of 67 weight signed: at least two thirds was asked for". */
export function describeRule(rule: RuleFacts): string {
  const { signedWeight, totalWeight, thresholdBps } = rule;
  if (signedWeight === null || totalWeight === null) return "no weight is known";
  const share = `${formatInteger(signedWeight)} of ${formatInteger(totalWeight)} weight signed`;
  if (thresholdBps === null) return share;
  const isMet = signedWeight * 10_000n >= totalWeight * BigInt(thresholdBps);
  const asked = formatThreshold(thresholdBps);
  return isMet ? `${share}: ${asked}` : `${share}: ${asked} is needed`;
}

/** How a claim's signers checked the block. */
export function describeVerification(verification: 1 | 2): string {
  return verification === 2
    ? "executed: operators ran its transactions"
    : "header: operators compared independent sources";
}
