"""The script that this project comes from: a first look at a model through a gateway, with the time to its first token."""

import os
import time

from openai import APIStatusError, AuthenticationError, OpenAI, PermissionDeniedError

client = OpenAI(base_url=os.environ["LLM_BASE_URL"], api_key=os.environ["LLM_API_KEY"])

start = time.perf_counter()
first = None
try:
    stream = client.chat.completions.create(
        model="gemini-3-pro-preview",
        messages=[
            {"role": "system", "content": "You are an expert in high-concurrency architecture."},
            {"role": "user", "content": "Explain the difference between TCP and QUIC."},
        ],
        stream=True,
    )
    for chunk in stream:
        content = chunk.choices[0].delta.content
        if content:
            if first is None:
                first = time.perf_counter() - start
                print(f"TTFT: {first * 1000:.0f} ms\n")
            print(content, end="", flush=True)
    print()
except AuthenticationError as error:
    raise SystemExit(f"401: check the key. {error}")
except PermissionDeniedError as error:
    raise SystemExit(f"403: check the region. {error}")
except APIStatusError as error:
    raise SystemExit(f"{error.status_code}: {error}")
