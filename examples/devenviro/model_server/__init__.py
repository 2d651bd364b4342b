"""A small deterministic model behind OpenAI's API, to try agents with; `policy` says how it decides."""

from devenviro.model_server.app import create_app

__all__ = ["create_app"]
