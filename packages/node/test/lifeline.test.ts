import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { connectLifeline } from "../src/lifeline.ts";

let server: Server | undefined;
afterEach(() => server?.close());

async function launcher(): Promise<{ readonly port: number; readonly accepted: Promise<Socket> }> {
  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection").then(([socket]) => socket as Socket);
  return { port: (server.address() as AddressInfo).port, accepted };
}

it("tells the launcher its process id and ends when the launcher does", async () => {
  const { port, accepted } = await launcher();
  const closed = new Promise<void>((resolve) => {
    connectLifeline(port, resolve);
  });
  const socket = await accepted;
  const [line] = (await once(socket, "data")) as [Buffer];
  expect(line.toString()).toBe(`${process.pid}\n`);
  socket.destroy();
  await closed;
});

it("ends at once where no launcher listens", async () => {
  const { port } = await launcher();
  server?.close();
  await new Promise<void>((resolve) => {
    connectLifeline(port, resolve);
  });
});

it("is not told to stop after it let go", async () => {
  const { port, accepted } = await launcher();
  let isTold = false;
  const lifeline = connectLifeline(port, () => {
    isTold = true;
  });
  const socket = await accepted;
  lifeline.close();
  socket.resume();
  await once(socket, "close");
  expect(isTold).toBe(false);
});
