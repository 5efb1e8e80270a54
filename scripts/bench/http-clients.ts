import { createConnection, type Socket } from "node:net";

/** Who asks the servers: in a process of its own, so that only the servers' time is counted. */
export type HttpClients = {
  /** Asks for the paths in turns on kept-alive connections, and counts the answers. */
  load(options: {
    readonly port: number;
    readonly paths: readonly string[];
    readonly connections: number;
    /** Requests in flight on each. */
    readonly depth: number;
    readonly requests: number;
  }): Promise<{ readonly seconds: number }>;
  /** Connects readers; with a path they ask for it first. */
  openReaders(options: {
    readonly port: number;
    readonly path: string | null;
    readonly count: number;
  }): Promise<void>;
  /** Waits until every reader has had so many frames in all; fails after the deadline. */
  awaitFrames(options: { readonly frames: number; readonly timeoutMs: number }): Promise<void>;
  closeReaders(): void;
};

interface Reader {
  readonly socket: Socket;
  frames: number;
  endsInNewline: boolean;
}

const NEWLINE = 0x0a;
const HEAD_END = "\r\n\r\n";

/** The role of a child process. */
export function createRole(): HttpClients {
  const readers = new Set<Reader>();
  return {
    async load(options) {
      const startedAt = performance.now();
      const share = Math.ceil(options.requests / options.connections);
      const requests = options.paths.map((path) => requestText(options.port, path));
      let next = 0;
      // The connections share the turns, so that no two ask for the same at once if there are many.
      const take = (count: number): string =>
        Array.from({ length: count }, () => requests[next++ % requests.length]).join("");
      await Promise.all(
        Array.from({ length: options.connections }, () => askAgain(options, { take, share })),
      );
      return { seconds: (performance.now() - startedAt) / 1_000 };
    },
    async openReaders({ port, path, count }) {
      const opened = Array.from({ length: count }, () => openReader(port, path));
      for (const reader of await Promise.all(opened)) readers.add(reader);
    },
    async awaitFrames({ frames, timeoutMs }) {
      const deadline = performance.now() + timeoutMs;
      while ([...readers].some((reader) => reader.frames < frames)) {
        if (performance.now() > deadline) throw new Error("events were lost");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    closeReaders() {
      for (const { socket } of readers) socket.destroy();
      readers.clear();
    },
  };
}

function requestText(port: number, path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}${HEAD_END}`;
}

/** One connection's share of the requests, `depth` of them in flight. */
function askAgain(
  options: { readonly port: number; readonly depth: number },
  work: { readonly take: (count: number) => string; readonly share: number },
): Promise<void> {
  const { take, share } = work;
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: "127.0.0.1", port: options.port, noDelay: true });
    let asked = 0;
    let answered = 0;
    let rest: Buffer = Buffer.alloc(0);
    const ask = (count: number): void => {
      const more = Math.min(count, share - asked);
      asked += more;
      if (more > 0) socket.write(take(more), "latin1");
    };
    socket.on("connect", () => ask(options.depth));
    socket.on("data", (chunk: Buffer) => {
      const answers = splitAnswers(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
      if (answers === null) return void socket.destroy(new Error("no good answer"));
      rest = answers.rest;
      answered += answers.count;
      if (answered < share) ask(answers.count);
      else socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      if (answered >= share) resolve();
      else reject(new Error("the server hung up"));
    });
  });
}

/** How many whole answers there are, and what is left; null where one is no success. */
function splitAnswers(bytes: Buffer): { readonly count: number; readonly rest: Buffer } | null {
  let at = 0;
  let count = 0;
  for (;;) {
    const headEnd = bytes.indexOf(HEAD_END, at);
    if (headEnd < 0) break;
    const head = bytes.toString("latin1", at, headEnd + 2);
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
    if (!head.startsWith("HTTP/1.1 200 ") || length === undefined) return null;
    const end = headEnd + HEAD_END.length + Number(length);
    if (end > bytes.length) break;
    at = end;
    count += 1;
  }
  return { count, rest: bytes.subarray(at) };
}

/** A frame ends with an empty line; the head of an answer, with CRLF, does not look like one. */
function openReader(port: number, path: string | null): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: "127.0.0.1", port, noDelay: true });
    const reader: Reader = { socket, frames: 0, endsInNewline: false };
    socket.on("error", reject);
    socket.on("connect", () => {
      if (path === null) resolve(reader);
      else socket.write(requestText(port, path));
    });
    socket.on("data", (chunk) => {
      for (const byte of chunk) {
        const isNewline = byte === NEWLINE;
        if (isNewline && reader.endsInNewline) reader.frames += 1;
        reader.endsInNewline = isNewline && !reader.endsInNewline;
      }
      // The stream greets whoever opens it, with a frame that is none of the events.
      if (path !== null) resolve(reader);
    });
  });
}
