"""Run the command with one small model in its catalogue, which a server of the test offers.

Usage: tiny_catalogue.py URL SIZE SHA256 ARGUMENT…
"""

import sys

import junto.providers.local as face
from junto.app import main
from junto.providers.local import CatalogueModel, UrlSource, cache, catalogue, download

url, size, sha256 = sys.argv[1:4]
del sys.argv[1:4]
tiny = CatalogueModel(
    name="tiny",
    title="A model of no use",
    file_name="tiny.gguf",
    size=int(size),
    sha256=sha256,
    licence="MIT",
    sources=(UrlSource("The Test", url),),
)
for module in (face, cache, catalogue, download):
    module.CATALOGUE = {"tiny": tiny}  # type: ignore[attr-defined]

main()
