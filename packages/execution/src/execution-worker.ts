import { parentPort } from "node:worker_threads";
import { executeBlock } from "./execute-block.ts";
import type { ExecutionJob, ExecutionReply } from "./execution-job.ts";

// The body of a thread that executes. What escapes it ends the thread, and its job is answered
// as unverifiable, never as valid or invalid.
function reply(message: ExecutionReply): void {
  parentPort?.postMessage(message);
}

parentPort?.on("message", (job: ExecutionJob) => {
  void executeBlock(job).then((verdict) => reply({ kind: "verdict", verdict }));
});
reply({ kind: "ready" });
