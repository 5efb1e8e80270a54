import { setTimeout as sleep } from "node:timers/promises";
import {
  certificateRule,
  ERRORS,
  type EventAnswers,
  type JsonObject,
  MAX_BATCH_REQUESTS,
  type NodeEvent,
  TOPIC_NAMES,
} from "@mach/api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NodeView } from "../../src/http/node-view.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import {
  certify,
  claimAt,
  doubleAttestation,
  operatorAt,
  operatorSetOf,
  ROLLUP_ID,
  updateBy,
} from "../engine/engine-node.ts";
import { certifyAt, create, TRANSACTION, type Viewed } from "../view/viewed-node.ts";
import { type Operation, type PublishedApi, readPublished } from "./contract-walk.ts";
import { readEvents } from "./event-reader.ts";
import { alert, finality, health, participation } from "./memory-view.ts";

const IS_LONG = process.env["MACH_LONG"] === "1";
const RUNS = IS_LONG ? 400 : 12;
/** Far more than it takes: the machine may be busy. */
const PATIENCE = { timeout: IS_LONG ? 900_000 : 120_000 };
const isWalked = ({ id }: Operation): boolean => id !== "events" && id !== "batch";

const first = certify(claimAt(2n), [1, 2, 3]);
/** Values that the node has something to say of; the first of each is there. */
const KNOWN = {
  rollupId: [`${ROLLUP_ID}`],
  block: ["4", "1", "2", "5", "8", claimAt(4n).blockHash, claimAt(5n).blockHash],
  blockNumber: ["2", "4", "5", "7"],
  transactionHash: [TRANSACTION],
  certificateId: [certify(claimAt(4n), [0, 1, 2, 3]).certificateId, first.certificateId],
  epoch: ["1", "0", "current"],
  operator: [operatorAt(1), operatorAt(4)],
  from: ["0", "1", "2", `0x${"2".repeat(64)}`],
  limit: ["1", "2", "100"],
  minWeightBps: ["6667", "7700", "10000"],
  minVerification: ["1"],
  minSignedWeight: ["1", "78", "100", "101"],
  minBlockNumber: ["0", "5", "6"],
  format: ["json", "compact", "calldata"],
} as const;
type Name = keyof typeof KNOWN;

let viewed: Viewed;
let server: HttpServer;
let url = "";
let api: PublishedApi;
const listeners = new Set<(event: NodeEvent) => void>();
const failures: object[] = [];
/** Each operation's codes that were seen, `ok` among them. */
const seen = new Map<string, Set<string>>();

function tell(event: NodeEvent): void {
  for (const listener of listeners) listener(event);
}

