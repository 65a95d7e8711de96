"""Language models that answer a request: a server that speaks OpenAI's protocol, or a local GGUF file."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Protocol

from partimento.errors import BadInput

_MOST_BYTES = 1 << 20
_MOST_TOKENS = 800
_TRIES = 3


class Writer(Protocol):
    """Something that answers a request in words."""

    @property
    def name(self) -> str:
        """What wrote, as it is stored beside the caption."""
        ...

    def write(self, text: str, seed: int) -> str:
        """What the model answers to a text.

        Raises:
            BadInput: it cannot be reached, or refuses.
        """
        ...


class Server:
    """A server with `/chat/completions`: llama.cpp, Ollama, vLLM, or a service with a key."""

    def __init__(self, url: str, model: str, instruction: str, key: str = "", timeout_seconds: float = 120.0) -> None:
        """`url` ends in the version, `http://127.0.0.1:11434/v1`; `instruction` says what to do with each text."""
        if not url.startswith(("http://", "https://")):
            raise BadInput(f"{url}: the address of a server begins with http:// or https://")
        self._url, self._key, self._timeout_seconds = url.rstrip("/") + "/chat/completions", key, timeout_seconds
        self.name, self._instruction = model, instruction

    def write(self, text: str, seed: int) -> str:
        """One request, repeated where the server is busy."""
        body = {
            "model": self.name,
            "seed": seed,
            "messages": _messages(self._instruction, text),
            "max_tokens": _MOST_TOKENS,
        }
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)
        for attempt in range(_TRIES):
            try:
                with urllib.request.urlopen(request, timeout=self._timeout_seconds) as response:
                    return _content(json.loads(response.read(_MOST_BYTES)))
            except urllib.error.HTTPError as error:
                if error.code not in (429, 500, 502, 503) or attempt + 1 == _TRIES:
                    raise BadInput(f"{self._url}: answers {error.code} {error.reason}") from None
            except (OSError, ValueError) as error:
                if attempt + 1 == _TRIES:
                    raise BadInput(f"{self._url}: {getattr(error, 'reason', error)}; does the server run?") from None
            time.sleep(2.0**attempt)
        raise AssertionError


class LocalModel:
    """A GGUF file, run by llama-cpp-python."""

    def __init__(self, path: Path, instruction: str) -> None:
        """Load the file; `instruction` says what to do with each text.

        Raises:
            BadInput: llama-cpp-python is not installed, or the file is no such model.
        """
        try:
            from llama_cpp import Llama  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise BadInput(f"{path}: needs llama-cpp-python: pip install llama-cpp-python") from None
        if not path.is_file():
            raise BadInput(f"{path}: there is no such file")
        try:
            self._model: Any = Llama(str(path), n_ctx=2048, verbose=False)
        except ValueError as error:
            raise BadInput(f"{path}: is no GGUF model ({error})") from None
        self.name, self._instruction = path.stem, instruction

    def write(self, text: str, seed: int) -> str:
        """One completion."""
        messages = _messages(self._instruction, text)
        return _content(self._model.create_chat_completion(messages, seed=seed, max_tokens=_MOST_TOKENS))


def writer(place: str, instruction: str, model: str = "", key: str = "") -> Writer:
    """A server by its address, or a model by its file.

    Raises:
        BadInput: it is neither, or no model of the server is named.
    """
    if place.startswith(("http://", "https://")):
        if not model:
            raise BadInput(f"{place}: say which of its models is meant")
        return Server(place, model, instruction, key)
    return LocalModel(Path(place), instruction)


def _messages(instruction: str, text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": instruction}, {"role": "user", "content": text}]


def _content(answer: Any) -> str:
    try:
        return str(answer["choices"][0]["message"]["content"])
    except (KeyError, IndexError, TypeError):
        raise BadInput("the server's answer is no chat completion") from None
