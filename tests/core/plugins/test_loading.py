"""What is imported, when, and what is said where that fails."""

from __future__ import annotations

import logging

import pytest

from junto.core import ChatClient, ChatError, MissingExtraError, PluginError, plugins
from junto.core.plugins import API

from .conftest import Installed
from .test_discovery import ECHO


def announce(
    installed: Installed, source: str, *, value: str = "zz_mod:Echo", api: str = ""
) -> None:
    groups = {"providers": {"zz": value}} | ({"api": {api: "junto.core"}} if api else {})
    installed.distribution("zz-dist", groups)
    installed.module("zz_mod", source)


@pytest.mark.parametrize(
    "source",
    [
        "import zz_no_such_module",
        "raise RuntimeError('no luck')",
        "raise SystemExit(3)",
        "def broken(:",
        "Other = 1",
    ],
)
def test_a_plugin_that_cannot_be_imported_is_an_error_for_its_own_name_only(
    installed: Installed, source: str
) -> None:
    announce(installed, source)

    with pytest.raises(
        PluginError, match=r"provider 'zz' \(zz-dist 1\.0\) cannot be loaded from"
    ) as e:
        ChatClient("zz")

    assert e.value.__cause__ is not None
    assert ChatClient("scripted:x").model.provider == "scripted"


def test_what_an_import_says_of_a_missing_extra_passes_unchanged(installed: Installed) -> None:
    announce(
        installed,
        """
        from junto.core import MissingExtraError
        raise MissingExtraError("pip install it")
        """,
    )

    with pytest.raises(MissingExtraError, match=r"^pip install it$"):
        ChatClient("zz")


def test_something_that_is_and_makes_no_provider_is_refused(installed: Installed) -> None:
    announce(installed, "Echo = 'text'")

    with pytest.raises(PluginError, match="is str, and nothing that makes one"):
        ChatClient("zz")


class TestApi:
    def test_none_declared_counts_as_the_first(self, installed: Installed) -> None:
        announce(installed, ECHO)

        assert ChatClient("zz").model.provider == "echo"

    def test_a_newer_one_in_the_metadata_is_refused_before_anything_is_imported(
        self, installed: Installed
    ) -> None:
        announce(installed, "raise RuntimeError('imported')", api=f"v{API + 1}")

        says = (
            rf"provider 'zz' \(zz-dist 1\.0\) was written for junto's plugin API {API + 1}, and "
            rf"this junto has API {API}: install a newer junto \(pip install --upgrade junto\)"
        )
        with pytest.raises(PluginError, match=says):
            ChatClient("zz")

        assert not installed.is_imported("zz_mod")

    def test_a_newer_one_in_the_class_is_refused(self, installed: Installed) -> None:
        announce(installed, f"class Echo:\n    api = {API + 1}")

        with pytest.raises(PluginError, match="install a newer junto"):
            ChatClient("zz")

    def test_an_older_one_asks_for_a_newer_plugin(self, installed: Installed) -> None:
        announce(installed, ECHO, api="v0")

        with pytest.raises(PluginError, match="pip install --upgrade zz-dist"):
            ChatClient("zz")

    def test_several_may_be_declared(self, installed: Installed) -> None:
        groups = {
            "providers": {"zz": "zz_mod:Echo"},
            "api": {"v9": "junto.core", f"v{API}": "junto"},
        }
        installed.distribution("zz-dist", groups)
        installed.module("zz_mod", ECHO)

        assert ChatClient("zz").model.provider == "echo"

    def test_metadata_and_class_that_disagree_are_refused(
        self, installed: Installed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(plugins.found, "_OLDEST", 0)
        announce(installed, "class Echo:\n    api = 0", api=f"v{API}")

        with pytest.raises(PluginError, match="make the two agree"):
            ChatClient("zz")

    @pytest.mark.parametrize("api", ["True", "'chat'", "property(lambda self: 7)"])
    def test_an_attribute_that_means_something_else_is_let_alone(
        self, installed: Installed, api: str
    ) -> None:
        announce(installed, ECHO + f"        api = {api}\n")

        assert ChatClient("zz").model.provider == "echo"


class TestAll:
    def test_loading_all_leaves_a_broken_one_out_with_one_line(
        self, installed: Installed, caplog: pytest.LogCaptureFixture
    ) -> None:
        announce(installed, "raise RuntimeError('sk-secret')")

        with caplog.at_level(logging.DEBUG, "junto"):
            found = plugins.load_all("provider")

        assert "zz" not in found
        assert "scripted" in found
        (line,) = [r for r in caplog.records if r.name == "junto.plugins"]
        assert line.levelno == logging.WARNING
        assert "plugin.failed kind=provider name=zz distribution=zz-dist" in line.getMessage()
        assert "RuntimeError" in line.getMessage()
        assert "secret" not in line.getMessage()

    def test_checking_all_has_each_with_its_error(self, installed: Installed) -> None:
        announce(installed, "raise RuntimeError('no luck')")

        errors = {plugin.name: error for plugin, error in plugins.check_all("provider")}

        assert errors["scripted"] is None
        assert isinstance(errors["zz"], PluginError)
        assert isinstance(errors["zz"].__cause__, RuntimeError)

    def test_what_is_left_out_is_not_imported(
        self, installed: Installed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        announce(installed, "raise RuntimeError('no luck')")
        monkeypatch.setenv("JUNTO_PLUGINS", "")

        assert "zz" not in {plugin.name for plugin, _ in plugins.check_all()}
        assert not installed.is_imported("zz_mod")


class TestStrict:
    @pytest.fixture(autouse=True)
    def strict(self, installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUNTO_STRICT_PLUGINS", "1")

    def test_the_first_name_fails_for_any_broken_plugin(self, installed: Installed) -> None:
        announce(installed, "raise RuntimeError('no luck')")

        for _ in range(2):
            with pytest.raises(PluginError, match=r"'zz'.*no luck"):
                ChatClient("scripted:x")
        with pytest.raises(ChatError, match="no luck"):
            plugins.load_all("provider")

    def test_a_name_offered_twice_fails_every_name(self, installed: Installed) -> None:
        for name in ("zz-one", "zz-two"):
            installed.distribution(name, {"advisors": {"zz": "zz_one:x"}})

        with pytest.raises(PluginError, match="more than once"):
            ChatClient("scripted:x")

    def test_an_allow_list_that_names_nothing_is_an_error(
        self, installed: Installed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUNTO_PLUGINS", "zz-typo")

        with pytest.raises(PluginError, match="JUNTO_PLUGINS names 'zz-typo'"):
            ChatClient("scripted:x")

    def test_where_all_is_well_nothing_changes(self, installed: Installed) -> None:
        announce(installed, ECHO)

        assert ChatClient("scripted:x", advisors=["memory"]).chain.names == ("memory",)

    def test_nought_switches_it_off(
        self, installed: Installed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUNTO_STRICT_PLUGINS", "0")
        announce(installed, "raise RuntimeError('no luck')")

        assert ChatClient("scripted:x").model.provider == "scripted"
