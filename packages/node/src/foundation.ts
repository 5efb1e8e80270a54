import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type BatchVerifier,
  createBatchVerifier,
  createNativeBls,
  type NativeBls,
} from "@mach/bls";
import type { Domain, EpochSchedule, Hex } from "@mach/core";
import {
  createEpochFixer,
  createL1Signer,
  createRegistryReader,
  type RegistryReader,
} from "@mach/settlement";
import type { Logger } from "pino";
import type { NodeConfig } from "./config.ts";
import { type DataFolder, openDataFolder } from "./data-folder.ts";
import type { EpochPayer } from "./engine/epoch-watcher.ts";
import { NodeError } from "./node-error.ts";
import { openLmdbStore } from "./store/lmdb-store.ts";
import type { Store } from "./store/store.ts";

/** What every part of a node stands on, opened in the order in which it can fail. */
export interface Foundation {
  readonly folder: DataFolder;
  readonly bls: NativeBls;
  readonly verifier: BatchVerifier;
  readonly reader: RegistryReader;
  readonly domain: Domain;
  readonly schedule: EpochSchedule;
  readonly store: Store;
  close(): Promise<void>;
}

const MAX_EVIDENCE = 10_000;
const MAX_ALERTS = 1_024;
const RETRY_MS = 1_000;

/** Opens all of it. Throws a NodeError with what to do next; waits for an L1 that is down. */
export async function openFoundation(
  config: NodeConfig,
  context: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<Foundation> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const opened = await openDataFolder(config.dataDir);
  if (!opened.ok) {
    const why = opened.code === "folder-locked" ? `is in use by process ${opened.pid}` : "fails";
    throw new NodeError("data-folder-unusable", `The data folder ${config.dataDir} ${why}.`);
  }
  const { folder } = opened;
  const { chainId, registry } = config.network;
  const domain = { chainId, verifyingContract: registry };
  try {
    const bls = createNativeBls();
    const reader = createRegistryReader(
      { bls },
      {
        registry,
        chainId,
        rpcUrls: config.l1.rpcUrls,
        requiredAgreement: config.l1.agree,
        timeoutMs: config.l1.timeoutMs,
      },
    );
    const schedule = await readSchedule(reader, context);
    const store = await openStore(folder, domain);
    const verifier = await createBatchVerifier();
    return {
      folder,
      bls,
      verifier,
      reader,
      domain,
      schedule,
      store,
      async close() {
        await verifier.close();
        await store.stop();
        await folder.release();
      },
    };
  } catch (error) {
    await folder.release();
    throw error;
  }
}

/** The account that pays for fixing epochs, where one is configured. */
export async function openPayer(
  config: NodeConfig,
  operator: Hex | null,
): Promise<EpochPayer | null> {
  const { payer, l1, network } = config;
  const [rpcUrl] = l1.rpcUrls;
  if (payer === undefined || rpcUrl === undefined) return null;
  const privateKey = (await readFile(payer.privateKeyFile, "utf8")).trim();
  if (!/^(0x)?[0-9a-f]{64}$/i.test(privateKey)) {
    throw new NodeError(
      "secret-key-unusable",
      `The payer's key file ${payer.privateKeyFile} does not hold 32 bytes of hex.`,
    );
  }
  const { chainId, registry } = network;
  const signer = createL1Signer({ rpcUrl, chainId, privateKey, timeoutMs: l1.timeoutMs });
  const delay = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
    await sleep(milliseconds, undefined, signal && { signal });
  };
  const fixer = createEpochFixer(
    { signer, delay },
    {
      registry,
      minBalanceWei: payer.minBalanceWei,
      maxAttempts: 4,
      backoffMs: 500,
      confirmTimeoutMs: 10_000,
    },
  );
  const turn = operator ?? "0x00";
  return { fixer, operator: turn, stepMs: payer.stepMs };
}

async function readSchedule(
  reader: RegistryReader,
  context: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<EpochSchedule> {
  for (;;) {
    const result = await reader.readNetwork();
    if (result.ok) return result.network.schedule;
    if (result.code === "wrong-chain" || result.code === "malformed-answer") {
      throw new NodeError(
        "registry-unusable",
        `The registry cannot be read (${result.code}): check network and l1 in the configuration.`,
      );
    }
    context.logger.warn({ code: result.code }, "waiting for the registry on L1");
    await sleep(RETRY_MS, undefined, { signal: context.signal });
  }
}

async function openStore(folder: DataFolder, domain: Domain): Promise<Store> {
  const limits = { domain, maxEvidence: MAX_EVIDENCE, maxAlerts: MAX_ALERTS };
  const opened = await openLmdbStore(folder, limits);
  if (opened.ok) return opened.store;
  throw new NodeError(
    "data-folder-unusable",
    `The store in ${folder.path} is of another network: use another data folder.`,
  );
}
