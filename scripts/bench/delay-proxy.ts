import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";

/** Stands in the path of TCP connections, and holds each byte for a while, in both directions. */
export interface DelayProxies {
  /** Listens for what is meant for a port of this machine; returns the port to dial instead. */
  stand(port: number): Promise<number>;
  /** How long what comes from now on is held, one way. */
  setDelay(delayMs: number): void;
  close(): void;
}

/** Bytes that one direction of a connection holds at most before its sender has to wait. */
const MAX_HELD_BYTES = 8_388_608;

export function createDelayProxies(): DelayProxies {
  const closers = new Set<() => void>();
  let delayMs = 0;

  function carry(from: Socket, to: Socket): void {
    const { later, clear } = createDelayLine(() => delayMs);
    let held = 0;
    from.on("data", (bytes: Buffer) => {
      held += bytes.length;
      if (held > MAX_HELD_BYTES) from.pause();
      later(() => {
        held -= bytes.length;
        if (from.isPaused() && held <= MAX_HELD_BYTES) from.resume();
        if (to.writable) to.write(bytes);
      });
    });
    from.on("end", () => later(() => to.end()));
    // Whatever ends one side badly ends the other.
    from.on("error", () => to.destroy());
    from.on("close", () => later(() => to.destroy()));
    to.on("close", clear);
  }

  return {
    async stand(port) {
      const server = createServer((near) => {
        const far = createConnection({ host: "127.0.0.1", port });
        for (const socket of [near, far]) {
          socket.setNoDelay(true);
          const end = (): void => void socket.destroy();
          closers.add(end);
          socket.once("close", () => closers.delete(end));
        }
        carry(near, far);
        carry(far, near);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      closers.add(() => server.close());
      return (server.address() as AddressInfo).port;
    },
    setDelay(milliseconds) {
      delayMs = milliseconds;
    },
    close() {
      for (const close of closers) close();
    },
  };
}

/** Runs each thing after the delay of its time, and never before what came earlier. */
function createDelayLine(delayMs: () => number): {
  later(run: () => void): void;
  clear(): void;
} {
  const waiting: { readonly dueMs: number; readonly run: () => void }[] = [];
  let timer: NodeJS.Timeout | null = null;

  function runDue(): void {
    timer = null;
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      const wait = next.dueMs - performance.now();
      if (wait > 0) {
        // A timer may fire early by a part of a millisecond.
        timer = setTimeout(runDue, Math.max(1, wait));
        return;
      }
      waiting.shift();
      next.run();
    }
  }

  return {
    later(run) {
      waiting.push({ dueMs: performance.now() + delayMs(), run });
      if (timer === null) runDue();
    },
    clear() {
      waiting.length = 0;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
