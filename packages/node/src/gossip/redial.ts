/** Keeps this node connected to the peers that it is told to begin with. */
export interface Redial {
  start(): void;
  stop(): void;
  /** The hello with a peer is done: its next dial may come soon again. */
  onReady(peerId: string): void;
  onDisconnected(peerId: string): void;
}

export interface RedialTarget {
  /** A multiaddr, with or without `/p2p/`. */
  readonly address: string;
  /** The peer there, where it is known. */
  readonly peerId: string | undefined;
}

export interface RedialOptions {
  /** The first pause after a failure, in milliseconds; it doubles up to `maxMs`. */
  readonly minMs: number;
  readonly maxMs: number;
}

export interface RedialEffects {
  readonly self: string;
  isConnected(peerId: string): boolean;
  /**
   * How much longer than the pause to wait, in milliseconds: of two nodes that dial each other one
   * yields, so that they do not end with two connections.
   */
  yieldMs(address: string): number;
  /** Resolves to the peer that answered there. */
  dial(address: string): Promise<string>;
  onFailed(address: string, error: unknown): void;
}

interface Target {
  readonly address: string;
  peerId: string | undefined;
  delayMs: number;
  timer: NodeJS.Timeout | undefined;
  isDialling: boolean;
}

/** Dials each target for ever, one dial at a time each, with growing pauses. */
export function createRedial(
  targets: readonly RedialTarget[],
  options: RedialOptions,
  effects: RedialEffects,
): Redial {
  const { minMs, maxMs } = options;
  const all: Target[] = targets
    .filter((target) => target.peerId !== effects.self)
    .map((target) => ({ ...target, delayMs: minMs, timer: undefined, isDialling: false }));
  let isStopped = true;

  const schedule = (target: Target, delayMs: number): void => {
    clearTimeout(target.timer);
    if (isStopped) return;
    const yieldMs = effects.yieldMs(target.address);
    target.timer = setTimeout(() => void attempt(target), delayMs + yieldMs);
  };
  const backOff = (target: Target): void => {
    schedule(target, target.delayMs);
    target.delayMs = Math.min(maxMs, target.delayMs * 2);
  };
  const attempt = async (target: Target): Promise<void> => {
    if (target.isDialling) return;
    if (target.peerId !== undefined && effects.isConnected(target.peerId)) {
      // Looked at again, in case the news of its leaving was lost.
      schedule(target, maxMs);
      return;
    }
    target.isDialling = true;
    try {
      target.peerId = await effects.dial(target.address);
      // An address without a peer id may turn out to be this node's own.
      if (target.peerId !== effects.self) schedule(target, maxMs);
    } catch (error) {
      if (isStopped) return;
      effects.onFailed(target.address, error);
      backOff(target);
    } finally {
      target.isDialling = false;
    }
  };
  return {
    start(): void {
      isStopped = false;
      for (const target of all) schedule(target, 0);
    },
    stop(): void {
      isStopped = true;
      for (const target of all) clearTimeout(target.timer);
    },
    onReady(peerId): void {
      for (const target of all) if (target.peerId === peerId) target.delayMs = minMs;
    },
    onDisconnected(peerId): void {
      for (const target of all) {
        if (target.peerId === peerId && !target.isDialling) backOff(target);
      }
    },
  };
}
