import { parseArgs } from "node:util";
import { createNativeBls } from "@mach/bls";
import type { Hex } from "@mach/core";
import { openDataFolder } from "../data-folder.ts";
import { closeInOrder } from "../foundation.ts";
import { NodeError } from "../node-error.ts";
import { openLocalSigner } from "../operator.ts";
import { readSecretFile } from "../secret-file.ts";
import { keepPlace } from "../signer/place.ts";
import { startSignerServer } from "../signer/signer-server.ts";
import { required } from "./arguments.ts";
import { type Command, type CommandContext, type ExitCode, UsageError } from "./command.ts";
import { requireConfig } from "./config-options.ts";

/** `mach signer run`: one operator's key and record, for several nodes of it. */
export const command: Command = {
  usage: `mach signer run --config FILE --token-file FILE [--host HOST] [--port PORT]

Serves the signer of the operator that the configuration names, with its keystore and the
signing record in its dataDir. Nodes that name it as operator.signer hold neither. Who has the
token can have claims signed that the record allows: keep it like the key, and the port within
the machine or a tunnel, because the connection is not encrypted.

  --token-file FILE  32 bytes of hex, mode 0600, the same for the nodes
  --host HOST        127.0.0.1 where it is not given
  --port PORT        4700 where it is not given

Exit code: 0 stopped by a signal, 1 stopped by a fault, 2 wrong configuration or usage.`,
  run: runSigner,
};

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function runSigner(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: "string" },
      "token-file": { type: "string" },
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "4700" },
    },
  });
  const tokenFile = required(values["token-file"], "token-file");
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN;
  if (!(port <= 65_535)) throw new UsageError("--port is a whole number up to 65535");
  const config = requireConfig({ config: required(values.config, "config") }, context);
  const closers: (() => Promise<void>)[] = [];
  const stopped = new Promise<void>((resolve) => {
    for (const name of SIGNALS) process.once(name, () => resolve());
  });
  try {
    const { operator, dataDir, network } = config;
    if (operator === undefined) throw new UsageError("the configuration names no operator");
    const token = await readSecretFile(tokenFile, "signer's token");
    const held = await openDataFolder(dataDir);
    if (!held.ok) {
      throw new NodeError("data-folder-unusable", `${dataDir} cannot be used (${held.code}).`);
    }
    const { folder } = held;
    closers.unshift(() => folder.release());
    const onFatal = (error: unknown): void => {
      // What is not on disk must not be signed, and a process that goes on might.
      context.output.stderr(`mach: the signer cannot go on and ends at once: ${String(error)}\n`);
      process.exit(1);
    };
    const { signer, about, keys } = await openLocalSigner(operator, {
      folder,
      domain: { chainId: network.chainId, verifyingContract: network.registry },
      bls: createNativeBls(),
      onFatal,
      onKeyFault: (error) => {
        const why = error instanceof NodeError ? error.message : "it cannot be opened";
        context.output.stderr(`mach: the operator's next key cannot be used: ${why}\n`);
      },
      now: () => Date.now(),
    });
    closers.unshift(() => signer.stop());
    const nextPublicKey = (): Promise<Hex | null> => keys.nextPublicKey();
    const server = await startSignerServer(
      { signer, about, nextPublicKey, token, keepPlace: () => keepPlace(folder), onFatal },
      { host: values.host, port },
    );
    closers.unshift(() => server.stop());
    context.output.stdout(`${server.url}\n`);
    await stopped;
    return 0;
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    context.output.stderr(`mach: ${error.message}\n`);
    return 1;
  } finally {
    await closeInOrder(closers);
  }
}
