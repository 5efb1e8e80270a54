import { setTimeout as sleep } from "node:timers/promises";
import type { NodeEvent } from "@mach/api";
import { type SetUpdate, toCertificate } from "@mach/core";
import { describe, expect, test } from "vitest";
import { type AnswerWaits, createAnswerWaits } from "../../src/http/answer-waits.ts";
import type { HandlerResult } from "../../src/http/handlers.ts";
import type { NodeView } from "../../src/http/node-view.ts";
import { certifiedBlock, finality, fixture, rollupId, unknownBlock } from "./memory-view.ts";
import { PATHS, readCode, startTestServer } from "./test-server.ts";

const { certificate } = fixture;
const moved: NodeEvent = { topic: "finality", rollupId, answer: { data: finality } };

/** A view whose block becomes fast-final when it is told to, and counts how often it is asked. */
function pendingBlock() {
  const told = { asked: 0, isFinal: false };
  const block: NodeView["block"] = () => {
    told.asked += 1;
    return { ok: true, value: told.isFinal ? certifiedBlock : unknownBlock };
  };
  return { told, parts: { block } };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(2);
}

describe("a request that waits", () => {
  test("is answered at once where the answer stands", async () => {
    const { url } = await startTestServer();
    expect(await readCode(`${url}${PATHS.block}?wait=30`)).toEqual([200, undefined]);
    expect(await readCode(`${url}${PATHS.certificate}?wait=30`)).toEqual([200, undefined]);
    expect(await readCode(`${url}${PATHS.finality}?wait=30`)).toEqual([200, undefined]);
  });

  test("is answered by the event that changes the answer, and not asked for in between", async () => {
    const { told, parts } = pendingBlock();
    const { url, view } = await startTestServer({ parts });
    const answer = fetch(`${url}${PATHS.block}?wait=30`);
    // Once when it came, and once more when it was held.
    await until(() => told.asked === 2);
    view.tell(moved);
    await until(() => told.asked === 3);
    told.isFinal = true;
    view.tell({ ...moved, rollupId: rollupId + 1n });
    const attestation = { claim: certificate.claim, operator: "0x", signature: "0x" } as const;
    view.tell({ topic: "attestation", rollupId, answer: { data: attestation, weight: 1n } });
    view.tell(moved);
    expect((await answer).status).toBe(200);
    expect(told.asked).toBe(4);
  });

  test("is not-yet when its time is over", async () => {
    const { told, parts } = pendingBlock();
    const { url } = await startTestServer({ parts });
    expect(await readCode(`${url}${PATHS.block}?wait=1`)).toEqual([404, "not-yet"]);
    expect(told.asked).toBe(3);
  });

  test("for a height that never comes is told so by its own code", async () => {
    let isClosed = false;
    const certificateAt: NodeView["certificate"] = () => ({
      ok: false,
      code: isClosed ? "no-certificate" : "not-yet",
    });
    const { url, view } = await startTestServer({ parts: { certificate: certificateAt } });
    const answer = readCode(`${url}${PATHS.certificate}?wait=30`);
    isClosed = true;
    view.tell(moved);
    expect(await answer).toEqual([404, "no-certificate"]);
  });

  test("for a set update is woken by an epoch's event", async () => {
    const { epoch, operatorSetHash } = fixture.operatorSet;
    const update: SetUpdate = {
      ...{ version: 1, domain: certificate.domain, epoch, operatorSetHash },
      ...{ signedBy: operatorSetHash, signers: "0x07", signature: certificate.signature },
    };
    let isThere = false;
    const setUpdate: NodeView["setUpdate"] = () =>
      isThere
        ? { ok: true, value: { update, isImproving: false } }
        : { ok: false, code: "not-yet" };
    const { url, view } = await startTestServer({ parts: { setUpdate } });
    const answer = readCode(`${url}${PATHS.setUpdate}?wait=30`);
    isThere = true;
    const data = { epoch, operatorSetHash, startsAt: 1n, update };
    const told = setInterval(
      () => view.tell({ topic: "epoch", rollupId: null, answer: { data } }),
      5,
    );
    expect(await answer).toEqual([200, undefined]);
    clearInterval(told);
  });

  test("outlives the silence that a connection may otherwise keep", async () => {
    const { told, parts } = pendingBlock();
    const { url, view } = await startTestServer({ parts, limits: { requestTimeoutMs: 100 } });
    const answer = fetch(`${url}${PATHS.block}?wait=30`);
    await until(() => told.asked === 2);
    await sleep(600);
    told.isFinal = true;
    view.tell(moved);
    expect((await answer).status).toBe(200);
  });

  test("is released when the server stops", async () => {
    const { told, parts } = pendingBlock();
    const { url, server } = await startTestServer({ parts });
    const answers = [1, 2, 3].map(() => readCode(`${url}${PATHS.block}?wait=30`));
    await until(() => told.asked === 6);
    await server.stop();
    expect(await Promise.all(answers)).toEqual(answers.map(() => [503, "unavailable"]));
  });

  test("keeps no place once its client has left", async () => {
    const { told, parts } = pendingBlock();
    const limits = { maxWaits: 1, maxWaitsPerAddress: 1 };
    const { url, view } = await startTestServer({ parts, limits });
    const departure = new AbortController();
    const first = fetch(`${url}${PATHS.block}?wait=30`, { signal: departure.signal });
    await until(() => told.asked === 2);
    expect(await readCode(`${url}${PATHS.block}?wait=30`)).toEqual([503, "unavailable"]);
    departure.abort();
    await expect(first).rejects.toThrow();
    let second: readonly unknown[] = [];
    while (second[0] !== 404) second = await readCode(`${url}${PATHS.block}?wait=1`);
    expect(second).toEqual([404, "not-yet"]);
    expect(view.listenerCount()).toBe(2);
  });

  test("is refused where its address waits for too many, and others are not", async () => {
    const { told, parts } = pendingBlock();
    const limits = { maxWaitsPerAddress: 1 };
    const { url } = await startTestServer({ parts, limits, trustedProxies: ["127.0.0.1"] });
    const ask = (address: string, wait = 30) =>
      readCode(`${url}${PATHS.block}?wait=${wait}`, { headers: { "x-forwarded-for": address } });
    const first = ask("192.0.2.1");
    await until(() => told.asked === 2);
    expect(await ask("192.0.2.1")).toEqual([429, "too-many-waits"]);
    expect(await ask("192.0.2.2", 1)).toEqual([404, "not-yet"]);
    expect(await ask("192.0.2.1", 0)).toEqual([404, "not-yet"]);
    first.catch(() => undefined);
  });
});

