/** Of the candidates, the one that a misspelt word was most likely meant to be. */
export function nearMiss(word: string, candidates: readonly string[]): string | undefined {
  const bare = bareOf(word);
  // One letter in three may be wrong: farther off, a suggestion only misleads.
  let least = Math.max(1, Math.floor(bare.length / 3)) + 1;
  let nearest: string | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(bare, bareOf(candidate));
    if (distance < least) [least, nearest] = [distance, candidate];
  }
  return nearest;
}

/** `rpc_urls`, `rpc-urls` and `RpcUrls` are no other words than `rpcUrls`. */
function bareOf(word: string): string {
  return word.slice(0, MAX_LENGTH).toLowerCase().replaceAll(/[_-]/g, "");
}

/** Longer words are none of ours, and the time that it takes is the product of two lengths. */
const MAX_LENGTH = 64;

/** Letters to put in, take out, replace, or exchange with the next one (Damerau, restricted). */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          at(last, j) + 1,
          at(row, j - 1) + 1,
          at(last, j - 1) + (isSame ? 0 : 1),
          isSwapped ? at(before, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
