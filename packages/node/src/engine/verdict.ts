/** Whether a peer's message may be forwarded, and whether the peer is to blame for it. */
export type Verdict =
  | { readonly accept: true }
  | { readonly accept: false; readonly code: string; readonly blame: boolean };

export const ACCEPT: Verdict = { accept: true };

/** Drops a message and leaves its sender alone. */
export function ignore(code: string): Verdict {
  return { accept: false, code, blame: false };
}

/** Drops a message that no honest, up-to-date sender could have sent. */
export function reject(code: string): Verdict {
  return { accept: false, code, blame: true };
}
