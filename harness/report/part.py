"""What every part of a report is: immutable, and plain text only."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.plain_text import plain_text

MOST = 2**63 - 1  # what a counter of the system can hold
Count = Annotated[int, Field(ge=0, le=MOST)]  # of things, lines, or bytes
Amount = Annotated[float, Field(ge=0)]  # of what cannot be less than nothing
Above0 = Annotated[float, Field(gt=0)]


def one_of(*words: str) -> Any:
    """A text that is one of these words."""
    return Field(pattern=f"^({'|'.join(words)})$")


class Model(BaseModel):
    """A part of a report: immutable; unknown fields of a later minor version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        """A report holds plain text only, whoever wrote it: so every view may show it."""
        if isinstance(value, list):
            return [_plain(item) for item in value]
        if isinstance(value, dict):
            return {_plain(key): _plain(item) for key, item in value.items()}
        return _plain(value)


def _plain(value: Any) -> Any:
    return plain_text(value) if isinstance(value, str) else value
