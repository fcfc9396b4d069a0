"""What every part of a report is: immutable, and plain text only."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from harness.plain_text import plain_text


class Model(BaseModel):
    """A part of a report: immutable; unknown fields of a later minor version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        """A report holds plain text only, whoever wrote it: so every view may show it."""
        if isinstance(value, list):
            return [plain_text(item) if isinstance(item, str) else item for item in value]
        return plain_text(value) if isinstance(value, str) else value
