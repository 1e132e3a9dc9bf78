"""`llm`, chat completions."""

from common import run
from llm_common import Llm, models

if __name__ == "__main__":
    models(responses=False)
    run(Llm)
