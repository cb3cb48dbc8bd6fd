"""What is installed is told from metadata; a name leads to one plugin or to a clear error."""

from __future__ import annotations

import subprocess
import sys

import pytest

from junto.core import ChatClient, PluginError, plugins, resolve_advisor
from junto.core.plugins import API, KINDS, Plugin

from .conftest import Installed

ECHO = """
    class Echo:
        provider = "echo"
        def __init__(self, model="plain"):
            self.model = model
        async def stream(self, request):
            yield
        async def aclose(self):
            pass
"""


def named(name: str) -> list[Plugin]:
    return [plugin for plugin in plugins.installed() if plugin.name == name]


def test_a_listing_has_kind_name_distribution_version_and_api(installed: Installed) -> None:
    groups = {
        "providers": {"zz-p": "zz_listed:P"},
        "advisors": {"zz-a": "zz_listed:a"},
        "memory": {"zz-m": "zz_listed:M"},
        "api": {"v1": "junto.core"},
    }
    installed.distribution("zz-listed", groups, version="3.2")

    found = [p for p in plugins.installed() if p.distribution == "zz-listed"]

    assert [(p.kind, p.name, p.version, p.api, p.problem) for p in found] == [
        ("provider", "zz-p", "3.2", (1,), ""),
        ("advisor", "zz-a", "3.2", (1,), ""),
        ("memory", "zz-m", "3.2", (1,), ""),
    ]


def test_listing_and_looking_up_import_nothing(installed: Installed) -> None:
    installed.distribution("zz-lazy", {"providers": {"zz-lazy": "zz_lazy:Model"}})
    installed.module("zz_lazy", "raise RuntimeError('imported')")

    assert named("zz-lazy")
    with pytest.raises(PluginError, match="no provider"):
        ChatClient("zz-other:x")

    assert not installed.is_imported("zz_lazy")


def test_our_own_plugins_are_announced_like_any_other() -> None:
    own = {(p.kind, p.name) for p in plugins.installed() if p.distribution == "junto"}

    assert {("provider", "dashscope"), ("advisor", "memory"), ("memory", "memory")} <= own
    assert {p.api for p in plugins.installed() if p.distribution == "junto"} == {(API,)}
    assert set(KINDS) == {"provider", "advisor", "memory"}


def test_loading_every_plugin_activates_none() -> None:
    code = """
import logging, structlog, warnings
from junto.core import AdvisorChain, ChatClient, plugins
before = list(logging.root.handlers), warnings.filters[:]
for kind in plugins.KINDS:
    plugins.load_all(kind)
assert ChatClient("scripted:x").chain.names == ()
assert (list(logging.root.handlers), warnings.filters[:]) == before
assert not structlog.is_configured()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("scriptd:x", "no provider 'scriptd'; did you mean 'scripted'"),
        ("zzz", "write provider:model, with a provider of dashscope, local, openai, scripted"),
        ("", "no provider ''"),
        ("safeguard", "'safeguard' is the name of an advisor"),
    ],
)
def test_an_unknown_name_names_the_nearest(name: str, says: str) -> None:
    with pytest.raises(PluginError, match=says):
        ChatClient(name)


def test_what_is_installed_later_is_found(installed: Installed) -> None:
    with pytest.raises(PluginError):
        ChatClient("zz-late")

    installed.distribution("zz-late", {"providers": {"zz-late": "zz_late:Echo"}})
    installed.module("zz_late", ECHO)

    assert ChatClient("zz-late:a").model.model == "a"


def test_the_metadata_is_read_once(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    plugins.installed(anew=True)
    reads: list[object] = []
    monkeypatch.setattr(importlib.metadata, "entry_points", reads.append)
    ChatClient("scripted:x", advisors=["memory", "logging"])
    ChatClient("scripted:x", advisors=["memory"])

    assert reads == []


def test_a_name_offered_twice_is_an_error_that_names_both(installed: Installed) -> None:
    installed.distribution("zz-one", {"providers": {"zz-echo": "zz_one:Echo"}}, version="1.0")
    installed.distribution("zz-two", {"providers": {"zz-echo": "zz_one:Echo"}}, version="2.0")
    installed.module("zz_one", ECHO)

    says = r"offered more than once, by zz-(one 1|two 2)\.0 .* and zz-(one 1|two 2)\.0 .*JUNTO_P"
    with pytest.raises(PluginError, match=says):
        ChatClient("zz-echo:x")

    assert not installed.is_imported("zz_one")
    assert ChatClient("scripted:x").model.provider == "scripted"


def test_the_same_name_in_two_kinds_is_no_clash(installed: Installed) -> None:
    groups = {"providers": {"zz-both": "zz_both:Echo"}, "advisors": {"zz-both": "zz_both:f"}}
    installed.distribution("zz-both", groups)
    installed.module("zz_both", ECHO)

    assert ChatClient("zz-both").model.provider == "echo"


class TestAllowList:
    @pytest.fixture(autouse=True)
    def two(self, installed: Installed) -> None:
        for name in ("zz-one", "zz_Two"):
            module = name.lower().replace("-", "_")
            installed.distribution(name, {"providers": {f"{module}-echo": f"{module}:Echo"}})
            installed.module(module, ECHO)

    def test_unset_allows_all(self) -> None:
        assert ChatClient("zz_one-echo").model.provider == "echo"
        assert ChatClient("zz_two-echo").model.provider == "echo"

    def test_it_names_distributions_however_they_are_spelt(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUNTO_PLUGINS", " ZZ.two , other")

        assert ChatClient("zz_two-echo").model.provider == "echo"
        with pytest.raises(PluginError, match="left out by JUNTO_PLUGINS: add zz-one there"):
            ChatClient("zz_one-echo")
        assert plugins.unknown_distributions() == ["other"]

    def test_empty_allows_our_own_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUNTO_PLUGINS", "")

        for name in ("zz_one-echo", "zz_two-echo"):
            with pytest.raises(PluginError, match="left out"):
                ChatClient(name)
        assert ChatClient("scripted:x", advisors=["memory"]).chain.names == ("memory",)

    def test_it_settles_a_name_that_is_offered_twice(
        self, installed: Installed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed.distribution("zz-thief", {"advisors": {"memory": "zz_one:Echo"}})
        plugins.installed(anew=True)
        with pytest.raises(PluginError, match="more than once"):
            resolve_advisor("memory")

        monkeypatch.setenv("JUNTO_PLUGINS", "zz-one")

        assert type(resolve_advisor("memory")).__name__ == "MemoryAdvisor"
