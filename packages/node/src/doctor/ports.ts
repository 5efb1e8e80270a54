import { createClient } from "@mach/api";
import type { ApiConfig } from "../config.ts";
import { fail, ok, type Verdict } from "./finding.ts";
import type { Check, Patient } from "./patient.ts";
import { accepts, listenFailure } from "./surroundings.ts";

interface Port {
  readonly about: string;
  readonly field: string;
  readonly host: string;
  readonly port: number;
  /** What keeps a server that answers there from being this node's; null where nothing does. */
  readonly foreign: () => Promise<string | null>;
}

const TIMEOUT_MS = 3_000;
const MAX_METRICS_CHARACTERS = 65_536;

/** Whether each port is free for the node, or held by it where it runs. */
export const portsCheck: Check = {
  name: "port",
  run: (patient) => Promise.all(portsOf(patient).map((port) => judge(port, patient))),
};

function portsOf({ config }: Patient): readonly Port[] {
  const { gossip, api, metrics } = config;
  const whose = async (): Promise<null> => null;
  return [
    { about: "gossip", field: "gossip.port", ...gossip, foreign: whose },
    ...(api === undefined
      ? []
      : [{ about: "api", field: "api.port", ...api, foreign: () => foreignApi(api, config) }]),
    ...(metrics === undefined
      ? []
      : [
          {
            about: "metrics",
            field: "metrics.port",
            ...metrics,
            foreign: () => foreignMetrics(metrics),
          },
        ]),
  ];
}

async function judge(
  { about, field, host, port, foreign }: Port,
  patient: Patient,
): Promise<Verdict> {
  if (port === 0) return ok("a free one is taken at each start", about);
  const place = `${host}:${port}`;
  const { folder } = patient;
  const next = `stop what holds it (\`ss -ltnp\` names it), or set ${field}`;
  if (folder.state === "locked") {
    if (!(await accepts({ host: reachable(host), port }, TIMEOUT_MS))) {
      const found = `${place} is not served, and process ${folder.pid} runs on the data folder`;
      const known = "wait until the node has started; if that is long ago, look at its log";
      return fail({ about, code: "port-not-served", found, next: known });
    }
    const why = await foreign();
    if (why === null) return ok(`${place} is served while process ${folder.pid} runs`, about);
    return fail({ about, code: "port-taken", found: `${place} is served, and ${why}`, next });
  }
  const failure = await listenFailure(host, port);
  if (failure === null) return ok(`${place} is free`, about);
  if (failure === "EADDRINUSE") {
    const found = `another program listens on ${place}, and no node runs on the data folder`;
    return fail({ about, code: "port-taken", found, next });
  }
  const found = `nothing can listen on ${place} (${failure})`;
  return fail({
    about,
    code: "port-unusable",
    found,
    next: `set ${field}, or its host, to another`,
  });
}

/** The network that is served there has to be this one. */
async function foreignApi(
  { host, port }: ApiConfig,
  { network }: Patient["config"],
): Promise<string | null> {
  const client = createClient({ baseUrl: urlOf(host, port), timeoutMs: TIMEOUT_MS });
  const asked = await client.get("network", {});
  if (!asked.ok) return `it does not answer as a node (${asked.code})`;
  const { chainId, verifyingContract } = asked.answer.data.domain;
  const isOurs = chainId === network.chainId && verifyingContract === network.registry;
  return isOurs ? null : `it is a node of another network`;
}

async function foreignMetrics(place: {
  readonly host: string;
  readonly port: number;
}): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${urlOf(place.host, place.port)}/metrics`, { signal });
    const text = (await response.text()).slice(0, MAX_METRICS_CHARACTERS);
    return text.includes("mach_") ? null : "its metrics are not a node's";
  } catch {
    // Whatever the reason, what is asked for does not come from there.
    return "it gives no metrics";
  }
}

/** The base URL of what listens on this host and port. */
export function urlOf(host: string, port: number): string {
  const name = reachable(host);
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** Where a server on every address is reached from here. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
