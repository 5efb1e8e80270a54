import { createConnection, type Socket } from "node:net";

/** A connection whose end tells this process to stop. */
export interface Lifeline {
  /** Lets go without being told to stop. */
  close(): void;
}

/**
 * Connects to the launcher of a local network on loopback and tells it this process's id, one
 * line of decimal digits. `onClose` is called once when the connection ends or cannot be made:
 * whatever ends the launcher, no node outlives it.
 */
export function connectLifeline(port: number, onClose: () => void): Lifeline {
  let isOpen = true;
  const socket: Socket = createConnection({ host: "127.0.0.1", port }, () => {
    socket.write(`${process.pid}\n`);
  });
  const end = (): void => {
    if (!isOpen) return;
    isOpen = false;
    onClose();
  };
  socket.setNoDelay(true);
  socket.resume();
  // An error is followed by `close`, which is where the end is seen.
  socket.on("error", () => undefined);
  socket.on("end", () => socket.destroy());
  socket.on("close", end);
  return {
    close() {
      isOpen = false;
      socket.destroy();
    },
  };
}
