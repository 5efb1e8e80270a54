import { type DataFolder, openDataFolder } from "../data-folder.ts";
import type { ProtectionIdentity } from "../signer/protection.ts";
import { type Answer, type CommandContext, UsageError } from "./command.ts";
import { requireConfig } from "./config-options.ts";

/**
 * Runs on the data folder of the operator that a configuration names, which no node may use at
 * that time. Throws a UsageError for a configuration that is wrong or names no operator.
 */
export async function withOperatorFolder(
  file: string,
  context: CommandContext,
  use: (folder: DataFolder, identity: ProtectionIdentity) => Promise<Answer>,
): Promise<Answer> {
  const { operator, dataDir, network } = requireConfig({ config: file }, context);
  if (operator === undefined) throw new UsageError("the configuration names no operator");
  const opened = await openDataFolder(dataDir);
  if (!opened.ok) {
    const sentence = `nothing done (${opened.code}): ${dataDir} cannot be used now`;
    return { exitCode: 1, json: { code: opened.code, dataDir }, sentence };
  }
  try {
    const domain = { chainId: network.chainId, verifyingContract: network.registry };
    return await use(opened.folder, { domain, operator: operator.address });
  } finally {
    await opened.folder.release();
  }
}
