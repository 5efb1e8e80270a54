import { setImmediate as turn } from "node:timers/promises";
import { MESHSUB, type Outsider } from "../../packages/node/test/gossip/outsider.ts";
import type { Arena, ArenaNode } from "./arena.ts";
import type { Corpus } from "./frame-corpus.ts";
import { framed, join } from "./gossipsub-frames.ts";
import { mutate, pick, type Random } from "./mutation.ts";

export interface FloodResult {
  /** How many frames left this process. */
  readonly sent: number;
  /** How many identities that took, each banned in its turn. */
  readonly identities: number;
  /** From an identity's first frame to the end of its connection, at most; in milliseconds. */
  readonly longestMs: number;
}

/** How long an abuser may go on before the attack counts as unnoticed. */
const UNNOTICED_MS = 30_000;
const FRAMES_PER_TURN = 512;
/** So many turns of gossip have one frame each on streams of their own. */
const TURNS_PER_STREAM = 2;

/** Sends mutated frames, under a new identity whenever the one before was hung up on. */
export async function floodMutatedFrames(
  arena: Arena,
  victim: ArenaNode,
  options: { readonly count: number; readonly corpus: Corpus; readonly random: Random },
): Promise<FloodResult> {
  let [sent, identities, longestMs] = [0, 0, 0];
  while (sent < options.count) {
    const outsider = await arena.outsider();
    const startedAt = performance.now();
    sent += await floodAs(outsider, victim, { ...options, count: options.count - sent });
    identities += 1;
    longestMs = Math.max(longestMs, performance.now() - startedAt);
    await outsider.stop();
  }
  return { sent, identities, longestMs };
}

async function floodAs(
  { connect, names }: Outsider,
  victim: ArenaNode,
  { count, corpus, random }: Parameters<typeof floodMutatedFrames>[2],
): Promise<number> {
  const connection = await connect(victim.address);
  const gossip = await connection.newStream(MESHSUB);
  const deadline = performance.now() + UNNOTICED_MS;
  let sent = 0;
  const single = async (protocol: string, frames: readonly Uint8Array[]): Promise<void> => {
    const stream = await connection.newStream(protocol);
    const frame = mutate(pick(random, frames), random);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    // The length before it may lie too.
    stream.send(random() < 0.5 ? join(length, frame) : mutate(join(length, frame), random));
    sent += 1;
  };
  try {
    for (let turns = 0; connection.status === "open"; turns++) {
      if (performance.now() > deadline) throw new Error("an abuser goes on unnoticed");
      const frames = Array.from({ length: FRAMES_PER_TURN }, () => {
        const frame = mutate(pick(random, corpus.gossip), random);
        return random() < 0.99 ? framed(frame) : mutate(framed(frame), random);
      });
      // Beyond the count it goes on until it is hung up on, and is not counted any more.
      const isEnough = sent >= count;
      gossip.send(join(...frames));
      if (!isEnough) sent += frames.length;
      if (turns % TURNS_PER_STREAM === 1) {
        await single(names.sync, corpus.sync);
        await single(names.hello, corpus.hello);
      }
      if (gossip.writeStatus === "writable") await gossip.onDrain();
      await turn();
    }
  } catch (error) {
    // A stream of a connection that was ended under way says so in many ways.
    if (connection.status === "open" && performance.now() > deadline) throw error;
    if (connection.status === "open") connection.abort(new Error("one stream is gone"));
  }
  return sent;
}