describe("many that wait", () => {
  function createWaits(): { waits: AnswerWaits; tell: (event: NodeEvent) => void } {
    let listener: (event: NodeEvent) => void = () => undefined;
    const waits = createAnswerWaits(
      {
        view: {
          subscribe: (heard) => {
            listener = heard;
            return () => undefined;
          },
        },
        reportFailure: (_, error) => {
          throw error;
        },
        onEvent: () => undefined,
      },
      { maxWaits: 1_000, maxWaitsPerAddress: 1_000 },
    );
    waits.start();
    return { waits, tell: (event) => listener(event) };
  }

  test("are never asked for in the turn of who tells, and not all in one turn", async () => {
    const { waits, tell } = createWaits();
    let asked = 0;
    const ask = async (): Promise<HandlerResult> => {
      asked += 1;
      return { ok: false, code: "not-yet" };
    };
    const request = { ask, rollupId, waitMs: 60_000, pauseMs: 0, address: "192.0.2.1" };
    const all = Array.from({ length: 100 }, () =>
      waits.hold({ ...request, signal: new AbortController().signal }),
    );
    expect(asked).toBe(100);
    tell(moved);
    expect(asked).toBe(100);
    await Promise.resolve();
    expect(asked).toBe(100);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBeLessThan(200);
    await until(() => asked === 200);
    waits.stop();
    expect(new Set((await Promise.all(all)).map((each) => !each.ok && each.code))).toEqual(
      new Set(["unavailable"]),
    );
    expect(waits.count()).toBe(0);
  });

  test("an ask that fails fails that one alone, and gives its place back", async () => {
    const { waits } = createWaits();
    const { signal } = new AbortController();
    const ask = (): Promise<HandlerResult> => Promise.reject(new Error("disk"));
    const request = { ask, rollupId, waitMs: 60_000, pauseMs: 0, address: "192.0.2.1", signal };
    await expect(waits.hold(request)).rejects.toThrow("disk");
    expect(waits.count()).toBe(0);
    expect(waits.refusalOf("192.0.2.1")).toBeNull();
  });

  test("a pause between two asks is kept, and ends with the wait", async () => {
    const { waits, tell } = createWaits();
    let asked = 0;
    const ask = async (): Promise<HandlerResult> => {
      asked += 1;
      return { ok: false, code: "not-yet" };
    };
    const { signal } = new AbortController();
    const slow = { waitMs: 60_000, pauseMs: 60_000, address: "192.0.2.1", signal };
    const held = waits.hold({ ask, rollupId, ...slow });
    for (let i = 0; i < 20; i += 1) {
      tell(moved);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(asked).toBe(1);
    waits.stop();
    expect(await held).toEqual({ ok: false, code: "unavailable" });
  });
});

test("the certificate of the fixture is served in full to who waited for it", async () => {
  let isThere = false;
  const certificateAt: NodeView["certificate"] = () =>
    isThere
      ? { ok: true, value: { certificate, isImproving: true } }
      : { ok: false, code: "not-yet" };
  const { client, view } = await startTestServer({ parts: { certificate: certificateAt } });
  const { blockNumber } = certificate.claim;
  const answer = client.get("certificate", { rollupId, blockNumber, wait: 30 });
  isThere = true;
  const told = setInterval(() => view.tell(moved), 5);
  expect(await answer).toMatchObject({ ok: true, answer: { data: toCertificate(certificate) } });
  clearInterval(told);
});

test("what happened since an answer was kept for its turn is in the answer of who waits", async () => {
  let isFinal = false;
  const { url, view } = await startTestServer({
    parts: {
      finality: () => {
        const value = isFinal ? finality : { ...finality, fastFinal: null, certificate: null };
        // Right after the first answer was built, and before its request is held.
        if (!isFinal) queueMicrotask(change);
        return { ok: true, value };
      },
    },
  });
  function change(): void {
    isFinal = true;
    view.tell(moved);
  }
  expect((await fetch(`${url}${PATHS.finality}?wait=30`)).status).toBe(200);
});
