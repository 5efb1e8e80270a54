import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { LocalNetworkError } from "../../scripts/local-network/errors.ts";
import { startLocalNetwork } from "../../scripts/local-network/local-network.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "mach-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function codeOf(start: Promise<unknown>): Promise<string> {
  const error = await start.then(
    () => new Error("it started"),
    (reason: unknown) => reason,
  );
  if (error instanceof LocalNetworkError) return error.code;
  throw error;
}

describe("a local network", () => {
  it("says that its port is taken, and leaves nothing", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const folder = join(temporary, "port");
    expect(await codeOf(startLocalNetwork({ folder, apiPort: port }))).toBe("port-taken");
    expect(existsSync(folder)).toBe(false);
    server.close();
  });

  it("can be stopped while it starts", async () => {
    const folder = join(temporary, "early");
    const controller = new AbortController();
    const start = startLocalNetwork({
      folder,
      signal: controller.signal,
      onProgress: (step) => {
        if (step.startsWith("Deploying")) controller.abort();
      },
    });
    expect(await codeOf(start)).toBe("stopped");
    expect(existsSync(folder)).toBe(false);
  });

  it("takes nodes started again by hand, runs once, and ends without a trace", async () => {
    const folder = join(temporary, "whole");
    const network = await startLocalNetwork({ folder });
    const [operator] = network.operators;
    if (operator === undefined) throw new Error("no operator runs");
    expect(await codeOf(startLocalNetwork({ folder }))).toBe("already-running");

    const { pid, command } = operator.entry();
    process.kill(pid, "SIGKILL");
    await expect.poll(() => operator.entry().running, { timeout: 10_000 }).toBe(false);
    spawn("sh", ["-c", command], { cwd: ROOT, detached: true, stdio: "ignore" }).unref();
    await expect.poll(() => operator.entry().running, { timeout: 30_000 }).toBe(true);
    expect(operator.entry().pid).not.toBe(pid);

    const nodes = [...network.operators, network.observer].map((node) => node.entry().pid);
    const chains = [network.l1, ...network.rollups].map((chain) => chain.child.pid);
    expect([...nodes, ...chains].filter((each) => !isAlive(each))).toEqual([]);
    const startedAt = performance.now();
    await network.stop();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect([...nodes, ...chains].filter(isAlive)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });
});

describe("the guard of a local network", () => {
  it("ends what a launcher that died has left, and removes its folder", async () => {
    const folder = mkdtempSync(join(temporary, "guard-"));
    const script = join(ROOT, "scripts/local-network/guard.mjs");
    const guard = spawn(process.execPath, [script, folder], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    const left = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      stdio: "ignore",
    });
    const ended = once(left, "exit");
    guard.stdin.end(`add ${left.pid}\n`);
    await Promise.all([ended, once(guard, "exit")]);
    expect(existsSync(folder)).toBe(false);
  });

  it("touches nothing after a launcher that cleaned up", async () => {
    const folder = mkdtempSync(join(temporary, "guard-"));
    const script = join(ROOT, "scripts/local-network/guard.mjs");
    const guard = spawn(process.execPath, [script, folder], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    guard.stdin.end("done\n");
    await once(guard, "exit");
    expect(existsSync(folder)).toBe(true);
  });
});
