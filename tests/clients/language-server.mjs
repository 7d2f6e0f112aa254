// What yaml-language-server tells an editor about files: {uri: text} to {uri: complaints}, over the protocol that editors use.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { createMessageConnection, StreamMessageReader, StreamMessageWriter } = require("vscode-jsonrpc/node");
const PROGRAM = require.resolve("yaml-language-server/bin/yaml-language-server");
const SECONDS = 60;

function connect(server) {
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  const settings = { validate: true, schemaStore: { enable: false } };
  connection.onRequest("workspace/configuration", ({ items }) => items.map(() => settings));
  connection.onRequest("client/registerCapability", () => null);
  connection.listen();
  return connection;
}

function diagnosed(connection, uris) {
  const found = {};
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`the language server said nothing about a file in ${SECONDS} s`)), SECONDS * 1000).unref();
    connection.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }) => {
      found[uri] = diagnostics.map(({ range, message }) => `line ${range.start.line + 1}: ${message}`);
      if (uris.every((each) => each in found)) resolve(found);
    });
  });
}

export async function judgeFiles(files) {
  const server = spawn(process.execPath, [PROGRAM, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const connection = connect(server);
    const answers = diagnosed(connection, Object.keys(files));
    const capabilities = { workspace: { configuration: true } };
    await connection.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities });
    connection.sendNotification("initialized", {});
    for (const [uri, text] of Object.entries(files)) {
      const textDocument = { uri, languageId: "yaml", version: 1, text };
      connection.sendNotification("textDocument/didOpen", { textDocument });
    }
    return await answers;
  } finally {
    server.kill();
  }
}
