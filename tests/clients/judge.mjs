// Reads a list of requests as JSON and prints the answer to each: for {schema, documents} and {html} a list of complaints,
// for {files} an object of such lists.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { HtmlValidate } from "html-validate";
import { judgeFiles } from "./language-server.mjs";

const validator = new HtmlValidate({ extends: ["html-validate:recommended"] });

function judgeSchema(schema, documents) {
  const ajv = new Ajv2020({ strict: true, allErrors: true, logger: false });
  addFormats(ajv);
  try {
    const accepts = ajv.compile(schema);
    return documents.flatMap((document) => (accepts(document) ? [] : ajv.errorsText(accepts.errors)));
  } catch (refusal) {
    return [refusal.message];
  }
}

async function judgePage(html) {
  const report = await validator.validateString(html);
  return report.results.flatMap((result) =>
    result.messages.map(({ line, ruleId, message }) => `line ${line}: ${ruleId}: ${message}`),
  );
}

function judge({ schema, documents, html, files }) {
  if (files) return judgeFiles(files);
  return html === undefined ? judgeSchema(schema, documents) : judgePage(html);
}

const answers = await Promise.all(JSON.parse(readFileSync(0, "utf8")).map(judge));
console.log(JSON.stringify(answers));
