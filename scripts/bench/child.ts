import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type BenchContext, ROOT } from "./bench-context.ts";

/** What a role of a child process does when it is called; arguments and answers are copied. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>;

/** A process that a benchmark calls. */
export interface BenchChild<M extends Methods> {
  call<Name extends keyof M & string>(
    name: Name,
    argument: Parameters<M[Name]>[0],
  ): Promise<Awaited<ReturnType<M[Name]>>>;
}

export interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

const GRACE_MS = 1_000;

/** Starts a child in a role; it ends with the benchmark, or with this process. */
export async function startChild<M extends Methods>(
  context: BenchContext,
  role: string,
  flags: readonly string[] = [],
): Promise<BenchChild<M>> {
  context.signal.throwIfAborted();
  const entry = fileURLToPath(new URL("child-entry.ts", import.meta.url));
  const child = fork(entry, [role], {
    cwd: ROOT,
    execArgv: [...flags, "--conditions=@mach/source", "--import", "tsx"],
    env: { ...process.env, TSX_DISABLE_CACHE: "1" },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  context.defer(async () => {
    // It takes that for its end.
    if (child.connected) child.disconnect();
    await Promise.race([ended, sleep(GRACE_MS, undefined, { ref: false })]);
    child.kill("SIGKILL");
    await ended;
  });
  const waiting = new Map<number, PromiseWithResolversOf<unknown>>();
  let nextId = 0;
  child.on("message", (reply: Reply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) call?.reject(new Error(`${role}: ${reply.error}`));
    else call?.resolve(reply.value);
  });
  child.once("exit", () => {
    for (const call of waiting.values()) call.reject(new Error(`${role} ended`));
  });
  return {
    call(name, argument) {
      return new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id, name, argument } satisfies Call, (error) => {
          if (error !== null) reject(new Error(`${role} is gone`));
        });
      });
    },
  };
}

interface PromiseWithResolversOf<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}
