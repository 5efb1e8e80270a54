import { spawnSync } from "node:child_process";
import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  createWorld,
  IDENTITY,
  OPERATOR,
  ROLLUP_ID,
  startNode,
  startProgram,
} from "./node-process.ts";
import { lockedFolder, recordIn } from "./test-folders.ts";
import { isSendTo, type TraceEvent, traceEvents } from "./trace-events.ts";

/** Processes of their own, on a machine that is busy. */
const LONG = { timeout: 240_000 };

const hasStrace = spawnSync("strace", ["-f", "--seccomp-bpf", "true"]).status === 0;
if (!hasStrace) {
  process.stderr.write("NOT TESTED: no strace, so nothing shows that a sync precedes each send\n");
}

/** A signature travels uncompressed, and encrypted bytes are no fewer: less than it holds none. */
const SIGNATURE_BYTES = 192;
const WANTED = 8;
const MOST = 40;

/** Longer than signing and sending take: what does not wait for the disk comes before it. */
const SLOW_DISK = "inject=fdatasync,pwrite64:delay_enter=20000";
const WATCHED = "trace=pwrite64,fdatasync,fsync,msync,write,writev,sendto,sendmsg";

test.runIf(hasStrace)(
  "a node sends no attestation to a peer before its record and watermark are synced",
  LONG,
  async () => {
    const world = await createWorld();
    const file = join(world.folder, "trace");
    const strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-yy", "-ttt", "-o", file];
    const watch = [...strace, "-e", WATCHED, "-e", SLOW_DISK];
    const node = await startNode(world, await world.configure("node.json"), watch);
    await world.attested();
    const starts: number[] = [];
    let clean = 0;
    while (clean < WANTED && starts.length < MOST) {
      starts.push(Date.now() / 1_000);
      await world.attested();
      if (starts.length >= WANTED) clean = await cleanBlocks(file, world.peerPort, starts);
    }
    world.stopNodes();
    expect(await node.ended).toBe(0);
    expect(clean).toBeGreaterThanOrEqual(WANTED);
  },
);

/**
 * The blocks of which the trace shows that no signature was sent before both were on disk, and one
 * after. Others the trace cannot tell of, because the node had something else to say to the peer.
 */
async function cleanBlocks(
  file: string,
  peerPort: number,
  starts: readonly number[],
): Promise<number> {
  const events = traceEvents(await readFile(file, "utf8"), isSendTo(peerPort));
  return starts.filter((start, i) => {
    const end = starts[i + 1] ?? Number.POSITIVE_INFINITY;
    const ofBlock = events.filter(({ at }) => at >= start && at < end);
    const recorded = ofBlock.findIndex(({ kind }) => kind === "record synced");
    const covered = ofBlock.findIndex(
      ({ kind }, at) => at > recorded && kind === "watermark synced",
    );
    if (recorded < 0 || covered < 0) return false;
    const [before, after] = [ofBlock.slice(0, covered), ofBlock.slice(covered)];
    return sent(before) < SIGNATURE_BYTES && sent(after) >= SIGNATURE_BYTES;
  }).length;
}

function sent(events: readonly TraceEvent[]): number {
  return events.reduce((sum, event) => sum + (event.kind === "sent" ? event.bytes : 0), 0);
}

test("a node whose folder was put back from an older copy signs nothing more", LONG, async () => {
  const world = await createWorld();
  const { dataDir, peer, chain } = world;
  const config = await world.configure("node.json");
  const copy = join(world.folder, "copy");
  cpSync(dataDir, copy, { recursive: true });
  const first = await startNode(world, config);
  const height = await world.attested();
  expect(await first.stop()).toBe(0);

  const heard = peer.attestations.messages.length;
  rmSync(dataDir, { recursive: true });
  renameSync(copy, dataDir);
  const restored = await startNode(world, config);
  await restored.said(refusalOf(height, "quarantined"));
  const held = world.heard(height).slice(0, 1);
  peer.behaviour.serveAttestations = () => held;
  // Peers are asked every second, and the record is held against them at each new block.
  const mined = async (): Promise<string> => {
    await chain.mine();
    return restored.stderr();
  };
  const often = { timeout: 60_000, interval: 500 };
  await expect.poll(mined, often).toContain("record-behind-network");
  expect(peer.attestations.messages).toHaveLength(heard);
  expect(await restored.stop()).toBe(0);
});

test("a node with a remote signer abstains while that is away, and goes on", LONG, async () => {
  const world = await createWorld();
  const tokenFile = join(world.folder, "token");
  writeFileSync(tokenFile, `0x${"7e".repeat(32)}`, { mode: 0o600 });
  const signerConfig = await world.configure("signer.json");
  const runSigner = async (port: string) => {
    const args = ["--config", signerConfig, "--token-file", tokenFile, "--port", port];
    const program = startProgram(["signer", "run", ...args]);
    await program.said("http://");
    return { program, url: program.stdout().trim() };
  };
  const { program: signer, url } = await runSigner("0");
  const operator = { address: OPERATOR, signer: { url, tokenFile } };
  const config = await world.configure("node.json", { dataDir: "other", operator });
  const node = await startNode(world, config);
  await world.attested();

  signer.child.kill("SIGKILL");
  await signer.ended;
  await world.chain.mine();
  const missed = await world.chain.blockNumber();
  await node.said(refusalOf(missed, "signer-unreachable"));
  expect(world.heard(missed)).toEqual([]);

  const again = await runSigner(new URL(url).port);
  const height = await world.attested();
  expect([await node.stop(), await again.program.stop()]).toEqual([0, 0]);
  expect(existsSync(join(world.folder, "other", "protection"))).toBe(false);
  const record = await recordIn(await lockedFolder(world.dataDir), IDENTITY);
  expect(record.newest(ROLLUP_ID)?.claim.blockNumber).toBe(height);
  await record.close();
});

/** As a node's log says it. */
function refusalOf(height: bigint, code: string): string {
  return `"blockNumber":${height},"code":"${code}"`;
}
