import { readFrames } from "./event-frames.ts";

/** What a node says of one certificate. */
export interface Certified {
  readonly rollupId: string;
  readonly blockNumber: string;
  /** From the node's sight of the block to its certificate, milliseconds. */
  readonly latencyMs: number;
}

/** Reads a node's finality events until closed. */
export interface FinalityReader {
  close(): void;
}

/**
 * Connects to a node's event stream; `onCertified` is told of each event that names a certificate,
 * so that one certificate may come more than once. Rejects where the stream cannot be had.
 */
export async function readFinality(
  apiUrl: string,
  onCertified: (certified: Certified) => void,
): Promise<FinalityReader> {
  const close = await readFrames(apiUrl, "finality", (frame) => {
    const certified = certifiedOf(frame);
    if (certified !== null) onCertified(certified);
  });
  return { close };
}

/** Trusts what it reads: the node is one that the benchmark started. */
function certifiedOf(frame: string): Certified | null {
  const data = /^data: (.*)$/m.exec(frame)?.[1];
  if (data === undefined) return null;
  const event = JSON.parse(data) as {
    readonly data: {
      readonly latencyMs: number | null;
      readonly certificate: {
        readonly claim: { readonly rollupId: string; readonly blockNumber: string };
      } | null;
    } | null;
  };
  const { certificate = null, latencyMs = null } = event.data ?? {};
  if (certificate === null || latencyMs === null) return null;
  const { rollupId, blockNumber } = certificate.claim;
  return { rollupId, blockNumber, latencyMs };
}
