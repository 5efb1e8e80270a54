import type { CheckedBlock } from "./stack.ts";

/** The newest block that each host says it has, highest first. */
export function headsByHost(
  sources: readonly { readonly host: string; readonly head: CheckedBlock | null }[],
): readonly CheckedBlock[] {
  const heads = new Map<string, CheckedBlock>();
  for (const { host, head } of sources) {
    const other = heads.get(host);
    if (head !== null && (other === undefined || other.blockNumber < head.blockNumber)) {
      heads.set(host, head);
    }
  }
  return [...heads.values()].sort((left, right) =>
    left.blockNumber < right.blockNumber ? 1 : left.blockNumber > right.blockNumber ? -1 : 0,
  );
}
