/** A time in seconds, for people. */
export function timeOf(seconds: bigint): string {
  const time = new Date(Number(seconds) * 1_000);
  return Number.isNaN(time.getTime()) ? `${seconds} s` : time.toISOString();
}
