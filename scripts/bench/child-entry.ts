// The body of a benchmark's child process: it answers calls in one role until its parent goes.
import type { Call, Methods, Reply } from "./child.ts";

const ROLES: Readonly<Record<string, () => Promise<{ readonly createRole: () => Methods }>>> = {
  "gossip-node": () => import("./gossip-node.ts"),
  "stream-node": () => import("./stream-node.ts"),
  "http-servers": () => import("./http-servers.ts"),
  "http-clients": () => import("./http-clients.ts"),
  "older-aggregator": () => import("./older-aggregator.ts"),
  "older-operators": () => import("./older-operators.ts"),
  "scale-process": () => import("./scale-process.ts"),
};

const role = (await ROLES[process.argv[2] ?? ""]?.())?.createRole();
if (role === undefined) throw new Error("unknown role");

process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole group: the parent decides what ends, and when.
process.on("SIGINT", () => undefined);
process.on("message", (call: Call) => void answer(call));

async function answer({ id, name, argument }: Call): Promise<void> {
  let reply: Reply;
  try {
    reply = { id, value: await role?.[name]?.(argument as never) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message : String(error) };
  }
  // The parent may have gone meanwhile, and with it this process's reason to be.
  if (process.connected) process.send?.(reply, undefined, undefined, () => undefined);
}
