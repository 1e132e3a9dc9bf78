// The Vercel AI SDK with its provider for OpenAI, which speaks responses.

import { createOpenAI } from "@ai-sdk/openai";
import { BASE, KEY } from "./common.mjs";
import { runProvider } from "./vercel_common.mjs";

// Else it would send references to what it thinks that the server keeps.
const options = { openai: { store: false } };
await runProvider((apiKey = KEY) => createOpenAI({ baseURL: `${BASE}/v1`, apiKey }), options);
