// Reads a list of requests as JSON, {schema, documents} or {html}, and prints each one's complaints as a list of texts.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { HtmlValidate } from "html-validate";

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

const requests = JSON.parse(readFileSync(0, "utf8"));
const complaints = requests.map(({ schema, documents, html }) =>
  schema === undefined ? judgePage(html) : judgeSchema(schema, documents),
);
console.log(JSON.stringify(await Promise.all(complaints)));
