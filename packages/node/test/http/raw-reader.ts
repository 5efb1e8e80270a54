import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A connection of a reader that writes and reads as it likes. */
export interface RawReader {
  readonly socket: Socket;
  /** What came, as Latin-1. */
  text(): string;
  isClosed(): boolean;
  /** Resolves to the seconds from the connecting to the close. */
  readonly closed: Promise<number>;
}

/** Connects, and destroys the connection when the test is over. */
export function connectRaw(port: number, sent: string | Buffer = ""): RawReader {
  const startedAt = performance.now();
  const socket = connect(port, "127.0.0.1");
  let received = "";
  let isClosed = false;
  socket.on("data", (data: Buffer) => {
    received += data.toString("latin1");
  });
  // A reset is a closing too.
  socket.on("error", () => {});
  const closed = new Promise<number>((resolve) => {
    socket.on("close", () => {
      isClosed = true;
      resolve((performance.now() - startedAt) / 1_000);
    });
  });
  onTestFinished(() => void socket.destroy());
  if (sent.length > 0) socket.write(sent);
  return { socket, text: () => received, isClosed: () => isClosed, closed };
}

/** A request for a path, as it is written. */
export function requestText(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\nhost: x\r\n${lines.join("")}\r\n`;
}

/** Writes one byte at a time for as long as the connection stands. */
export function drip({ socket }: RawReader, byte: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(byte), everyMs);
  socket.on("close", () => clearInterval(timer));
}

/** How many answers of a status are in a text. */
export function countStatus(text: string, status: number): number {
  return text.split(`HTTP/1.1 ${status} `).length - 1;
}
