import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { onTestFinished } from "vitest";

const FLAVOURS = {
  op: { chainId: 901, args: ["--network", "optimism", "--hardfork", "isthmus"] },
  granite: { chainId: 901, args: ["--network", "optimism", "--hardfork", "granite"] },
  evm: { chainId: 902, args: [] },
} as const;

export interface Anvil {
  readonly port: number;
  readonly httpUrl: string;
  readonly wsUrl: string;
  call<T = unknown>(method: string, params?: readonly unknown[]): Promise<T>;
  mine(blocks?: number): Promise<void>;
  blockNumber(): Promise<bigint>;
  stop(): Promise<void>;
}

/** A real chain; ends with the test. Without `blockTime` it mines when it is told to. */
export async function startAnvil(options: {
  readonly flavour: keyof typeof FLAVOURS;
  readonly port?: number;
  readonly chainId?: number;
  readonly args?: readonly string[];
}): Promise<Anvil> {
  const { chainId, args } = FLAVOURS[options.flavour];
  const port = options.port ?? (await freePort());
  const child = spawn(
    anvilBinary(),
    [
      ...["--port", String(port), "--chain-id", String(options.chainId ?? chainId)],
      ...["--no-mining", "--silent", ...args, ...(options.args ?? [])],
    ],
    { stdio: "ignore" },
  );
  onTestFinished(() => stop(child));
  const httpUrl = `http://127.0.0.1:${port}`;
  const call = <T>(method: string, params: readonly unknown[] = []): Promise<T> =>
    callNode<T>(httpUrl, method, params);
  await until(() => {
    if (child.exitCode !== null) throw new Error(`anvil ended with ${child.exitCode}`);
    return call("eth_chainId").then(
      () => true,
      () => false,
    );
  });
  return {
    port,
    httpUrl,
    wsUrl: `ws://127.0.0.1:${port}`,
    call,
    mine: async (blocks = 1) => {
      await call("anvil_mine", [`0x${blocks.toString(16)}`]);
    },
    blockNumber: async () => BigInt(await call<string>("eth_blockNumber")),
    stop: () => stop(child),
  };
}

/** Resolves once the condition holds; asked again and again. The test's own time-out bounds it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function callNode<T>(url: string, method: string, params: readonly unknown[]): Promise<T> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = (await response.json()) as { result: T; error?: unknown };
  if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
  return result;
}

/** The program itself: its wrapper in the bin folder would leave it behind when killed. */
function anvilBinary(): string {
  const wrapper = createRequire(import.meta.url).resolve("@foundry-rs/anvil/package.json");
  const machine = process.arch === "x64" ? "amd64" : process.arch;
  const path = `@foundry-rs/anvil-${process.platform}-${machine}/bin/anvil`;
  return createRequire(wrapper).resolve(path);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGINT");
  await exited;
}
