import { connect } from "node:net";
import { ROUTE_IDS, ROUTES } from "@mach/api";
import { describe, expect, test } from "vitest";
import type { NodeView } from "../../src/http/node-view.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { createMemoryView, unknownBlock } from "./memory-view.ts";
import { PATHS, startTestServer } from "./test-server.ts";

describe("readers from other pages", () => {
  test("everyone may read, nobody with credentials", async () => {
    const { url } = await startTestServer();
    for (const id of ROUTE_IDS) {
      const response = await fetch(`${url}${PATHS[id]}`, {
        headers: { origin: "https://bridge.example" },
      });
      await response.body?.cancel();
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("a preflight allows reading and no more", async () => {
    const { url } = await startTestServer();
    const response = await fetch(`${url}${PATHS.finality}`, {
      method: "OPTIONS",
      headers: { origin: "https://bridge.example", "access-control-request-method": "POST" },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-methods")).toBe("GET, HEAD, OPTIONS");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });

  test("HEAD answers with the head alone", async () => {
    const { url } = await startTestServer();
    for (const id of ROUTE_IDS) {
      if (ROUTES[id].method !== "GET") continue;
      const response = await fetch(`${url}${PATHS[id]}`, { method: "HEAD" });
      expect(response.status).toBe(id === "setUpdate" ? 404 : 200);
      expect(await response.text()).toBe("");
    }
  });
});
describe("starting and stopping", () => {
  test("a port that is taken is named, with what to do", async () => {
    const { port } = await startTestServer();
    const second = createHttpServer(
      { view: createMemoryView(), now: () => 0, logger: { error: () => {} } },
      { host: "localhost", port, software: "0.1.0" },
    );
    const result = await second.start();
    expect(result).toMatchObject({ ok: false, code: "port-taken" });
    if (!result.ok) expect(result.message).toContain(`${port}`);
    if (!result.ok) expect(result.message).toContain("MACH_API_PORT");
  });

  test("an address that is not this machine's is a coded failure", async () => {
    const server = createHttpServer(
      { view: createMemoryView(), now: () => 0, logger: { error: () => {} } },
      { host: "192.0.2.1", port: 0, software: "0.1.0" },
    );
    expect(await server.start()).toMatchObject({ ok: false, code: "cannot-listen" });
  });

  test("stopping lets a request under way finish, and takes no new one", async () => {
    const asked = deferred<void>();
    const answer = deferred<Awaited<ReturnType<NodeView["block"]>>>();
    const block: NodeView["block"] = () => {
      asked.resolve();
      return answer.promise;
    };
    const { server, url, view } = await startTestServer({ parts: { block } });
    const underWay = fetch(`${url}${PATHS.block}`);
    await asked.promise;
    const stopped = server.stop();
    await expect(fetch(`${url}/v1/network`)).rejects.toThrow();
    answer.resolve({ ok: true, value: unknownBlock });
    expect((await underWay).status).toBe(200);
    await stopped;
    expect(view.listenerCount()).toBe(0);
  });

  test("what is asked on an open connection while the server stops is unavailable", async () => {
    const asked = deferred<void>();
    const answer = deferred<Awaited<ReturnType<NodeView["block"]>>>();
    const block: NodeView["block"] = () => {
      asked.resolve();
      return answer.promise;
    };
    const { server, port } = await startTestServer({ parts: { block } });
    const socket = connect(port, "127.0.0.1");
    const text = deferred<string>();
    let received = "";
    socket.setEncoding("utf8");
    socket.on("data", (data: string) => {
      received += data;
    });
    socket.on("close", () => text.resolve(received));
    socket.write(`GET ${PATHS.block} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await asked.promise;
    const stopped = server.stop();
    socket.write("GET /v1/network HTTP/1.1\r\nhost: x\r\n\r\n");
    // The second request is read before the first is answered: both are on one connection.
    await fetch(`http://127.0.0.1:${port}/v1/network`).catch(() => undefined);
    answer.resolve({ ok: true, value: unknownBlock });
    await stopped;
    expect(await text.promise).toMatch(/^HTTP\/1.1 200 .*HTTP\/1.1 503 .*"code":"unavailable"/s);
  });

  test("stopping cuts what does not finish, within two seconds", async () => {
    const { server, url, port } = await startTestServer({
      parts: { block: () => new Promise(() => {}) },
      limits: { stopMs: 200 },
    });
    const silent = connect(port, "127.0.0.1");
    silent.on("error", () => {});
    const underWay = fetch(`${url}${PATHS.block}`).catch((error: unknown) => error);
    await new Promise((resolve) => silent.on("connect", resolve));
    const begun = performance.now();
    await server.stop();
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(await underWay).toBeInstanceOf(Error);
  });
});
describe("the documentation that the server gives of itself", () => {
  test("the page needs nobody else and no script", async () => {
    const { url } = await startTestServer();
    const page = await (await fetch(`${url}/docs`)).text();
    expect(page).not.toMatch(/<script|src=|https?:\/\/(?!127\.0\.0\.1)|@import|url\(/);
    for (const id of ROUTE_IDS) expect(page).toContain(`id="${id}"`);
  });

  test("the OpenAPI document has every route", async () => {
    const { url } = await startTestServer();
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(document.paths)).toEqual(ROUTE_IDS.map((id) => ROUTES[id].path));
  });
});

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
