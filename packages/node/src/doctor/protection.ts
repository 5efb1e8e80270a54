import { existsSync } from "node:fs";
import { pathsIn } from "../data-folder.ts";
import { adviceOn, openProtection } from "../signer/open-protection.ts";
import { readWatermark } from "../signer/watermark.ts";
import { fail, notLookedAt, ok, type Verdict, warn } from "./finding.ts";
import type { Check, Patient } from "./patient.ts";

/**
 * Whether the signing record can be used. Without a node on the folder it is opened as a node
 * opens it, which is the only way to know; beside one, only the files next to it are looked at.
 */
export const protectionCheck: Check = {
  name: "protection record",
  async run(patient) {
    const { operator } = patient.config;
    if (operator === undefined) return [];
    if (operator.signer !== undefined) {
      const key = await patient.ownKey();
      if (key?.ok !== true) return [notLookedAt("the signer that has it cannot be asked")];
      return [ok(`it is the signer's, at ${new URL(operator.signer.url).host}, which answers`)];
    }
    return [await judgeRecord(patient)];
  },
};

async function judgeRecord(patient: Patient): Promise<Verdict> {
  const { folder, config } = patient;
  switch (folder.state) {
    case "missing":
      return refused("protection-not-initialised", config.dataDir);
    case "unusable":
      return notLookedAt("the data folder cannot be used");
    case "locked":
      return await judgeBeside(config.dataDir, folder.pid);
    case "free":
      return await judgeOpened(patient, folder);
  }
}

async function judgeOpened(
  { config }: Patient,
  { folder }: Extract<Patient["folder"], { state: "free" }>,
): Promise<Verdict> {
  const { network, operator, dataDir } = config;
  const domain = { chainId: network.chainId, verifyingContract: network.registry };
  const opened = await openProtection(folder, { domain, operator: operator?.address ?? "0x" });
  if (!opened.ok) return refused(opened.code, dataDir);
  const { protection, isInPlace } = opened;
  const rollups = config.rollups.map(({ rollupId }) => {
    const newest = protection.newest(rollupId);
    return newest === null
      ? `${rollupId}: nothing yet`
      : `${rollupId}: ${newest.claim.blockNumber}`;
  });
  const { origin } = protection;
  await protection.close();
  const found = `it opens, whole (${origin}); signed up to ${rollups.join(", ")}`;
  if (isInPlace) return ok(found);
  return warn({
    code: "quarantined",
    found: `${found}; but it is not where it was opened last, or the machine was started anew`,
    next: "a copy of an older record must never sign; else nothing: it signs after two minutes",
  });
}

function refused(code: Parameters<typeof adviceOn>[0], dataDir: string): Verdict {
  const found = `the signing record in ${dataDir} cannot be used (${code})`;
  return fail({ code, found, next: adviceOn(code).replace(/\.$/, "") });
}

async function judgeBeside(dataDir: string, pid: number): Promise<Verdict> {
  const { protectionMarkerPath, protectionWatermarkPath } = pathsIn(dataDir);
  const isMarked = existsSync(protectionMarkerPath);
  const mark = await readWatermark(protectionWatermarkPath);
  if (!isMarked) return refused("protection-not-initialised", dataDir);
  if (mark === "missing") return refused("watermark-missing", dataDir);
  if (mark === "damaged") return refused("protection-corrupt", dataDir);
  return ok(
    `process ${pid} has it open, at ${mark.index} row(s) by its watermark; the rows themselves ` +
      "are not looked at beside it",
  );
}
