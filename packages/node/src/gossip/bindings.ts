import {
  type Domain,
  type Hex,
  isBindingExpired,
  type SignedPeerBinding,
  supersedesBinding,
} from "@mach/core";

export type BindingFailure =
  /** It names another peer than the one that shows it. The peer is to blame. */
  | "binding-of-another-peer"
  /** A binding of the operator with a higher sequence is known. */
  | "binding-superseded"
  /** Not signed by the operator's key, or no operator of the sets that this node knows now. */
  | "binding-not-verified"
  /** It has run out; being the highest, it revives no lower one. */
  | "binding-expired";

export type BindingResult =
  | { readonly ok: true; readonly operator: Hex }
  | { readonly ok: false; readonly code: BindingFailure };

/** Which peer speaks for which operator. */
export interface Bindings {
  /** A peer shows a binding; what it showed before is replaced. `peerId` is its multihash. */
  offer(peerId: Hex, binding: SignedPeerBinding): BindingResult;
  /** Whether a peer's binding is the highest verified one of an operator, also after it has left. */
  isKnown(peerId: Hex): boolean;
  /** The operator that a peer speaks for now, if any. */
  operatorOf(peerId: Hex): Hex | undefined;
  /** Verifies every shown binding again, after the operator sets have changed. */
  recheck(): void;
  /** The peer has left. What its binding superseded stays superseded. */
  forget(peerId: Hex): void;
}

export interface BindingsOptions {
  readonly domain: Domain;
  /** Milliseconds. */
  readonly now: () => number;
  readonly verify: (binding: SignedPeerBinding) => boolean;
  /** How many operators are remembered; the one heard of longest ago is forgotten beyond. */
  readonly maxOperators: number;
}

/** In memory: after a restart the highest sequence is what peers show, within its expiry. */
export function createBindings(options: BindingsOptions): Bindings {
  const { domain, verify } = options;
  const shown = new Map<Hex, SignedPeerBinding>();
  const verified = new Set<SignedPeerBinding>();
  const highest = new Map<Hex, SignedPeerBinding>();
  const isExpired = (binding: SignedPeerBinding): boolean =>
    isBindingExpired(binding, BigInt(Math.floor(options.now() / 1_000)));

  const check = (binding: SignedPeerBinding): BindingResult => {
    const { operator } = binding;
    const known = highest.get(operator);
    const isKnown = known !== undefined && isSameBinding(known, binding);
    if (known !== undefined && !isKnown && !supersedesBinding(domain, binding, known)) {
      return { ok: false, code: "binding-superseded" };
    }
    if (!verify(binding)) return { ok: false, code: "binding-not-verified" };
    verified.add(binding);
    highest.delete(operator);
    highest.set(operator, binding);
    const oldest = highest.keys().next();
    if (highest.size > options.maxOperators && !oldest.done) highest.delete(oldest.value);
    if (isExpired(binding)) return { ok: false, code: "binding-expired" };
    return { ok: true, operator };
  };
  const forget = (peerId: Hex): void => {
    const binding = shown.get(peerId);
    if (binding !== undefined) verified.delete(binding);
    shown.delete(peerId);
  };
  return {
    offer(peerId, binding): BindingResult {
      forget(peerId);
      if (binding.peerId !== peerId) return { ok: false, code: "binding-of-another-peer" };
      shown.set(peerId, binding);
      return check(binding);
    },
    isKnown: (peerId) =>
      [...highest.values()].some((each) => each.peerId === peerId && !isExpired(each)),
    operatorOf(peerId): Hex | undefined {
      const binding = shown.get(peerId);
      if (binding === undefined || !verified.has(binding) || isExpired(binding)) return undefined;
      const counting = highest.get(binding.operator);
      if (counting === undefined || !isSameBinding(counting, binding)) return undefined;
      return binding.operator;
    },
    recheck(): void {
      verified.clear();
      for (const binding of shown.values()) check(binding);
    },
    forget,
  };
}

function isSameBinding(left: SignedPeerBinding, right: SignedPeerBinding): boolean {
  return (
    left.operator === right.operator &&
    left.peerId === right.peerId &&
    left.sequence === right.sequence &&
    left.expiry === right.expiry
  );
}
