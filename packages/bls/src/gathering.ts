/** The time that attestations wait for others, so that one batch serves them all. */
export interface Gathering {
  /** The first of them has come. */
  begin(): void;
  /** Whether the time is over; where it is not, `onOver` is called when it is. */
  isOver(): boolean;
  stop(): void;
}

export function createGathering(gatherMs: number, onOver: () => void): Gathering {
  let since = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    begin() {
      since = performance.now();
    },
    isOver() {
      const leftMs = gatherMs === 0 ? 0 : since + gatherMs - performance.now();
      if (leftMs <= 0) return true;
      timer ??= setTimeout(() => {
        timer = undefined;
        onOver();
      }, leftMs);
      return false;
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