/** Of a node with a few certificates, one of which was replaced, evidence, and an alert. */
beforeAll(async () => {
  viewed = await create();
  const { node, receipts } = viewed;
  await node.shell.receiveCertificate(first);
  await certifyAt(viewed, 2n, 4n, 5n);
  await node.shell.receiveAttestations([]);
  receipts.set(TRANSACTION, claimAt(4n).blockHash);
  await node.store.putEvidence(doubleAttestation(1, 8n));
  await node.store.putEvidence(doubleAttestation(2, 8n));
  await node.store.putSetUpdate(updateBy([0, 1, 2, 3], 1n));
  const operators = [{ ...participation, operator: operatorAt(1) }];
  for (const epoch of [0n, 1n, 2n]) {
    const record = { rollupId: ROLLUP_ID, epoch, throughBlockNumber: 4n, operators };
    await node.store.putParticipation([record]);
  }
  for (const digit of ["1", "2", "3"]) {
    await node.store.putAlert({ ...alert, alertId: `0x${digit.repeat(64)}` });
  }
  const parts: Partial<NodeView> = {
    health: () => health,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const view = new Proxy(viewed.view, {
    get(target, name) {
      const part = parts[name as keyof NodeView] ?? target[name as keyof NodeView];
      return part.bind(target);
    },
  });
  server = createHttpServer(
    { view, logger: { error: (fields) => failures.push(fields) }, now: () => performance.now() },
    {
      ...{ host: "127.0.0.1", port: 0, software: "1.2.3" },
      limits: { maxRequestsPerSecond: 1_000_000, maxLoopDelayMs: 60_000 },
    },
  );
  const started = await server.start();
  if (!started.ok) throw new Error(started.message);
  url = started.url;
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as JsonObject;
  api = readPublished(document, KNOWN);
});

afterAll(async () => {
  await server?.stop();
});

interface Values {
  readonly [name: string]: string | undefined;
}

/** Values for an operation's parameters; of its query, some of them. */
function validValues(operation: Operation): fc.Arbitrary<Values> {
  const fields = operation.parameters.map((each): [string, fc.Arbitrary<string | undefined>] => {
    // What waits is tested where it can be woken.
    const value = each.name === "wait" ? fc.constant("0") : api.validValue(each);
    return [each.name, each.in === "path" ? value : fc.option(value, { nil: undefined, freq: 2 })];
  });
  return fc.record(Object.fromEntries(fields));
}

/** One that has an answer; and one that has none, where that is another code. */
function examplesOf({ parameters }: Operation): readonly Values[] {
  const has = (name: string): boolean => parameters.some((each) => each.name === name);
  const inPath = parameters.filter((each) => each.in === "path");
  const good = Object.fromEntries(inPath.map(({ name }) => [name, KNOWN[name as Name][0]]));
  const wrong = { ...good, minSignedWeight: "101", ...(has("epoch") && { epoch: "0" }) };
  return [good, wrong];
}

function addressOf({ path, parameters }: Operation, values: Values): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(values[name] ?? ""),
  );
  const query = parameters.flatMap(({ name, in: place }) => {
    const value = values[name];
    return place === "query" && value !== undefined ? [[name, value]] : [];
  });
  return query.length === 0 ? filled : `${filled}?${new URLSearchParams(query)}`;
}

