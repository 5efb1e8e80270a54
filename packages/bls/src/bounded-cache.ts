/** A map of at most `capacity` entries that forgets the least recently used one. */
export interface BoundedCache<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
}

export function createBoundedCache<Key, Value>(capacity: number): BoundedCache<Key, Value> {
  const entries = new Map<Key, Value>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= capacity) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
  };
}

/** Keys are decoded and checked once: 44 us natively, 0.8 ms portably. Enough for 30 sets of 128. */
export const PUBLIC_KEY_CACHE_ENTRIES = 4096;
