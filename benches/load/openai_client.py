"""Streams over the official openai SDK in a closed loop, as a script of one's own would have them. `tools.py` runs it.

    python openai_client.py URL MODEL STREAMS REQUESTS TOKENS

Out: JSON, a list of requests: the prompt's number, and when it was started, its first text came and it ended, in nanoseconds.
"""

import asyncio
import json
import sys
import time

import openai


async def ask(client, model, tokens, number):
    started, first = time.perf_counter_ns(), None
    chunks = await client.chat.completions.create(
        model=model,
        stream=True,
        max_tokens=tokens,
        messages=[{"role": "user", "content": f"request {number}"}],
    )
    async for chunk in chunks:
        if first is None and chunk.choices and chunk.choices[0].delta.content:
            first = time.perf_counter_ns()
    return [number, started, first, time.perf_counter_ns()]


async def stream(client, model, tokens, numbers, answers):
    for number in numbers:
        answers.append(await ask(client, model, tokens, number))


async def main(url, model, streams, requests, tokens):
    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    numbers, answers = iter(range(int(requests))), []
    every = [stream(client, model, int(tokens), numbers, answers) for _ in range(int(streams))]
    await asyncio.gather(*every)
    json.dump(answers, sys.stdout)


asyncio.run(main(*sys.argv[1:]))
