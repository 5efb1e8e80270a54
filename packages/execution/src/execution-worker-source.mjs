// The thread that executes when the parent runs from source: Node 20 cannot read TypeScript, and
// a thread does not take over its parent's loader. Built code does not use it.
import { register } from "tsx/esm/api";

register();
await import("./execution-worker.ts");
