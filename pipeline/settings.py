"""What a user can set, read once from the environment; an unknown name stops the program."""

import os
from pathlib import Path
from typing import Final

from pydantic import Field, HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX: Final = "RATECARD_"


class UnknownSettingError(ValueError):
    """The environment holds a name with our prefix that is no setting."""


class Settings(BaseSettings):
    """Every setting, its default, and its environment variable: `RATECARD_` and the name."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Field(
        default=Path("data"), description="where the archive and the tables are kept"
    )
    config: Path = Field(
        default=Path("ratecard.toml"),
        description="your sources, workloads and rules; the default one may be missing",
    )
    contact: str = Field(
        default="https://ratecard.invalid",
        description="how a site's owner reaches you, in the User-Agent",
    )
    mirror: HttpUrl | None = Field(
        default=None, description="asked at <mirror>/<source> instead of the sources' own hosts"
    )
    site: HttpUrl | None = Field(
        default=None,
        description="the address at which the publication is served, for the feeds' own links",
    )
    feed_base_models: bool = Field(
        default=False, description="whether the feeds have the changes of base models, too"
    )
    templates: Path | None = Field(
        default=None, description="your own templates of messages, in a folder for each language"
    )
    trusted_days: int = Field(
        default=120,
        ge=1,
        description="after how many days unconfirmed a fact yields to a lesser source",
    )
    tolerance_pct: float = Field(
        default=0,
        ge=0,
        description="by how much two sources' prices may differ before it is a disagreement",
    )


def load_settings(data_dir: Path | None = None) -> Settings:
    """Read the settings; `data_dir` overrides the environment's.

    Raises `UnknownSettingError` for a variable with our prefix that names no setting, and
    pydantic's `ValidationError` for a value that does not fit.
    """
    known = {f"{_PREFIX}{name}".upper() for name in Settings.model_fields}
    unknown = sorted(
        n for n in os.environ if n.upper().startswith(_PREFIX) and n.upper() not in known
    )
    if unknown:
        raise UnknownSettingError(f"unknown settings {unknown}; known are {sorted(known)}")
    return Settings() if data_dir is None else Settings(data_dir=data_dir)
