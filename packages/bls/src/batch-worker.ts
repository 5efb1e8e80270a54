import { parentPort } from "node:worker_threads";
import { attribute } from "./attribution.ts";
import type { BatchJob, BatchReply } from "./batch-job.ts";
import { loadNativeLibrary } from "./native-library.ts";
import { checkSum } from "./signature-sum.ts";

// The body of a thread of the batch verifier. It throws rather than answers for anything that it
// does not expect: the thread then dies, and its jobs are answered as failed, never as valid.
const library = loadNativeLibrary();

/**
 * Checks of parts of a batch that failed: enough for three bad ones among 128, or for thirty of a
 * few. More would hold up all that comes meanwhile, 0.3 s for 128 bad ones; what is left comes again.
 */
const MAX_PARTS = 32;

function run(job: BatchJob): BatchReply {
  switch (job.kind) {
    case "attribution":
      return { kind: "attribution", attributions: attribute(library, job.groups, MAX_PARTS) };
    case "sum":
      return { kind: "sum", check: checkSum(library, job.sum) };
  }
}

function reply(message: BatchReply): void {
  parentPort?.postMessage(message);
}

parentPort?.on("message", (job: BatchJob) => reply(run(job)));
reply({ kind: "ready" });
