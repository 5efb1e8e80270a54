/** Lets a loop sleep until there is something to do. */
export interface Waker {
  /** There is something to do, now or as soon as the loop comes to its pause. */
  wake(): void;
  /** Resolves when woken, or after so long. */
  pause(maxMs: number): Promise<void>;
}

/** What wakes the loop while it works ends its next pause at once. */
export function createWaker(): Waker {
  let isWoken = false;
  let end: () => void = () => undefined;
  return {
    wake() {
      isWoken = true;
      end();
    },
    async pause(maxMs) {
      if (!isWoken) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, maxMs);
          end = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      isWoken = false;
    },
  };
}
