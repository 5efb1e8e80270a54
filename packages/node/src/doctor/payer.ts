import { connectL1 } from "@mach/settlement";
import { formatEther } from "ethers";
import { readSecretFile } from "../secret-file.ts";
import { hasUnusableFile } from "./files.ts";
import { fail, notLookedAt, ok, type Verdict, warn } from "./finding.ts";
import { usable } from "./l1.ts";
import type { Check, Patient } from "./patient.ts";

/** Whether the account that pays for fixing epochs has what it takes. */
export const payerCheck: Check = {
  name: "payer",
  async run(patient) {
    const { payer } = patient.config;
    return payer === undefined ? [] : [await judgeBalance(payer, patient)];
  },
};

async function judgeBalance(
  payer: NonNullable<Patient["config"]["payer"]>,
  patient: Patient,
): Promise<Verdict> {
  const { config, l1Endpoints } = patient;
  if (await hasUnusableFile(patient)) return notLookedAt("a file that it needs cannot be used");
  const [endpoint] = usable(await l1Endpoints(), config.network.chainId);
  if (endpoint === undefined) return notLookedAt("no endpoint of the L1 serves");
  const { url: rpcUrl, host } = endpoint;
  const l1 = await connectL1({ rpcUrl, timeoutMs: config.l1.timeoutMs });
  if (l1 === null) return notLookedAt(`${host} does not answer`);
  try {
    const privateKey = await readSecretFile(payer.privateKeyFile, "payer's key");
    const account = await l1.signerOf(privateKey).getAddress();
    const balance = await l1.provider.getBalance(account);
    const found = `${account} has ${formatEther(balance)} ETH, by ${host}`;
    const next = "send ETH to it: it pays for epochs and nothing else";
    if (balance === 0n) return fail({ code: "payer-balance-low", found, next });
    if (balance < payer.minBalanceWei) return warn({ code: "payer-balance-low", found, next });
    return ok(found);
  } finally {
    l1.close();
  }
}
