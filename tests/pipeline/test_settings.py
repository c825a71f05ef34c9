"""Settings: what may be set, and that nothing else may."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.settings import Settings, UnknownSettingError, load_settings


def test_without_a_word_from_the_environment_the_defaults_hold() -> None:
    settings = load_settings()
    assert settings.data_dir == Path("data")
    assert settings.mirror is None
    assert settings.contact.startswith("https://")
    assert settings.trusted_days == 120
    assert settings.site is None
    assert not settings.feed_base_models
    assert settings.templates is None


def test_every_setting_has_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATECARD_DATA_DIR", "/elsewhere")
    monkeypatch.setenv("RATECARD_CONTACT", "mailto:a@b.example")
    monkeypatch.setenv("RATECARD_MIRROR", "http://127.0.0.1:8000/base")
    monkeypatch.setenv("RATECARD_TRUSTED_DAYS", "7")
    monkeypatch.setenv("RATECARD_SITE", "https://prices.example.org/rates")
    monkeypatch.setenv("RATECARD_FEED_BASE_MODELS", "true")
    monkeypatch.setenv("RATECARD_TEMPLATES", "words")
    settings = load_settings()
    assert settings.data_dir == Path("/elsewhere")
    assert settings.contact == "mailto:a@b.example"
    assert str(settings.mirror) == "http://127.0.0.1:8000/base"
    assert settings.trusted_days == 7
    assert str(settings.site) == "https://prices.example.org/rates"
    assert settings.feed_base_models
    assert settings.templates == Path("words")


def test_the_option_is_stronger_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATECARD_DATA_DIR", "/elsewhere")
    assert load_settings(Path("here")).data_dir == Path("here")


@pytest.mark.parametrize("name", ["RATECARD_DATADIR", "RATECARD_", "ratecard_mirorr"])
def test_a_name_that_is_no_setting_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(UnknownSettingError, match=rf"'{name}'.*RATECARD_DATA_DIR"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATECARD_TRUSTED_DAYS", "0"),
        ("RATECARD_TRUSTED_DAYS", "soon"),
        ("RATECARD_MIRROR", "127.0.0.1:8000"),
        ("RATECARD_MIRROR", "file:///etc"),
        ("RATECARD_SITE", "prices.example.org"),
        ("RATECARD_SITE", "javascript:alert(1)"),
        ("RATECARD_FEED_BASE_MODELS", "perhaps"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        load_settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().data_dir = Path("other")  # type: ignore[misc]
