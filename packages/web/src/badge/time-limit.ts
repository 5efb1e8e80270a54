/**
 * Gives work so many milliseconds, then aborts its signal and rejects. The work is left behind even
 * where it does not hear the signal: nothing that a page waits for may wait for ever.
 */
export async function withinMs<T>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const cause = new DOMException(`not in ${limitMs} ms`, "TimeoutError");
      end.abort(cause);
      reject(cause);
    }, limitMs);
  });
  try {
    return await Promise.race([work(end.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether it was for the time that something failed. */
export function isLate(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "TimeoutError";
}
