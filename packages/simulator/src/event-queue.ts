interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** What happens next in virtual time; what is due at one time happens in the order of its making. */
export interface EventQueue {
  push(atMs: number, run: () => void): void;
  /** The earliest, or undefined once nothing is left. */
  pop(): { readonly atMs: number; readonly run: () => void } | undefined;
}

/** An empty queue: a binary heap. */
export function createEventQueue(): EventQueue {
  const heap: Entry[] = [];
  let made = 0;
  return {
    push(atMs, run) {
      const entry = { atMs, order: made, run };
      made += 1;
      let at = heap.length;
      heap.push(entry);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        const above = heap[parent];
        if (above === undefined || !isBefore(entry, above)) break;
        heap[at] = above;
        at = parent;
      }
      heap[at] = entry;
    },
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined || first === last) return first;
      let at = 0;
      for (;;) {
        const child = smallerChild(heap, at);
        const below = heap[child];
        if (below === undefined || !isBefore(below, last)) break;
        heap[at] = below;
        at = child;
      }
      heap[at] = last;
      return first;
    },
  };
}

function smallerChild(heap: readonly Entry[], at: number): number {
  const left = 2 * at + 1;
  const [a, b] = [heap[left], heap[left + 1]];
  return a !== undefined && b !== undefined && isBefore(b, a) ? left + 1 : left;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order;
}
