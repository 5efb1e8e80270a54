/** How much each address holds of something, so that no one holds all of it. */
export interface AddressCounts {
  hasRoom(address: string): boolean;
  add(address: string): void;
  remove(address: string): void;
}

/** Counts up to a bound for each address; one that holds nothing is forgotten. */
export function createAddressCounts(max: number): AddressCounts {
  const counts = new Map<string, number>();
  const of = (address: string): number => counts.get(address) ?? 0;
  return {
    hasRoom: (address) => of(address) < max,
    add: (address) => void counts.set(address, of(address) + 1),
    remove(address) {
      const left = of(address) - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    },
  };
}
