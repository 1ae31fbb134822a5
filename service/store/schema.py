"""Tables that migrate together: the platform's, the domain's, the bench's, each for itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData


@dataclass(frozen=True, slots=True)
class Schema:
    """versions: the folder of its migrations. The database notes which of them it has in a table
    of the schema's own, so that no schema needs to know another one's."""

    name: str
    metadata: MetaData
    versions: Path

    @property
    def version_table(self) -> str:
        return f"schema_version_{self.name}"


def new_metadata() -> MetaData:
    """With one naming convention, so that a migration can name what it drops."""
    return MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        }
    )
