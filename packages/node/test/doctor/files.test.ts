import { expect, it } from "vitest";
import { filesCheck } from "../../src/doctor/files.ts";
import type { Patient } from "../../src/doctor/patient.ts";

it("names the whole path of a file that is not there, and what to do once", async () => {
  const keystoreFile = "/nowhere/keys:of/operator.json";
  const config = { dataDir: "/nowhere", operator: { keystoreFile } };
  const patient: Partial<Patient> = { config: config as Patient["config"], configFile: null };
  expect(await filesCheck.run(patient as Patient)).toMatchObject([
    { about: "keystore", code: "unreadable", found: `${keystoreFile} cannot be read` },
  ]);
});
