import { type Hex, isBindingExpired, type SignedPeerBinding } from "@mach/core";
import type { UnsignedBinding } from "../signer/signer.ts";

/** Who this node speaks for. It numbers its bindings, each above every one before. */
export interface BindingSigner {
  /** Rejects where the signer cannot sign now. */
  signPeerBinding(asked: UnsignedBinding): Promise<SignedPeerBinding>;
  /** The key by which peers know the operator now; null where they know none, or it is not there. */
  publicKey?(): Hex | null;
}

/** This node's own PeerBinding, renewed when half of its life is over, and under another key. */
export interface OwnBinding {
  current(): SignedPeerBinding | null;
  /** Signs a new one where it is time; true when there is a new one. Never rejects. */
  renewIfDue(): Promise<boolean>;
}

export interface OwnBindingOptions {
  /** The peer id's multihash. */
  readonly peerId: Hex;
  readonly lifetimeMs: number;
  /** Milliseconds. */
  readonly now: () => number;
  readonly onFailed: (error: unknown) => void;
}

const RETRY_MS = 5_000;

/** Without a signer there is never a binding: an observer speaks for nobody. */
export function createOwnBinding(
  signer: BindingSigner | undefined,
  options: OwnBindingOptions,
): OwnBinding {
  const { peerId, lifetimeMs, now } = options;
  let binding: SignedPeerBinding | null = null;
  let dueAt = 0;
  let signedBy: Hex | null = null;
  const renew = async (by: BindingSigner, publicKey: Hex | null): Promise<void> => {
    const expiry = BigInt(Math.floor((now() + lifetimeMs) / 1_000));
    const keyed = publicKey === null ? {} : { publicKey };
    binding = await by.signPeerBinding({ peerId, expiry, ...keyed });
  };
  return {
    current(): SignedPeerBinding | null {
      const nowSeconds = BigInt(Math.floor(now() / 1_000));
      return binding === null || isBindingExpired(binding, nowSeconds) ? null : binding;
    },
    async renewIfDue(): Promise<boolean> {
      const publicKey = signer?.publicKey?.() ?? null;
      const isOthers = publicKey !== null && publicKey !== signedBy;
      // A key that was not there to sign by does so once it is.
      if (publicKey === null) signedBy = null;
      if (signer === undefined || (now() < dueAt && !isOthers)) return false;
      // Set before the signature is asked for, so that only one is under way.
      dueAt = now() + RETRY_MS;
      signedBy = publicKey;
      try {
        await renew(signer, publicKey);
        dueAt = now() + lifetimeMs / 2;
        return true;
      } catch (error) {
        // A signer that is out of reach for a while is asked again; gossip works without.
        options.onFailed(error);
        return false;
      }
    },
  };
}
