/** What operators are told that a stop takes at the most. */
const PROMISED_MS = 5_000;

/**
 * Waits for a stop, and says so once it is late: whoever waits for a process that does not end has
 * to know whether that is safe, and whether it can be helped.
 */
export async function stopInTime(
  stop: () => Promise<void>,
  { say, promisedMs = PROMISED_MS }: { say(line: string): void; readonly promisedMs?: number },
): Promise<void> {
  const begunAt = performance.now();
  const late = setTimeout(() => {
    say(
      `mach: the node has not stopped within ${promisedMs / 1_000} s and is still closing. What it ` +
        "signed and certified is on disk: the same signal again ends it at once and loses nothing.",
    );
  }, promisedMs);
  try {
    await stop();
  } finally {
    clearTimeout(late);
  }
  const seconds = (performance.now() - begunAt) / 1_000;
  if (seconds * 1_000 > promisedMs) say(`mach: it has stopped, after ${seconds.toFixed(1)} s`);
}
