import { expect, it, onTestFinished, vi } from "vitest";
import { blockStatus, finalityStatus } from "../../../sdk/test/signed-network.ts";
import type { Verifier } from "../../src/badge/verifier.ts";
import { CERTIFICATE, CERTIFIED, openPage, TRUSTING } from "./page-of-badges.ts";

const ENDPOINT = "https://a.example";
const QUESTION = { endpoints: ENDPOINT, height: "10" } as const;
/** What browsers open to one host over HTTP/1.1, for all pages of a site together. */
const CONNECTIONS = 6;
const NEVER = new Promise<never>(() => undefined);

async function verifierThatNeverProves(onAsked: () => void): Promise<Verifier> {
  const prove = (): Promise<never> => {
    onAsked();
    return NEVER;
  };
  return { prove };
}

function fakeTimers(): void {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
  });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

/** A node behind a browser's connections: each is taken until its answer has ended. */
function nodeBehind(most: number) {
  const waiting: (() => void)[] = [];
  let taken = 0;
  let streams = 0;
  const take = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const start = (): void => {
        taken += 1;
        resolve();
      };
      if (taken < most) return start();
      waiting.push(start);
      signal.addEventListener("abort", () => {
        const at = waiting.indexOf(start);
        if (at >= 0) waiting.splice(at, 1);
        reject(signal.reason);
      });
    });
  const leave = (): void => {
    taken -= 1;
    waiting.shift()?.();
  };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { pathname } = new URL(String(input));
    const signal = init?.signal ?? new AbortController().signal;
    await take(signal);
    if (pathname === "/v1/events") return openStream(signal);
    leave();
    const head = pathname.endsWith("/finality");
    return Response.json({
      data: head ? finalityStatus(CERTIFICATE, 12n) : blockStatus(CERTIFIED, CERTIFICATE),
    });
  };
  const openStream = (signal: AbortSignal): Response => {
    streams += 1;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("retry: 10\n\n"));
        signal.addEventListener("abort", () => {
          streams -= 1;
          leave();
          controller.error(signal.reason);
        });
      },
    });
    return new Response(body, { status: 200 });
  };
  return { fetch, streams: () => streams };
}

it("pages that hold all connections to a host give way to the one that has none", async () => {
  fakeTimers();
  const node = nodeBehind(CONNECTIONS);
  const open = () => openPage({ fetch: node.fetch }).ask(QUESTION);
  const badges = Array.from({ length: CONNECTIONS }, open);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(node.streams()).toBe(CONNECTIONS);
  const late = open();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(late.now()?.state).toBe("fast-final");
  for (let second = 0; second < 120; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    const states = [...badges, late].map((badge) => badge.now()?.state);
    expect(new Set(states)).toEqual(new Set(["fast-final"]));
  }
  // Hints are not given up for good.
  expect(node.streams()).toBeGreaterThan(0);
});

it.each([
  ["loaded", "verifier-unavailable", (): Promise<Verifier> => NEVER],
  ["done", "timed-out", verifierThatNeverProves],
] as const)("checking that is never %s is told, and tried again", async (_, code, load) => {
  fakeTimers();
  const node = nodeBehind(CONNECTIONS);
  let asked = 0;
  const page = openPage({
    fetch: node.fetch,
    loadVerifier: () => {
      asked += 1;
      return load(() => (asked += 1));
    },
  });
  const badge = page.ask({ ...QUESTION, ...TRUSTING });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(badge.now()).toMatchObject({ state: "not-yet", code: "checking" });
  await vi.advanceTimersByTimeAsync(65_000);
  expect(badge.now()).toMatchObject({ code, isVerified: false });
  expect(badge.shown.map(({ state }) => state)).not.toContain("fast-final");
  const before = asked;
  await vi.advanceTimersByTimeAsync(65_000);
  expect(asked).toBeGreaterThan(before);
});

it("a read that hears no signal ends all the same", async () => {
  fakeTimers();
  const badge = openPage({ fetch: () => NEVER }).ask(QUESTION);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(badge.now()?.state).toBe("unreachable");
});
