import { connect } from "node:net";
import { expect, test } from "vitest";
import { startTestServer } from "./test-server.ts";

/** What comes back on a raw connection until it is closed. */
function talk(port: number, sent: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(sent));
    let received = "";
    socket.setEncoding("utf8");
    socket.on("data", (data: string) => {
      received += data;
    });
    // A reset is a closing too.
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
  });
}

test("half a request line, half the headers or half a body: closed in time", async () => {
  const { port } = await startTestServer({ limits: { requestTimeoutMs: 400 } });
  const begun = performance.now();
  const answers = await Promise.all([
    talk(port, "GET /v1/net"),
    talk(port, "GET /v1/network HTTP/1.1\r\nhost: x\r\nx-slow: "),
    talk(port, ""),
    talk(port, "GET /v1/network HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc"),
    talk(port, "POST /v1/network HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc"),
  ]);
  expect(performance.now() - begun).toBeLessThan(10_000);
  expect(answers[0]).toContain('"code":"timeout"');
  expect(answers[1]).toContain('"code":"timeout"');
  expect(answers[3]).toMatch(/^HTTP\/1.1 (200|408)/);
  expect(answers[4]).toContain('"code":"method-not-allowed"');
});

test("what is no HTTP is refused in the error's form", async () => {
  const { port } = await startTestServer();
  expect(await talk(port, "HELLO\r\n\r\n")).toMatch(/^HTTP\/1.1 400 .*"code":"malformed"/s);
  const binary = String.fromCharCode(22, 3, 1, 0, 200);
  expect(await talk(port, binary)).toContain('"code":"malformed"');
});

test("connections beyond the bound are closed", async () => {
  const { port } = await startTestServer({ limits: { maxConnections: 2 } });
  const request = "GET /v1/network HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
  const held = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  await Promise.all(held.map((each) => new Promise((resolve) => each.on("connect", resolve))));
  expect(await talk(port, request)).toBe("");
  for (const each of held) each.destroy();
  await expect.poll(() => talk(port, request)).toContain("200 OK");
});
