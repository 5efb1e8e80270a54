import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createAdmission } from "../../src/http/admission.ts";
import { createApp } from "../../src/http/app.ts";
import { createClientAddresses } from "../../src/http/client-addresses.ts";
import { DEFAULT_HTTP_LIMITS } from "../../src/http/limits.ts";
import { createRateLimit } from "../../src/http/rate-limit.ts";
import { connectRaw, countStatus, requestText } from "./raw-reader.ts";

const PATIENT = { timeout: 20_000, interval: 5 };

test("behind an answer that is held, no more is read of who asks for too much", async () => {
  const rate = createRateLimit({ now: () => 0 }, { perSecond: 1, burst: 1, maxClients: 8 });
  const addresses = createClientAddresses([]);
  const admission = createAdmission({ addresses, rate, loop: { isLate: () => false } });
  let [seen, release] = [0, (): void => undefined];
  const app = createApp(DEFAULT_HTTP_LIMITS, (request, response) => {
    if (request.url === "/turn") {
      response.end("turn");
      return true;
    }
    seen += 1;
    if (admission.refuse(request, response)) return true;
    release = () => void response.end("held");
    return true;
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const count = 40_000;
  const reader = connectRaw(port, requestText("/").repeat(count));
  await expect.poll(() => seen, PATIENT).toBeGreaterThan(2);
  // Far more turns of the event loop than it takes to read all of them.
  for (let i = 0; i < 100; i++) {
    await (await fetch(`http://127.0.0.1:${port}/turn`)).text();
  }
  expect(seen).toBeLessThan(count / 2);
  release();
  await reader.closed;
  expect(countStatus(reader.text(), 200)).toBe(1);
});
