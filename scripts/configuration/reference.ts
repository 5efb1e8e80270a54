import { type ConfigField, dotted, flow } from "@mach/node";

const HEAD = `# Configuration

<!-- Made from the schema of the configuration by scripts/configuration.ts: change that. -->

A node is told everything in one place: a YAML file (JSON is YAML too), over it the environment, over
that \`--set PATH=VALUE\`. [operating.md](operating.md) says what to choose, this page what there is.

\`\`\`sh
npm run --silent mach -- config init --network local --out node.yaml
npm run --silent mach -- config check --config node.yaml
npm run --silent mach -- config print --config node.yaml
npm run --silent mach -- config explain rollups.agree
\`\`\`

- \`init\` writes a file with every field in it, those that may be left out as comments.
- \`check\` names all wrong fields at once, with the line, and what is expected there instead. A field
  that is misspelt is an error, and so is a variable \`MACH_*\` that stands for no field.
- \`print\` gives every value that holds and where it was said: a line, a variable, \`--set\`, the network,
  or nowhere (\`default\`). Of URLs it shows the host alone, because providers put their keys into the rest.
- Relative paths begin at the file's folder, without a file at the working directory. Secrets are given
  as paths of their files.
- A list of values is one text with commas in a variable: \`MACH_L1_RPC_URLS=http://a:8545,http://b:8545\`.
  A list of sections is YAML or JSON: \`MACH_ROLLUPS='[{ rollupId: 901, rpcUrls: "http://a:9545" }]'\`.
  \`--set rollups.0.agree=2\` changes one of the file's.
- \`packages/node/config.schema.json\` is the JSON Schema for editors. \`init\` names it in the first line, a JSON
  file does by \`"$schema"\`.

## Networks

\`network\` names a network, the file of one, or is the two fields that make one. The networks that the
program knows are the files in \`packages/node/networks\`. A network's file has \`chainId\`, \`registry\`,
\`bootNodes\`, and the \`rollups\` with their \`rollupId\` and \`stack\`; an \`rpcUrl\` of the L1 (\`l1.rpcUrl\`) or of a
rollup is for \`init\` alone. What a node asks is always in its own configuration: who chooses the
endpoints chooses what is signed. The boot nodes hold unless \`gossip.bootNodes\` is set. Where all rollups
of a configuration are ones that its network does not have, it is another network's, and refused.

The network \`local\` is what \`npm start\` runs. Each start deploys a new one, so \`local\` stands for whatever
\`.local/network.json\` says at the time; a data folder is of one start.
`;

/** The page of all fields. */
export function renderReference(fields: readonly ConfigField[]): string {
  const isTop = ({ kind }: ConfigField): boolean => kind === "value";
  const top = ["## Fields at the top", ...fields.filter(isTop).map(item)];
  const sections = fields.filter((field) => !isTop(field)).flatMap(section);
  return `${HEAD}\n${spaced(top)}\n${sections.map((lines) => `\n${spaced(lines)}\n`).join("")}`;
}

/** A section with its values, then the sections in it. */
function section(field: ConfigField): readonly (readonly string[])[] {
  const { path, description, isRequired, variable, fields } = field;
  const values = fields.filter(({ kind }) => kind === "value");
  const named = variable === undefined ? "" : ` ${code(variable)}.`;
  const needed = isRequired ? " It cannot be left out." : "";
  return [
    [`## ${dotted(path)}`, `${description}${needed}${named}`, ...values.map(item)],
    ...fields.filter(({ kind }) => kind !== "value").flatMap(section),
  ];
}

function item(field: ConfigField): string {
  const { path, description, takes, fallback, isRequired, variable } = field;
  const facts = [
    `${takes[0]?.toUpperCase()}${takes.slice(1)}`,
    ...(isRequired ? ["required"] : []),
    ...(fallback === undefined ? [] : [`default ${code(flow(fallback))}`]),
    ...(variable === undefined ? [] : [code(variable)]),
  ];
  return `- **${code(dotted(path))}**: ${description}\n  ${facts.join("; ")}.`;
}

/** The items of a list one below the other, everything else apart. */
function spaced(lines: readonly string[]): string {
  return lines
    .map((line, i) =>
      i === 0
        ? line
        : `${line.startsWith("- ") && lines[i - 1]?.startsWith("- ") ? "\n" : "\n\n"}${line}`,
    )
    .join("");
}

function code(text: string): string {
  return `\`${text}\``;
}
