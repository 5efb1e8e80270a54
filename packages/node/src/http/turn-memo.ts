/** Values that are kept until the current turn of the event loop is over. */
export interface TurnMemo<Key, Value> {
  get(key: Key): Value | undefined;
  keep(key: Key, value: Value): Value;
  /** Forgets all: something has happened that no value knows of. */
  clear(): void;
}

/**
 * Requests that arrive together ask for the same heads: in one turn they get one answer, which is
 * as fresh as one built for each of them.
 */
export function createTurnMemo<Key, Value>(): TurnMemo<Key, Value> {
  const kept = new Map<Key, Value>();
  const clear = (): void => kept.clear();
  return {
    clear,
    get: (key) => kept.get(key),
    keep(key, value) {
      if (kept.size === 0) setImmediate(clear);
      kept.set(key, value);
      return value;
    },
  };
}
