import { rm } from "node:fs/promises";
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
  createL1View,
  createRegistryReader,
  type L1View,
  type RegistryReader,
} from "@mach/settlement";
import type { Logger } from "pino";
import type { NodeConfig } from "./config.ts";
import { type DataFolder, openDataFolder } from "./data-folder.ts";
import type { EpochPayer } from "./engine/epoch-watcher.ts";
import { NodeError } from "./node-error.ts";
import { type Journal, openJournal } from "./replica/journal.ts";
import { journalStore } from "./replica/journaled-store.ts";
import { checkDatabase } from "./replica/node-mirror.ts";
import { readSecretFile, unusable } from "./secret-file.ts";
import { openLmdbStore } from "./store/lmdb-store.ts";
import { type Store, type StoreOptions, storeOptions } from "./store/store.ts";

/** What every part of a node stands on, opened in the order in which it can fail. */
export interface Foundation {
  readonly folder: DataFolder;
  readonly bls: NativeBls;
  readonly verifier: BatchVerifier;
  readonly reader: RegistryReader;
  readonly domain: Domain;
  readonly schedule: EpochSchedule;
  readonly store: Store;
  /** What the store's database for readers does not have yet; null where there is none. */
  readonly journal: Journal | null;
  close(): Promise<void>;
}

/** Events of as many L1 blocks as are read at once. */
const MAX_L1_BYTES = 8_388_608;
const RETRY_MS = 1_000;
const PAYER = "payer's key";

/** Opens all of it. Throws a NodeError with what to do next; waits for an L1 that is down. */
export async function openFoundation(
  config: NodeConfig,
  context: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<Foundation> {
  const bls = createNativeBls();
  const folder = await openFolder(config.dataDir);
  const { chainId, registry } = config.network;
  const domain = { chainId, verifyingContract: registry };
  // What was opened last is closed first.
  const closers = [folder.release];
  try {
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
    closers.unshift(reader.close);
    const schedule = await readSchedule(reader, { config, ...context });
    const store = await openStore(folder, storeOptions(domain, config.retention));
    closers.unshift(() => store.stop());
    const journal = await openJournalFor(config, folder, { domain, ...context });
    if (journal !== null) closers.unshift(() => journal.stop());
    const verifier = await createBatchVerifier({ gatherMs: config.engine.gatherMs });
    closers.unshift(() => verifier.close());
    return {
      folder,
      bls,
      verifier,
      reader,
      domain,
      schedule,
      store: journal === null ? store : journalStore(store, journal),
      journal,
      close: () => closeInOrder(closers),
    };
  } catch (error) {
    await closeInOrder(closers);
    throw error;
  }
}

/** Ends each in turn, whatever becomes of those before it; then throws the first failure. */
export async function closeInOrder(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) {
    try {
      await close();
    } catch (error) {
      // What comes after it has to be closed all the same.
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function openFolder(dataDir: string): Promise<DataFolder> {
  const opened = await openDataFolder(dataDir);
  if (opened.ok) return opened.folder;
  const isLocked = opened.code === "folder-locked";
  const why = isLocked
    ? `is in use by process ${opened.pid}: stop that one, or name another dataDir`
    : "cannot be made or written: look at its owner, its mode and the disk, or name another dataDir";
  const cause = isLocked ? undefined : opened.cause;
  throw new NodeError("data-folder-unusable", `The data folder ${dataDir} ${why}.`, { cause });
}

/** The account that pays for fixing epochs, where one is configured. */
export async function openPayer(
  config: NodeConfig,
  operator: Hex | null,
): Promise<EpochPayer | null> {
  const { payer, l1, network } = config;
  const [rpcUrl] = l1.rpcUrls;
  if (payer === undefined || rpcUrl === undefined) return null;
  const { chainId, registry } = network;
  const privateKey = await readSecretFile(payer.privateKeyFile, PAYER);
  const signer = createPayer(payer.privateKeyFile, {
    ...{ rpcUrl, chainId, privateKey, timeoutMs: l1.timeoutMs },
  });
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

function createPayer(
  file: string,
  options: Parameters<typeof createL1Signer>[0],
): ReturnType<typeof createL1Signer> {
  try {
    return createL1Signer(options);
  } catch {
    // Its cause is left out: it may quote the key.
    throw unusable(file, PAYER, "holds no valid private key");
  }
}

async function readSchedule(
  reader: RegistryReader,
  context: {
    readonly config: NodeConfig;
    readonly logger: Logger;
    readonly signal: AbortSignal;
  },
): Promise<EpochSchedule> {
  for (;;) {
    const result = await unlessAborted(reader.readNetwork(), context.signal);
    if (result.ok) return result.network.schedule;
    if (result.code === "wrong-chain" || result.code === "malformed-answer") {
      throw new NodeError("registry-unusable", describeOtherNetwork(result, context.config));
    }
    const { chainId, registry } = context.config.network;
    // A wrong address looks like one that is not final yet, so whoever waits is shown which it is.
    const asked = { code: result.code, chainId: String(chainId), registry };
    context.logger.warn(asked, "waiting for the registry on L1");
    await sleep(RETRY_MS, undefined, { signal: context.signal });
  }
}

/** The configuration is of another network than its endpoints, and which two fields differ. */
function describeOtherNetwork(
  failure:
    | { readonly code: "wrong-chain"; readonly chainId: bigint }
    | { readonly code: "malformed-answer" },
  { network }: NodeConfig,
): string {
  const { chainId, registry } = network;
  if (failure.code === "wrong-chain") {
    return (
      `An endpoint in l1.rpcUrls is of chain ${failure.chainId}, but the configured network is on ` +
      `chain ${chainId} (wrong-chain): give endpoints of that chain, or name the other network.`
    );
  }
  return (
    `What is at ${registry} on chain ${chainId} is no registry (malformed-answer): compare ` +
    "network.registry with the network's announcement."
  );
}

/** Does not wait for an L1 that is silent once the start is called off. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** The L1 as the node's parts read it beside the registry. */
export function openL1View({ network, l1 }: NodeConfig): L1View {
  const { rpcUrls, agree: requiredAgreement, timeoutMs } = l1;
  const { chainId } = network;
  return createL1View({
    ...{ rpcUrls, requiredAgreement, chainId, timeoutMs },
    maxResponseBytes: MAX_L1_BYTES,
  });
}

async function openJournalFor(
  { database, retention }: Pick<NodeConfig, "database" | "retention">,
  folder: DataFolder,
  context: { readonly domain: Domain; readonly logger: Logger },
): Promise<Journal | null> {
  if (database === undefined) {
    // What is put while nobody notes it would be missing from it later.
    await rm(folder.journalPath, { recursive: true, force: true });
    return null;
  }
  await checkDatabase(database, context);
  return await openJournal(folder.journalPath, { maxEntries: retention.journalEntries });
}

async function openStore(folder: DataFolder, options: StoreOptions): Promise<Store> {
  const opened = await openLmdbStore(folder, options);
  if (opened.ok) return opened.store;
  const why =
    opened.code === "wrong-domain"
      ? "is of another network: use another data folder"
      : "is damaged: move it away, and the node fetches what it held again";
  throw new NodeError("data-folder-unusable", `The store in ${folder.storePath} ${why}.`);
}
