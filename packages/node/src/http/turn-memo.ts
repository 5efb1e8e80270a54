/** Values that are kept until the current turn of the event loop is over. */
export interface TurnMemo<Key, Value> {
  get(key: Key): Value | undefined;
  /** Keeps a value that is made for the second time in this turn. */
  offer(key: Key, value: Value): void;
  /** Forgets all: something has happened that no value knows of. */
  clear(): void;
}

/**
 * Requests that arrive together ask for the same heads: in one turn they get one answer, which is
 * as fresh as one built for each of them. What only one asks for is not held on to: a turn in which
 * all ask for something else would fill memory for nothing.
 */
export function createTurnMemo<Key, Value>(): TurnMemo<Key, Value> {
  const offered = new Set<Key>();
  const kept = new Map<Key, Value>();
  const clear = (): void => {
    offered.clear();
    kept.clear();
  };
  return {
    clear,
    get: (key) => kept.get(key),
    offer(key, value) {
      if (offered.size === 0) setImmediate(clear);
      if (offered.has(key)) kept.set(key, value);
      else offered.add(key);
    },
  };
}
