import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** A node that holds on to the launcher, whoever started it. */
export interface HeldNode {
  readonly pid: number;
  /** The command line of the process, empty where it cannot be told. */
  readonly command: string;
}

/** Where nodes connect, and see the launcher end. */
export interface LifelineServer {
  readonly port: number;
  nodes(): readonly HeldNode[];
  /** Lets all nodes go: each of them then stops by itself. */
  close(): void;
}

const GREETING = "mach-local-network";

export interface LifelineListener {
  onNode(node: HeldNode): void;
  /** The node let go, which it does when it ends. */
  onGone(node: HeldNode): void;
}

/** Listens on loopback for the nodes of the network in `folder`. */
export async function startLifelineServer(
  folder: string,
  listener: LifelineListener,
): Promise<LifelineServer> {
  const nodes = new Map<Socket, HeldNode>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      const node = nodes.get(socket);
      nodes.delete(socket);
      if (node !== undefined) listener.onGone(node);
    });
    socket.write(`${GREETING} ${folder}\n`);
    createInterface({ input: socket }).once("line", (line) => {
      if (!/^\d{1,10}$/.test(line)) return socket.destroy();
      const pid = Number(line);
      void commandOf(pid).then((command) => {
        if (socket.destroyed) return;
        nodes.set(socket, { pid, command });
        listener.onNode({ pid, command });
      });
      return undefined;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    nodes: () => [...nodes.values()],
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Whether a launcher of this folder's network listens on the port. */
export async function isLauncherAlive(port: number, folder: string): Promise<boolean> {
  const socket = createConnection({ host: "127.0.0.1", port });
  try {
    const greeting = await Promise.race([
      once(createInterface({ input: socket }), "line"),
      once(socket, "close").then(() => [""]),
      sleep(1_000, [""], { ref: false }),
    ]);
    return greeting[0] === `${GREETING} ${folder}`;
  } catch {
    // Nobody listens there.
    return false;
  } finally {
    socket.destroy();
  }
}

/** A process id alone may be anyone's; what the process runs says whether it is a node of ours. */
async function commandOf(pid: number): Promise<string> {
  try {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8");
    return line.replaceAll("\0", " ").trim();
  } catch {
    // No Linux, or it has ended: `ps` knows.
  }
  try {
    const args = ["-ww", "-o", "command=", "-p", String(pid)];
    const { stdout } = await promisify(execFile)("ps", args);
    return stdout.trim();
  } catch {
    // It has ended, or there is no `ps` here.
    return "";
  }
}
