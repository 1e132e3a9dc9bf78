// `@google/genai`.

import { ApiError, GoogleGenAI } from "@google/genai";
import { z } from "zod";
import { BASE, KEY, Person, run, TOOLS } from "./common.mjs";

const of = (key = KEY) => new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: BASE } }).models;

// The answer, and the content that is sent back.
async function said(api, asked, stream) {
  const chunks = [];
  if (stream) for await (const chunk of await api.generateContentStream(asked)) chunks.push(chunk);
  else chunks.push(await api.generateContent(asked));
  const candidates = chunks.flatMap((chunk) => chunk.candidates ?? []);
  const parts = candidates.flatMap((candidate) => candidate.content?.parts ?? []);
  const texts = parts.filter((part) => part.text && !part.thought).map((part) => part.text);
  const calls = parts.flatMap((part) => part.functionCall ?? []);
  const usage = chunks.findLast((chunk) => chunk.usageMetadata)?.usageMetadata;
  const answer = {
    text: texts.join(""),
    pieces: texts.length,
    end: candidates.findLast((candidate) => candidate.finishReason)?.finishReason ?? "none",
    tokens: usage && [usage.promptTokenCount, usage.candidatesTokenCount],
    calls: calls.map(({ id, name, args }) => ({ id, name, arguments: args })),
  };
  return [answer, { role: "model", parts }];
}

const user = (text) => [{ role: "user", parts: [{ text }] }];

await run({
  user,
  ask: async (model, text, { system, stream, key }) =>
    (await said(of(key), { model, contents: user(text), config: { systemInstruction: system } }, stream))[0],
  async talk(model, history, stream) {
    const functionDeclarations = TOOLS.map(({ name, description, parameters }) => ({
      name,
      description,
      parametersJsonSchema: parameters,
    }));
    const config = { tools: [{ functionDeclarations }] };
    const [answer, content] = await said(of(), { model, contents: history, config }, stream);
    history.push(content);
    return answer;
  },
  results(calls, outputs) {
    const response = ({ id, name }, at) => ({ functionResponse: { id, name, response: { result: outputs[at] } } });
    return [{ role: "user", parts: calls.map(response) }];
  },
  async image(model, { data, url }) {
    const mimeType = "image/png";
    const picture = url
      ? { fileData: { fileUri: url, mimeType } }
      : { inlineData: { data: data.toString("base64"), mimeType } };
    return (await said(of(), { model, contents: [{ role: "user", parts: [picture, { text: "What is it?" }] }] }))[0].text;
  },
  async structured(model) {
    const config = { responseMimeType: "application/json", responseJsonSchema: z.toJSONSchema(Person) };
    const answer = await of().generateContent({ model, contents: "Who?", config });
    return Person.parse(JSON.parse(answer.text));
  },
  status: (error) => (error instanceof ApiError ? error.status : undefined),
});
