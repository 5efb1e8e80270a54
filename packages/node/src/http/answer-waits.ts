import type { NodeEvent } from "@mach/api";
import { createAddressCounts } from "./address-counts.ts";
import type { ReportFailure } from "./failure-report.ts";
import type { HandlerResult } from "./handlers.ts";
import type { HttpLimits } from "./limits.ts";
import type { NodeView } from "./node-view.ts";

export type WaitRefusal = "too-many-waits" | "unavailable";

/** A request that is held until its answer stands. */
export interface WaitRequest {
  /** Asks once more. */
  readonly ask: () => Promise<HandlerResult>;
  /** Events of this rollup wake it; null for those about no rollup. */
  readonly rollupId: bigint | null;
  readonly waitMs: number;
  /** The least time between two asks: more than 0 where an ask costs others something. */
  readonly pauseMs: number;
  /** The client's address, as far as it can be trusted. */
  readonly address: string;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
}

/** The requests that are held until their answer stands. */
export interface AnswerWaits {
  /** Why one more from this address would not be held, or null. */
  refusalOf(address: string): WaitRefusal | null;
  /** The first answer other than `not-yet`; that one when the time is over. */
  hold(request: WaitRequest): Promise<HandlerResult>;
  count(): number;
  start(): void;
  /** Answers everyone that is held with `unavailable`. */
  stop(): void;
}

interface Waiter {
  readonly rollupId: bigint | null;
  /** Something happened since it asked last: its turn to be woken comes. */
  isDue: boolean;
  isWoken: boolean;
  /** It asks once more at most: its time is over, or nobody reads the answer. */
  isOver: boolean;
  /** Ends its wait for an event. */
  wake: () => void;
  /** Ends its pause. */
  skipPause: () => void;
}

/** How many are woken in one turn of the event loop: a node has other work than its readers. */
const WOKEN_PER_TURN = 32;
const UNAVAILABLE: HandlerResult = { ok: false, code: "unavailable" };

/** Holds requests, and asks again for each when the view tells of something that may matter. */
export function createAnswerWaits(
  dependencies: {
    readonly view: Pick<NodeView, "subscribe">;
    readonly reportFailure: ReportFailure;
    /** Called at each event, before anyone is woken by it. */
    readonly onEvent: () => void;
  },
  limits: Pick<HttpLimits, "maxWaits" | "maxWaitsPerAddress">,
): AnswerWaits {
  const waiters = new Set<Waiter>();
  const perAddress = createAddressCounts(limits.maxWaitsPerAddress);
  let due: Waiter[] = [];
  let unsubscribe: (() => void) | undefined;

  function onEvent({ topic, rollupId }: NodeEvent): void {
    dependencies.onEvent();
    // These change no answer that is waited for.
    if (topic === "attestation" || topic === "alert" || topic === "evidence") return;
    const isIdle = due.length === 0;
    for (const waiter of waiters) {
      if (waiter.rollupId !== rollupId || waiter.isDue) continue;
      waiter.isDue = true;
      due.push(waiter);
    }
    // Never in the turn of who tells of the event.
    if (isIdle && due.length > 0) setImmediate(wakeSome);
  }

  function wakeSome(): void {
    const woken = due.slice(0, WOKEN_PER_TURN);
    due = due.slice(WOKEN_PER_TURN);
    for (const waiter of woken) {
      waiter.isWoken = true;
      waiter.wake();
    }
    if (due.length > 0) setImmediate(wakeSome);
  }

  async function holdUntil(waiter: Waiter, request: WaitRequest): Promise<HandlerResult> {
    for (;;) {
      waiter.isDue = false;
      waiter.isWoken = false;
      const isLast = waiter.isOver;
      const result = await request.ask();
      if (unsubscribe === undefined) return UNAVAILABLE;
      if (result.ok || result.code !== "not-yet" || isLast) return result;
      await pause(waiter, request.pauseMs);
      if (!waiter.isWoken && !waiter.isOver) {
        await new Promise<void>((resolve) => {
          waiter.wake = resolve;
        });
      }
      if (unsubscribe === undefined) return UNAVAILABLE;
      if (request.signal.aborted) return result;
    }
  }

  return {
    refusalOf(address) {
      if (unsubscribe === undefined || waiters.size >= limits.maxWaits) return "unavailable";
      return perAddress.hasRoom(address) ? null : "too-many-waits";
    },
    async hold(request) {
      const { rollupId, address, signal, waitMs } = request;
      const nothing = (): void => undefined;
      const flags = { isDue: false, isWoken: false, isOver: false };
      const waiter: Waiter = { rollupId, ...flags, wake: nothing, skipPause: nothing };
      const end = (): void => endWait(waiter);
      waiters.add(waiter);
      perAddress.add(address);
      const timer = setTimeout(end, waitMs);
      signal.addEventListener("abort", end, { once: true });
      try {
        return await holdUntil(waiter, request);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        waiters.delete(waiter);
        perAddress.remove(address);
      }
    },
    count: () => waiters.size,
    start() {
      unsubscribe = dependencies.view.subscribe((event) => {
        try {
          onEvent(event);
        } catch (error) {
          // Who told of the event must not fall with those who wait for it.
          dependencies.reportFailure("waits", error);
        }
      });
    },
    stop() {
      unsubscribe?.();
      unsubscribe = undefined;
      for (const waiter of waiters) endWait(waiter);
    },
  };
}

function endWait(waiter: Waiter): void {
  waiter.isOver = true;
  waiter.skipPause();
  waiter.wake();
}

function pause(waiter: Waiter, ms: number): Promise<void> {
  if (ms === 0 || waiter.isOver) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    waiter.skipPause = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
