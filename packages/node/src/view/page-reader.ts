import type { PageRequest } from "../http/node-view.ts";

/** A page of rows, and where the page after it begins: null on the page with the newest. */
export async function readPage<T>(
  page: PageRequest,
  read: (asked: PageRequest) => Promise<readonly T[]>,
  positionOf: (row: T) => bigint,
): Promise<{ readonly items: readonly T[]; readonly next: bigint | null }> {
  const items = await read(page);
  const last = items.at(-1);
  if (page.from === undefined || last === undefined || items.length < page.limit) {
    return { items, next: null };
  }
  // Asked for by itself: a page of the greatest size has no room for one more row.
  const [next] = await read({ from: positionOf(last) + 1n, limit: 1 });
  return { items, next: next === undefined ? null : positionOf(next) };
}
