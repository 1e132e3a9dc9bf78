"""`llm`, responses."""

from common import run
from llm_common import Llm, models

if __name__ == "__main__":
    models(responses=True)
    run(Llm)
