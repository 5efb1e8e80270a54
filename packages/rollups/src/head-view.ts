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

export interface Endpoint {
  readonly host: string;
  readonly isReady: boolean;
  hasAnnounced(blockNumber: bigint): boolean;
}

/**
 * Who is asked for a height. Where one endpoint of a host has announced its block, the others of
 * that host add nothing to the agreement, and are spared the call just when the block is to be
 * signed; but not one that has to show that it is sound again.
 */
export function endpointsToAsk<Source extends Endpoint>(
  sources: readonly Source[],
  blockNumber: bigint,
): readonly Source[] {
  const announced = sources.filter((source) => source.hasAnnounced(blockNumber));
  const isSpared = (source: Source): boolean =>
    source.isReady && announced.some((other) => other !== source && other.host === source.host);
  return sources.filter((source) => announced.includes(source) || !isSpared(source));
}
