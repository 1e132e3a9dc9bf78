// The Vercel AI SDK with its provider for Google.

import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { BASE, KEY } from "./common.mjs";
import { runProvider } from "./vercel_common.mjs";

await runProvider((apiKey = KEY) => createGoogleGenerativeAI({ baseURL: `${BASE}/v1beta`, apiKey }));
