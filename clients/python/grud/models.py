"""Models and their versions."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List, Optional, Union, cast

from .events import ServerEvent, follow
from .replies import Model
from .transport import OCTETS, Transport, path


class Models:
    """`client.models`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> List[Model]:
        """All models."""
        reply = self._transport.json("GET", path("models"), is_repeatable=True)
        return cast("List[Model]", reply["models"])

    def get(self, model: str) -> Model:
        """Inputs, outputs, layers, versions. GrudError: model_not_found."""
        return cast(Model, self._transport.json("GET", path("models", model), is_repeatable=True))

    def upload(self, model: str, file: Union[str, Path, bytes]) -> Model:
        """Makes a safetensors file, or its bytes, a new version of the model; the first one is
        active at once. Sent once: a second upload would be another version.

        GrudError: invalid_model says what is wrong with the file, incompatible_model that it has
        other inputs or outputs than the model.
        """
        content = file if isinstance(file, bytes) else Path(file).read_bytes()
        reply = self._transport.request("PUT", path("models", model), content, media=OCTETS)
        return cast(Model, self._transport.decode(reply))

    def download(self, model: str, version: int) -> bytes:
        """The safetensors file of a version."""
        return self._transport.request("GET", path("models", model, "versions", version, "file"),
                                       is_repeatable=True)

    def activate(self, model: str, version: int) -> Model:
        """Lets the model serve this version; also the rollback. Live sessions go on."""
        return cast(Model, self._transport.json(
            "POST", path("models", model, "versions", version, "activate"), is_repeatable=True))

    def events(self, model: str, prefix: Optional[str] = None,
               after: Optional[str] = None) -> Iterator[ServerEvent]:
        """The events of all sessions of the model, or of those with a prefix, in one stream."""
        return follow(self._transport, path("models", model, "events"), after, prefix)

    def delete(self, model: str, version: int) -> None:
        """GrudError: version_active, version_read_only (it is in the folder of --models)."""
        self._transport.json("DELETE", path("models", model, "versions", version))
