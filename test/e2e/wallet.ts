import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encryptKeystoreJson } from "ethers";

/**
 * Writes an account to NAME.json, a JSON wallet that opens at once, with its password beside it in
 * NAME-password; gives the options that name both.
 */
export async function writeWallet(
  folder: string,
  name: string,
  account: { readonly address: string; readonly privateKey: string },
): Promise<string> {
  const password = "correct horse";
  const wallet = await encryptKeystoreJson(account, password, { scrypt: { N: 2, r: 1, p: 1 } });
  const [file, passwordFile] = [join(folder, `${name}.json`), join(folder, `${name}-password`)];
  writeFileSync(file, wallet, { mode: 0o600 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  return `--wallet ${file} --wallet-password-file ${passwordFile}`;
}
