/** Where a message goes, and what its tags mean there. */
export interface RpcPlace {
  readonly rollupId: bigint;
  readonly tags: ReadonlySet<string>;
}

const FINALIZED: ReadonlySet<string> = new Set(["finalized"]);
const FINALIZED_AND_SAFE: ReadonlySet<string> = new Set(["finalized", "safe"]);
const PATH = /^\/rpc\/(0|[1-9]\d{0,19})(\?safe=fast-final)?$/;

/** Whether a path is of the proxy, whatever stands for the rollup. */
export function isRpcPath(path: string): boolean {
  return /^\/rpc\/[^/]+$/.test(path);
}

/** Reads `/rpc/{rollupId}`, with `?safe=fast-final` or nothing; null for anything else. */
export function readRpcPlace(url: string): RpcPlace | null {
  const match = PATH.exec(url);
  if (match?.[1] === undefined) return null;
  const rollupId = BigInt(match[1]);
  if (rollupId >= 2n ** 64n) return null;
  return { rollupId, tags: match[2] === undefined ? FINALIZED : FINALIZED_AND_SAFE };
}
