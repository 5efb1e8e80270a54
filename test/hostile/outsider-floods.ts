import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { MESHSUB, type Outsider } from "../../packages/node/test/gossip/outsider.ts";
import { muxerOf, SYN, yamuxHeader } from "../../packages/node/test/gossip/yamux-frames.ts";
import type { ArenaNode } from "./arena.ts";
import {
  control,
  framed,
  graft,
  idontwant,
  ihave,
  iwant,
  join,
  prune,
  subscription,
} from "./gossipsub-frames.ts";
import { indexBelow, type Random, randomBytes } from "./mutation.ts";

type Connection = Awaited<ReturnType<Outsider["connect"]>>;

/** How long a connection may stand that the node should end. */
const UNNOTICED_MS = 30_000;

/** Sends a gossip frame again and again until the node hangs up; for how many milliseconds. */
export async function sendUntilHungUp(
  connection: Connection,
  next: () => Uint8Array,
): Promise<number> {
  const startedAt = performance.now();
  try {
    const stream = await connection.newStream(MESHSUB);
    while (connection.status === "open" && performance.now() - startedAt < UNNOTICED_MS) {
      stream.send(next());
      if (stream.writeStatus === "writable") await stream.onDrain();
      await turn();
    }
  } catch {
    // The stream of a connection that was ended under way.
  }
  // The stream may have been ended first.
  while (connection.status === "open") {
    if (performance.now() - startedAt > UNNOTICED_MS) throw new Error("the node did not hang up");
    await sleep(20);
  }
  return performance.now() - startedAt;
}

/** A frame with as many topics as fit, none of them of any network. */
export function manyTopics(bytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let length = 0, i = 0; length < bytes; i++) {
    const part = subscription(`t${i}`);
    parts.push(part);
    length += part.length;
  }
  return framed(new Uint8Array(Buffer.concat(parts)));
}

/** The control messages that a node decodes, all that go into one frame, with ids of nothing. */
export function controlFrame(topic: string, random: Random): Uint8Array {
  const ids = Array.from({ length: 64 }, () => randomBytes(random, 20));
  const kinds = [
    ...[ihave(topic, ids), iwant(ids), idontwant(ids)],
    ...[join(graft(topic), prune(topic, 2 ** 40)), join(prune(topic, 1), graft(topic))],
  ];
  const kind = kinds[indexBelow(random, kinds.length)] ?? graft(topic);
  return framed(control(kind));
}

/** Opens streams and resets them at once; how many before the node hangs up. */
export async function churnStreams(connection: Connection): Promise<number> {
  const { maConn } = muxerOf(connection);
  const reset = 8;
  let opened = 0;
  const deadline = performance.now() + UNNOTICED_MS;
  for (let stream = 1_000_001; connection.status === "open"; stream += 2) {
    if (performance.now() > deadline) throw new Error("the node did not hang up");
    try {
      maConn.send(yamuxHeader({ type: 1, flags: SYN, stream, length: 0 }));
      maConn.send(yamuxHeader({ type: 1, flags: reset, stream, length: 0 }));
    } catch {
      // Ended under way.
      break;
    }
    opened += 1;
    if (opened % 256 === 0) await turn();
  }
  return opened;
}

/** Says that a frame of 4 GiB comes, and sends it; how many bytes before the node hangs up. */
export async function sendEndlessFrame(connection: Connection): Promise<number> {
  const { maConn } = muxerOf(connection);
  const chunk = new Uint8Array(65_536);
  let sent = 0;
  const deadline = performance.now() + UNNOTICED_MS;
  try {
    maConn.send(yamuxHeader({ type: 0, flags: SYN, stream: 2_001, length: 0xff_ff_ff_ff }));
    while (connection.status === "open") {
      if (performance.now() > deadline) throw new Error("the node did not hang up");
      if (!maConn.send(chunk)) await maConn.onDrain({ signal: AbortSignal.timeout(UNNOTICED_MS) });
      sent += chunk.length;
      await turn();
    }
  } catch (error) {
    // Ended under way.
    if (connection.status === "open") throw error;
  }
  return sent;
}

/** TCP connections on which nothing is ever said. */
export async function openSilentSockets(
  node: ArenaNode,
  options: { readonly count: number; readonly from: string },
): Promise<{ close(): void }> {
  const [, , host = "", , port = ""] = node.address.split("/");
  const sockets: Socket[] = [];
  for (let i = 0; i < options.count; i++) {
    const socket = connectSocket({ host, port: Number(port), localAddress: options.from });
    // Refused or reset: what an attacker expects.
    socket.on("error", () => undefined);
    sockets.push(socket);
    if (i % 50 === 49) await sleep(20);
  }
  const last = sockets.at(-1);
  if (last?.connecting === true) await Promise.race([once(last, "connect"), once(last, "close")]);
  return {
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
