"""What the proxy tells the cache: of calls that are to be counted, and since when answers were under way."""

import asyncio
from typing import Any

import httpx
import pytest
from running import until
from upstream import Upstream, answers, asking

pytest_plugins = ["proxy_fixtures"]

COUNTED = ("misses", "hits", "errors", "prompt_tokens", "saved_prompt_tokens")


async def account(memory: httpx.AsyncClient, model: str) -> dict[str, int]:
    """What has been counted of a model that is not 0."""
    said = (await memory.get("/llm/usage", params={"model": model})).json()
    return {name: said["totals"][name] for name in COUNTED if said["totals"][name]}


async def counted(memory: httpx.AsyncClient, model: str, **wanted: int) -> None:
    """Return when so much has been counted, and nothing else."""

    async def there() -> bool:
        return await account(memory, model) == wanted

    await until(there)


async def saved(memory: httpx.AsyncClient, model: str) -> float:
    """The tokens of prompts that the metrics say were saved."""
    lines = (await memory.get("/metrics")).text.splitlines()
    named = [line for line in lines if line.startswith("memos_llm_tokens_total{") and f'model="{model}"' in line]
    return sum(float(line.split()[-1]) for line in named if 'kind="saved_prompt"' in line)


async def embed(raw: httpx.AsyncClient, text: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await raw.post("/embeddings", json={"model": f"m-{text}", "input": text}, headers=named)


async def test_metrics_and_account_agree_on_what_an_embedding_out_of_the_cache_saved(
    raw: httpx.AsyncClient, proxied_memory: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    for _ in range(2):
        await embed(raw, text)
    spent = len(text)
    await counted(proxied_memory, f"m-{text}", misses=1, hits=1, prompt_tokens=spent, saved_prompt_tokens=spent)
    assert await saved(proxied_memory, f"m-{text}") == spent


@pytest.mark.parametrize("way", [{"cache_control": "no-store"}, {"x_memos_cache": "off"}], ids=str)
async def test_embeddings_that_are_not_to_be_kept_are_counted(
    raw: httpx.AsyncClient, proxied_memory: httpx.AsyncClient, upstream: Upstream, text: str, way: dict[str, str]
) -> None:
    await embed(raw, text, **way)
    await counted(proxied_memory, f"m-{text}", misses=1, prompt_tokens=len(text))


async def test_embeddings_that_the_server_refuses_are_counted_as_errors(
    raw: httpx.AsyncClient, proxied_memory: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.answer = answers({"error": {"message": "no"}}, 500)
    await embed(raw, text)
    await counted(proxied_memory, f"m-{text}", errors=1)


async def test_who_shares_a_call_for_embeddings_is_counted(
    raw: httpx.AsyncClient, proxied_memory: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.gate.clear()
    asked = [asyncio.create_task(embed(raw, text)) for _ in range(5)]

    async def reached() -> bool:
        return bool(upstream.asked)

    await until(reached)
    upstream.gate.set()
    await asyncio.gather(*asked)
    spent = len(text)
    await counted(proxied_memory, f"m-{text}", misses=1, hits=4, prompt_tokens=spent, saved_prompt_tokens=4 * spent)


@pytest.mark.parametrize("what", ["source", "model", "everything"])
async def test_what_is_forgotten_while_the_answer_is_made_is_not_kept(
    raw: httpx.AsyncClient, proxied_memory: httpx.AsyncClient, upstream: Upstream, text: str, what: str
) -> None:
    upstream.gate.clear()
    body: dict[str, Any] = {**asking(text), "model": f"m-{text}", "memos": {"sources": [f"fact:{text[8:20]}"]}}
    asked = asyncio.create_task(raw.post("/chat/completions", json=body))

    async def reached() -> bool:
        return bool(upstream.asked_for(text))

    await until(reached)
    named = {"source": f"fact:{text[8:20]}", "model": f"m-{text}", "everything": "true"}
    forgotten = await proxied_memory.delete("/llm/cache", params={what: named[what]})
    assert forgotten.status_code == 200, forgotten.text
    upstream.gate.set()
    assert (await asked).headers["x-memos-cache"] == "miss"
    await counted(proxied_memory, f"m-{text}", misses=1, prompt_tokens=len(text))
    assert (await raw.post("/chat/completions", json=body)).headers["x-memos-cache"] == "miss"