/** Asks, holds the answer against the document, and gives its code. */
async function ask(operation: Operation, address: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${url}${address}`, { method: operation.method, ...init });
  const told = `${operation.method} ${address}: ${response.status}`;
  expect(response.status, told).toBeLessThan(500);
  expect(Object.keys(operation.responses), told).toContain(String(response.status));
  const mediaType = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  const isJson = mediaType === "application/json";
  const body: unknown = isJson ? await response.json() : await response.text();
  const escaped = [operation.path, mediaType].map((each) => each.replaceAll("/", "~1"));
  const pointer =
    `/paths/${escaped[0]}/${operation.method.toLowerCase()}/responses/${response.status}` +
    `/content/${escaped[1]}/schema`;
  expect(api.refuse(pointer.replaceAll("{", "%7B").replaceAll("}", "%7D"), body), told).toBeNull();
  if (response.status === 200) return "ok";
  const { code } = body as { readonly code: keyof typeof ERRORS };
  expect(ERRORS[code].status, told).toBe(response.status);
  return code;
}

function note(operation: Operation, code: string): void {
  const codes = seen.get(operation.id) ?? new Set();
  seen.set(operation.id, codes.add(code));
}

test(
  "what the document takes is answered as it says, whatever the values are",
  PATIENCE,
  async () => {
    for (const operation of api.operations.filter(isWalked)) {
      const examples = examplesOf(operation).map((values): [Values] => [values]);
      await fc.assert(
        fc.asyncProperty(validValues(operation), async (values) => {
          const code = await ask(operation, addressOf(operation, values));
          expect(code, addressOf(operation, values)).not.toBe("malformed");
          note(operation, code);
        }),
        { numRuns: examples.length + (operation.parameters.length === 0 ? 1 : RUNS), examples },
      );
    }
    expect(failures).toEqual([]);
  },
);

test("the walk has met every operation's success, and what may be missing", () => {
  const codesOf = (id: string): readonly string[] => [...(seen.get(id) ?? [])].toSorted();
  for (const operation of api.operations.filter(isWalked)) {
    expect(codesOf(operation.id), operation.id).toContain("ok");
  }
  for (const id of ["finality", "block", "transaction", "certificate", "setUpdate"]) {
    expect(codesOf(id).length, id).toBeGreaterThan(1);
  }
});

test(
  "what the document does not take is malformed, in every parameter of every route",
  PATIENCE,
  async () => {
    for (const operation of api.operations.filter(isWalked)) {
      for (const parameter of operation.parameters) {
        const inputs = fc.tuple(validValues(operation), api.invalidValue(parameter));
        await fc.assert(
          fc.asyncProperty(inputs, async ([values, wrong]) => {
            const address = addressOf(operation, { ...values, [parameter.name]: wrong });
            expect(await ask(operation, address), address).toBe("malformed");
          }),
          { numRuns: Math.ceil(RUNS / 3) },
        );
      }
      const unknown = `${addressOf(operation, await firstValues(operation))}`;
      const address = `${unknown}${unknown.includes("?") ? "&" : "?"}unknown=1`;
      expect(await ask(operation, address), address).toBe("malformed");
    }
    expect(failures).toEqual([]);
  },
);

async function firstValues(operation: Operation): Promise<Values> {
  return fc.sample(validValues(operation), { numRuns: 1, seed: 1 })[0] ?? {};
}

test(
  "a batch of anything is answered by what the document says of each part",
  PATIENCE,
  async () => {
    const batch = api.operations.find(({ id }) => id === "batch");
    if (batch === undefined) throw new Error("no batch");
    const walked = api.operations.filter((each) => isWalked(each) && each.id !== "docs");
    const addresses = walked.map((operation) =>
      validValues(operation).map((values) => addressOf(operation, values)),
    );
    const requests = fc.array(
      fc.oneof(
        ...addresses,
        fc.webPath().map((path) => `/${path}`),
      ),
      { minLength: 0, maxLength: MAX_BATCH_REQUESTS + 2 },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.record({ requests }), fc.jsonValue()), async (body) => {
        const isTaken = api.refuse("/components/schemas/BatchRequest", body) === null;
        const code = await ask(batch, batch.path, { body: JSON.stringify(body) });
        expect(code, JSON.stringify(body)).toBe(isTaken ? "ok" : "malformed");
      }),
      { numRuns: RUNS },
    );
    expect(failures).toEqual([]);
  },
);

describe("server-sent events", () => {
  test("are taken and refused as the document says", async () => {
    const events = api.operations.find(({ id }) => id === "events");
    if (events === undefined) throw new Error("no events");
    for (const parameter of events.parameters) {
      const inputs = fc.tuple(validValues(events), api.invalidValue(parameter));
      await fc.assert(
        fc.asyncProperty(inputs, async ([values, wrong]) => {
          const address = addressOf(events, { ...values, [parameter.name]: wrong });
          expect(await ask(events, address), address).toBe("malformed");
          const response = await fetch(`${url}${addressOf(events, values)}`);
          await response.body?.cancel();
          expect([200, 404]).toContain(response.status);
        }),
        { numRuns: Math.ceil(RUNS / 5) },
      );
    }
  });

  test("carry what the document says of their topic", async () => {
    const certificate = viewed.node.shell.state().rollups.get(ROLLUP_ID)?.newest?.certificate;
    if (certificate === undefined) throw new Error("no certificate");
    const { signature } = certificate;
    const attestation = { claim: claimAt(6n), operator: operatorAt(0), signature };
    const { operatorSetHash } = operatorSetOf(1n);
    const update = updateBy([0, 1, 2, 3], 1n);
    const next = { epoch: 2n, operatorSetHash: null, startsAt: 1_120n, update: null };
    const answers: EventAnswers = {
      certificate: { data: certificate, rule: certificateRule(certificate) },
      attestation: { data: attestation, weight: 22n },
      finality: { data: finality },
      alert: { data: alert },
      evidence: { data: doubleAttestation(1, 8n) },
      epoch: { data: { epoch: 1n, operatorSetHash, startsAt: 1_060n, update } },
    };
    const reader = await readEvents(`${url}/v1/events`);
    for (const topic of TOPIC_NAMES) {
      tell({ topic, rollupId: ROLLUP_ID, answer: answers[topic] } as NodeEvent);
    }
    tell({ topic: "epoch", rollupId: null, answer: { data: next } });
    while (reader.events.length < TOPIC_NAMES.length + 1) await sleep(2);
    expect(new Set(reader.events.map(({ event }) => event))).toEqual(new Set(TOPIC_NAMES));
    for (const { event, data } of reader.events) {
      const name = `${event.charAt(0).toUpperCase()}${event.slice(1)}Event`;
      expect(api.refuse(`/components/schemas/${name}`, data), event).toBeNull();
    }
  });
});
