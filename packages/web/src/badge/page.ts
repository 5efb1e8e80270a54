import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import { createFeed, type Feed } from "./feed.ts";
import type { FinalityDetail } from "./finding.ts";
import { createLazyVerifier } from "./proof.ts";
import type { Question } from "./question.ts";
import { createRetriedImport } from "./retried-import.ts";
import { createSharedFetch } from "./shared-fetch.ts";
import type { Verifier } from "./verifier.ts";
import { createWatch, type Watch } from "./watch.ts";

/** What all badges of a page share: connections, answers, and what was verified. */
export interface Page {
  /** Tells of the answer, at once and whenever it is looked at, until the function given is called. */
  watch(question: Question, onLook: (detail: FinalityDetail) => void): () => void;
  /** Looks at the clock and asks again: the page was hidden or is now, or the machine was asleep. */
  wake(): void;
}

export interface PagePorts {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly loadVerifier: (ports: {
    readonly fetch: typeof globalThis.fetch;
    readonly now: () => number;
  }) => Promise<Verifier>;
  /** While nobody sees the page nothing is asked or open; what is shown goes stale by the clock. */
  readonly isHidden: () => boolean;
}

/** How often ages move on. */
const TICK_MS = 1_000;

interface Shared {
  readonly watch: Watch;
  readonly listeners: Set<(detail: FinalityDetail) => void>;
}

export function createPage(ports: PagePorts): Page {
  const { clock, isHidden } = ports;
  const nowMs = (): number => clock.now().wallMs;
  const fetch = createSharedFetch({ fetch: ports.fetch, now: () => clock.now().steadyMs });
  const verifier = createLazyVerifier(() => ports.loadVerifier({ fetch, now: nowMs }));
  const feeds = new Map<string, Feed>();
  const watches = new Map<string, Shared>();
  let timer: ReturnType<typeof setInterval> | undefined;

  function feedOf(endpoint: string): Feed {
    const known = feeds.get(endpoint) ?? createFeed(endpoint, { fetch, isHidden });
    feeds.set(endpoint, known);
    return known;
  }

  function open(question: Question): Shared {
    const listeners: Shared["listeners"] = new Set();
    const tell = (detail: FinalityDetail): void => {
      for (const listener of listeners) listener(detail);
    };
    const shown = { isHidden, onLook: tell };
    const watch = createWatch(question, { fetch, clock, feedOf, verifier, ...shown });
    const shared = { watch, listeners };
    watches.set(question.key, shared);
    watch.start();
    timer ??= setInterval(() => {
      if (isHidden()) return;
      for (const each of watches.values()) each.watch.tick();
    }, TICK_MS);
    return shared;
  }

  function close(key: string, { watch }: Shared): void {
    watch.stop();
    watches.delete(key);
    if (watches.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    feeds.clear();
  }

  return {
    watch(question, onLook) {
      const shared = watches.get(question.key) ?? open(question);
      // Two badges may well have the same function: each is told.
      const listener = (detail: FinalityDetail): void => onLook(detail);
      shared.listeners.add(listener);
      listener(shared.watch.detail());
      return () => {
        if (shared.listeners.delete(listener) && shared.listeners.size === 0) {
          close(question.key, shared);
        }
      };
    },
    wake() {
      for (const feed of feeds.values()) feed.look();
      if (isHidden()) return;
      for (const { watch } of watches.values()) {
        watch.tick();
        watch.refresh();
      }
    },
  };
}

let page: Page | undefined;

/** The one page that a document is. */
export function thisPage(): Page {
  if (page !== undefined) return page;
  const load = createRetriedImport({
    importFirst: () => import("./verifier.ts"),
    importFrom: (address): Promise<typeof import("./verifier.ts")> =>
      import(/* @vite-ignore */ /* webpackIgnore: true */ address),
  });
  const made = createPage({
    fetch: (input, init) => globalThis.fetch(input, init),
    clock: SYSTEM_CLOCK,
    async loadVerifier(options) {
      const { createVerifier } = await load();
      return createVerifier(options);
    },
    isHidden: () => document.visibilityState === "hidden",
  });
  document.addEventListener("visibilitychange", made.wake);
  addEventListener("pageshow", made.wake);
  addEventListener("online", made.wake);
  page = made;
  return made;
}
