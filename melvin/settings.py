"""Settings: which mechanisms of the learner are on, and how much memory it may take.

All are on, unless somebody asks what one of them is worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from melvin.budget import DEFAULT_MEMORY
from melvin.errors import InputError


@dataclass(frozen=True)
class Settings:
    """The mechanisms, each with what is left when it is off. They are chosen for a new brain, and stay with it.

    patterns           symbols are bytes alone
    byte_contexts      the heads correct a uniform guess, not what the last five bytes say
    back_off           no head asks what the last symbol ends with, or what came after anything
    edges              no head asks what followed the last symbol, or what it ends with, or anything
    context_edges      words near each other are not counted: nothing is known of time, likeness or a focus
    edge_transformers  no head asks what followed the edge just taken
    attention          no head asks what came once the chunk attended to and the last one stood so
    adaptive_heads     each head has one weight, however much evidence it has
    bridges            what several ports carry together is not bound
    embeddings         words have no vectors: there are no similar ones, and no categories
    categories         no head asks what followed words of the same category
    forgetting         every table keeps all that was counted

    memory : bytes of private memory that a brain may take (see `budget`)
    """

    patterns: bool = True
    byte_contexts: bool = True
    back_off: bool = True
    edges: bool = True
    context_edges: bool = True
    edge_transformers: bool = True
    attention: bool = True
    adaptive_heads: bool = True
    bridges: bool = True
    embeddings: bool = True
    categories: bool = True
    forgetting: bool = True
    memory: int = DEFAULT_MEMORY

    @classmethod
    def without(cls, mechanisms: Iterable[str], memory: int = DEFAULT_MEMORY) -> Settings:
        """Everything but these. Raises InputError for a name that is no mechanism."""
        off = list(mechanisms)
        for name in off:
            if name not in MECHANISMS:
                raise InputError(f"there is no mechanism {name!r}: it must be one of {', '.join(MECHANISMS)}")
        return cls(**dict.fromkeys(off, False), memory=memory)

    @property
    def off(self) -> tuple[str, ...]:
        """Names of the mechanisms that are off."""
        return tuple(name for name in MECHANISMS if not getattr(self, name))


MECHANISMS = tuple(field.name for field in fields(Settings) if type(field.default) is bool)
# Off as a whole: what attends to context, which leaves edges and back-off; and all heads, which leaves the back-off of
# byte contexts alone.
GROUPS = {
    "heads": ("edge_transformers", "attention", "categories"),
    "all_heads": ("edges", "edge_transformers", "attention", "categories"),
}
EVERYTHING = Settings()
